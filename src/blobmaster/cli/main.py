"""The `blobmaster` command: its subcommands, and how a person's mistakes are answered.

Each subcommand has a file here. It checks what was typed, and imports what it needs inside the
function: `--help` and the monitor must not load torch.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from blobmaster.cli.bench import bench
from blobmaster.cli.checkpoints import checkpoints
from blobmaster.cli.evaluate import evaluate
from blobmaster.cli.export import export
from blobmaster.cli.ground_truth import ground_truth
from blobmaster.cli.monitor import monitor
from blobmaster.cli.play import play
from blobmaster.cli.report import report
from blobmaster.cli.train import train
from blobmaster.cli.watch import watch
from blobmaster.run.errors import RunError

USAGE_ERROR = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="blobmaster")
def blobmaster() -> None:
    """Train a player of the card game Blob by self-play, and watch it learn."""


blobmaster.add_command(train)
blobmaster.add_command(monitor)
blobmaster.add_command(play)
blobmaster.add_command(report)
blobmaster.add_command(watch)
blobmaster.add_command(export)
blobmaster.add_command(checkpoints)
blobmaster.add_command(ground_truth)
blobmaster.add_command(evaluate)
blobmaster.add_command(bench)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; a person's mistake is one line on stderr and exit status 2."""
    try:
        status = blobmaster(
            list(sys.argv[1:] if arguments is None else arguments),
            prog_name="blobmaster",
            standalone_mode=False,
        )
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        status = USAGE_ERROR
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx is not None else "blobmaster"
        status = _refuse(f"{error.format_message()} ({command} --help lists what there is)")
    except (click.ClickException, RunError) as error:
        status = _refuse(str(error))
    except click.Abort:
        status = 130
    except ValueError as error:
        status = _refuse_settings(error)
    sys.exit(status)


def _refuse_settings(error: ValueError) -> int:
    from blobmaster.config.layers import ConfigError  # a quarter of the time that a page may take

    if not isinstance(error, ConfigError):
        raise error
    return _refuse(str(error))


def _refuse(message: str) -> int:
    click.echo(f"blobmaster: {' '.join(message.split())}", err=True)
    return USAGE_ERROR
