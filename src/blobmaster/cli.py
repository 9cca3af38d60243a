"""The `blobmaster` command: what a person types, checked before anything heavy is loaded."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from blobmaster.run.errors import RunError
from blobmaster.run.layout import DEFAULT_DIRECTORY

NEWEST = "newest"
USAGE_ERROR = 2

_directory = click.option(
    "--checkpoint-dir",
    "root",
    type=click.Path(path_type=Path),
    default=DEFAULT_DIRECTORY,
    show_default=True,
    help="The run directory.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="blobmaster")
def blobmaster() -> None:
    """Train a player of the card game Blob by self-play, and watch it learn."""


@blobmaster.command()
@click.option("--iterations", type=int, help="Train up to this many iterations in all.")
@click.option("--fast", is_flag=True, help="A small run: five iterations in about a minute.")
@click.option("--training-on", type=click.Choice(["rounds", "games"]), help="Phase 1 or phase 2.")
@click.option("--enable-curriculum", is_flag=True, help="Let search and rounds grow.")
@click.option(
    "--resume",
    is_flag=False,
    flag_value=NEWEST,
    metavar="[PATH]",
    help="Go on from the newest whole checkpoint, or from PATH.",
)
@click.option(
    "--init-from",
    type=click.Path(path_type=Path),
    metavar="CHECKPOINT",
    help="Begin phase 2 from the network of a phase 1.",
)
@_directory
@click.option("--save-every", type=int, help="Commit every so many iterations.")
@click.option("--workers", type=int, help="Threads that play; 0 is one a core.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), help="For the network.")
@click.option(
    "--config", "config_file", type=click.Path(path_type=Path), help="A TOML file of settings."
)
@click.option(
    "--promotion-threshold",
    type=float,
    metavar="SHARE",
    help="Let a rated network play only if ahead in this share of deals; 0.5 are equals, 0 is off.",
)
@click.option("--seed", type=int, help="Of all the run's random streams.")
def train(root: Path, resume: str | None, fast: bool, **flags: Any) -> NoReturn:
    """Train, from the start or with --resume from where a run stands."""
    from blobmaster.train import Order, run_training

    if resume is not None and flags["init_from"] is not None:
        raise click.UsageError(
            "--init-from begins a run and --resume goes on with one: leave out one of them"
        )
    order = Order(
        root=root,
        resume=None if resume in (None, NEWEST) else Path(str(resume)),
        is_resumed=resume is not None,
        is_fast=fast,
        **flags,
    )
    _end(run_training(order))


@blobmaster.command()
@click.argument("folders", metavar="[DIR]...", nargs=-1, type=click.Path(path_type=Path))
@_directory
@click.option("--status-file", type=click.Path(path_type=Path), help="The status to show.")
@click.option(
    "--control-file",
    type=click.Path(path_type=Path),
    help="Where requests go; control.signal beside the status file by default.",
)
@click.option("--refresh-interval", type=float, default=5.0, show_default=True, help="Seconds.")
@click.option("--once", is_flag=True, help="Print one page; the exit status tells the state.")
@click.option("--plain", is_flag=True, help="No screen: a line whenever something changes.")
@click.option("--json", "as_json", is_flag=True, help="What is shown, as JSON.")
@click.option(
    "--prometheus",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="No screen: keep FILE current for a Prometheus textfile collector.",
)
@click.option("--readonly", is_flag=True, help="Leave out the keys that write.")
def monitor(root: Path, status_file: Path | None, as_json: bool, **options: Any) -> int:
    """Watch a run; p pauses it, q leaves it alone and quits.

    With DIRs, or a folder that has runs below it, all of them are listed and Enter opens one.
    """
    from blobmaster.monitor.command import run_monitor
    from blobmaster.monitor.options import MonitorOptions
    from blobmaster.run.layout import RunLayout

    if status_file is not None and options["folders"]:
        raise click.UsageError("--status-file names a run: leave out either it or the folders")
    try:
        wanted = MonitorOptions(
            status_file=status_file or RunLayout(root).status, json=as_json, **options
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return run_monitor(wanted)


@blobmaster.command()
@click.argument("checkpoint", required=False, type=click.Path(path_type=Path))
@click.option("--players", type=int, help="Seats at the table, yours included: 3 to 8 (4).")
@click.option("--cards", type=int, help="Cards dealt to each in the longest rounds (7).")
@click.option("--one-round", is_flag=True, help="One round of that many cards, not a whole game.")
@click.option("--seat", type=int, help="Your seat; seat 1 deals first. Drawn by default.")
@click.option("--seed", type=int, help="Of the cards and of all that the networks draw.")
@click.option(
    "--search",
    metavar="DxS",
    help="How the networks and their advice search: worlds x simulations, or none.",
)
@click.option("--resume", is_flag=True, help="Take up the game that was left last.")
@click.option("--saved", type=click.Path(path_type=Path), help="The file that keeps the game.")
@click.option("--plain", is_flag=True, help="Lines instead of a screen, as for a screen reader.")
@click.option("--pace", type=float, default=0.8, show_default=True, help="Seconds a move is shown.")
def play(**options: Any) -> NoReturn:
    """Play Blob against the network of CHECKPOINT: a seat for you, it at all others.

    A game that is left is kept and goes on with --resume.
    """
    if sys.stderr.isatty():
        click.echo("loading torch and the kernels; where none are compiled, a minute …", err=True)
    from blobmaster.table.command import PlayOrder, run_play

    try:
        status = run_play(PlayOrder(**options))
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    _end(status)


@blobmaster.command()
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@_directory
@click.option("--status-file", type=click.Path(path_type=Path), help="The status to tell of.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("report.html"),
    show_default=True,
    help="The file to write; an earlier report there is replaced.",
)
def report(folder: Path | None, root: Path, status_file: Path | None, output: Path) -> int:
    """Write a run's curves, settings and checkpoints to one HTML file that needs no network."""
    from blobmaster.monitor.options import MonitorOptions
    from blobmaster.monitor.report.command import run_report
    from blobmaster.run.layout import RunLayout

    if status_file is not None and folder is not None:
        raise click.UsageError("--status-file names a run: leave out either it or DIR")
    folders = () if folder is None else (folder,)
    status = status_file or RunLayout(root).status
    return run_report(MonitorOptions(status_file=status, folders=folders), output)


@blobmaster.command()
@click.argument("folders", metavar="[DIR]...", nargs=-1)
@_directory
@click.option("--status-file", type=click.Path(path_type=Path), help="The status to watch.")
@click.option(
    "--notify",
    "addresses",
    metavar="URL...",
    multiple=True,
    envvar="BLOBMASTER_NOTIFY",
    show_envvar=True,
    help="Where to: https://host/hook, ntfy(s)://host/topic, or any address of apprise.",
)
@click.option("--refresh-interval", type=float, default=5.0, show_default=True, help="Seconds.")
def watch(
    folders: tuple[str, ...],
    root: Path,
    status_file: Path | None,
    addresses: tuple[str, ...],
    refresh_interval: float,
) -> int:
    """Tell when a run has finished, failed, stalled, lost Elo and the like; no screen.

    With DIRs, or a folder that has runs below it, all of them are watched. Several URLs may follow
    one --notify.
    """
    from blobmaster.monitor.options import MonitorOptions
    from blobmaster.monitor.watch.command import run_watch
    from blobmaster.monitor.watch.targets import target
    from blobmaster.run.layout import RunLayout

    addresses += tuple(folder for folder in folders if "://" in folder)
    paths = tuple(Path(folder) for folder in folders if "://" not in folder)
    if status_file is not None and paths:
        raise click.UsageError("--status-file names a run: leave out either it or the folders")
    if not addresses:
        raise click.UsageError("say where to: --notify https://host/hook or ntfys://host/topic")
    try:
        targets = [target(address) for address in addresses]
        wanted = MonitorOptions(
            status_file=status_file or RunLayout(root).status,
            folders=paths,
            refresh_interval=refresh_interval,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return run_watch(wanted, targets)


@blobmaster.command()
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("model.onnx"),
    show_default=True,
    help="The file to write; an earlier one there is replaced.",
)
def export(checkpoint: Path, output: Path) -> int:
    """Write the player of CHECKPOINT to an ONNX file, held against torch before it is there."""
    try:
        from blobmaster.export.command import run_export
    except ModuleNotFoundError as error:
        raise RunError(f"export needs {error.name}: pip install onnx onnxruntime") from None
    return run_export(checkpoint, output)


@blobmaster.group()
def checkpoints() -> None:
    """Look at a run's checkpoints without loading them."""


@checkpoints.command("list")
@_directory
def list_checkpoints(root: Path) -> int:
    """List them: iteration, Elo, size, age, and whether each is whole."""
    from blobmaster.inventory import print_list

    return print_list(root)


@checkpoints.command("verify")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
def verify_checkpoints(paths: tuple[Path, ...]) -> int:
    """Read the checkpoints at PATHS and say of each whether it is whole."""
    from blobmaster.inventory import print_verdicts

    return print_verdicts(paths)


@blobmaster.command("ground-truth")
@click.argument("checkpoint", required=False, type=click.Path(path_type=Path))
@click.option(
    "--players", multiple=True, type=int, default=(3, 4, 5, 6), help="Seats; give it repeatedly."
)
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON.")
def ground_truth(checkpoint: Path | None, players: tuple[int, ...], as_json: bool) -> int:
    """Hold the network of CHECKPOINT against small rounds that are solved exactly."""
    from blobmaster.ground_truth import run_ground_truth

    try:
        return run_ground_truth(checkpoint, players, as_json=as_json)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


@blobmaster.command()
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.argument("more", metavar="", nargs=-1)
@click.option("--search", metavar="DxS", help="Let CHECKPOINT search, such as 3x35.")
@click.option(
    "--against",
    metavar="PLAYER...",
    multiple=True,
    help="Whom to meet (random, heuristic and ismcts-100 by default).",
)
@click.option("--players", type=int, default=4, show_default=True, help="Seats at a table.")
@click.option("--cards", type=int, default=5, show_default=True, help="Cards dealt to each.")
@click.option("--deals", type=int, default=300, show_default=True, help="Played from every seat.")
@click.option("--games", is_flag=True, help="Each deal is a whole game, from --cards cards.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of it all.")
@click.option("--workers", type=click.IntRange(min=0), default=0, help="Threads; 0 is one a core.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto")
@click.option("--until-sure", is_flag=True, help="Stop once it is clear who is ahead.")
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON.")
def evaluate(
    checkpoint: Path, more: tuple[str, ...], against: tuple[str, ...], **options: Any
) -> NoReturn:
    """Measure CHECKPOINT at tables where all others are one PLAYER.

    PLAYER is random, heuristic, untrained (CHECKPOINT's network before training), rollout-N,
    ismcts-N, peeking-ismcts-N (sees which cards were not dealt) or openspiel-ismcts-N, with N
    simulations a decision, or a checkpoint: PATH, or PATH:3x35 to search 3 worlds by 35;
    PATH:3x35:gumbel, :shared and :solved search in other ways. With :bf16 or :int8 at its end, a
    checkpoint plays in that number format.
    """
    from blobmaster.evaluate import run_evaluation, understand

    if more and not against:
        raise click.UsageError(f"name opponents with --against: --against {' '.join(more)}")
    try:
        status = run_evaluation(understand(checkpoint, (*against, *more), **options))
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    _end(status)


@blobmaster.command()
@click.argument("parts", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON.")
def bench(parts: tuple[str, ...], as_json: bool) -> int:
    """Measure speed: all PARTS, or some of them.

    They are selfplay, lookahead, scaling, formats, learner, checkpoint, status, engine, monitor and
    watched.
    """
    from blobmaster.bench.command import run_bench

    try:
        return run_bench(parts, as_json=as_json)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


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


def _end(status: int) -> NoReturn:
    """End the process here: whatever must last is on disk.

    Taking torch and its threads down in order took 1.5 s on a busy machine, of the two seconds in
    which a trainer that is told to leave is gone.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # nobody reads it any more
            stream.flush()
    os._exit(status)


def _refuse_settings(error: ValueError) -> int:
    from blobmaster.config import ConfigError  # a quarter of the time that a page may take

    if not isinstance(error, ConfigError):
        raise error
    return _refuse(str(error))


def _refuse(message: str) -> int:
    click.echo(f"blobmaster: {' '.join(message.split())}", err=True)
    return USAGE_ERROR
