"""The `blobmaster` command: finds its subcommands, and answers a person's mistakes in one line.

Each subcommand has a file here, which is imported when the command is named. It checks the command
line, and imports what it needs inside its function: `--help` and the monitor must not load torch.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from blobmaster.kernels.errors import KernelsUnavailableError
from blobmaster.run.errors import RunError
from blobmaster.terminal.output import protect_output

USAGE_ERROR = 2
FAILED = 1
COMPLETION = "_BLOBMASTER_COMPLETE"
"""The variable by which a shell asks for completions. click answers in bytes, which the protected
streams do not take."""

COMMANDS = {
    "train": "train",
    "monitor": "monitor",
    "play": "play",
    "evaluate": "evaluate",
    "exploit": "exploit",
    "ground-truth": "ground_truth",
    "checkpoints": "checkpoints",
    "settings": "settings",
    "report": "report",
    "watch": "watch",
    "track": "track",
    "export": "export",
    "bench": "bench",
}
"""By name, the module of this package that holds the command, in a function of the same name."""


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is looked up.

    The settings behind the flags of `train` take a quarter of the time in which `monitor --once`
    has to be done, so no command pays for another's imports.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the help."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None if there is no command of that name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"blobmaster.cli.{module}"), module)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="blobmaster")
def blobmaster() -> None:
    """Train a player of the card game Blob by self-play, and watch it learn."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit; a person's mistake is one line on stderr and status 2."""
    if COMPLETION not in os.environ:
        protect_output()
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = blobmaster(words, prog_name="blobmaster", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        status = USAGE_ERROR
    except click.UsageError as error:
        # click's parser names no command where an option lacks its value.
        named = " ".join(["blobmaster", *(word for word in words[:1] if word in COMMANDS)])
        command = error.ctx.command_path if error.ctx is not None else named
        status = _refuse(f"{error.format_message()} (see {command} --help)")
    except (click.ClickException, RunError, KernelsUnavailableError) as error:
        status = _refuse(str(error))
    except click.Abort:
        status = 130  # 128 + SIGINT, as a shell reports a command that Ctrl+C ended
    except ValueError as error:
        status = _refuse_settings(error)
    except MemoryError as error:
        status = _give_up(error)
    sys.exit(status)


def _refuse_settings(error: ValueError) -> int:
    """Answer wrong settings in one line; any other `ValueError` is a bug and is raised again."""
    from blobmaster.config.compose import ConfigError  # not above: see `LazyGroup`

    if not isinstance(error, ConfigError):
        raise error
    return _refuse(str(error))


def _give_up(error: MemoryError) -> int:
    """Answer in one line that the machine, or its container, has no more memory."""
    # numpy says how much it wanted; Python itself says nothing.
    why = f": {str(error).strip().rstrip('.')}" if str(error).strip() else ""
    _refuse(f"not enough memory{why}; use fewer workers or smaller numbers, or free memory")
    return FAILED


def _refuse(message: str) -> int:
    click.echo(f"blobmaster: {' '.join(message.split())}", err=True)
    return USAGE_ERROR
