"""Trains a network from scratch, evaluates it at regular iterations and draws the learning curve.

It runs the commands that a person would: `blobmaster train` up to the next iteration to measure,
then `evaluate` and `ground-truth`, and so on. The record is a CSV file with one line per
measurement; the same command resumes an interrupted one. Measuring does not count as training time,
which is summed from the run's history.
"""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import click
from curve_picture import picture

from blobmaster.cli.backend_flags import backend_flags
from blobmaster.cluster.backend import PlayBackend
from blobmaster.config.compose import ConfigError, compose, read_file
from blobmaster.game.cards import MAX_CARDS, MAX_PLAYERS, MIN_PLAYERS
from blobmaster.run.checkpoints.store import CheckpointEntry, CheckpointStore
from blobmaster.run.files import atomic
from blobmaster.run.files.history import HistoryRow, decode_row
from blobmaster.run.files.layout import RunLayout

OPPONENTS = ("random", "heuristic", "ismcts-100")
MEASURES = ("points", "exact", "wins", "lead")
GO_ON = "the same command resumes it, another DIR starts over"

Row = dict[str, str]
"""A line of the record, by column."""


class Table(NamedTuple):
    """The table of a measurement."""

    players: int
    cards: int
    deals: int

    @property
    def arguments(self) -> list[str]:
        """The arguments of `evaluate` for it."""
        return [
            *("--players", str(self.players)),
            *("--cards", str(self.cards)),
            *("--deals", str(self.deals)),
        ]


class StoppedError(Exception):
    """The tool has to stop; `str()` says why."""


@click.command()
@click.argument("root", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--config", type=click.Path(path_type=Path), required=True, help="Settings (TOML).")
@click.option("--output", type=click.Path(path_type=Path), required=True, help=".csv and .svg.")
@click.option("--iterations", type=int, help="Total iterations; by default the settings' number.")
@click.option(
    "--every", type=click.IntRange(min=1), default=10, help="Iterations between measurements."
)
@click.option("--deals", type=int, default=600, help="Deals per measurement.")
@click.option("--last-deals", type=int, default=2000, help="Deals of the last measurements.")
@click.option(
    "--players",
    type=click.IntRange(MIN_PLAYERS, MAX_PLAYERS),
    default=4,
    help="Players at a table of the measurements.",
)
@click.option(
    "--cards", type=click.IntRange(1, MAX_CARDS), default=5, help="Cards dealt to each of them."
)
@click.option(
    "--search", default="3x35", help="Search of an extra measurement at the end; '' for none."
)
@backend_flags
def learning_curve(
    root: Path,
    config: Path,
    output: Path,
    iterations: int | None,
    every: int,
    deals: int,
    last_deals: int,
    players: int,
    cards: int,
    search: str,
    backend: PlayBackend,
) -> None:
    """Train the run in DIR with the given settings, from scratch or from its last checkpoint.

    A run that has all its iterations is only measured.

    OUTPUT.csv and OUTPUT.svg are rewritten after each measurement; lines of other runs are removed.
    """
    total = iterations or compose(read_file(config)).run.iterations
    record = Record(output)
    marks = sorted({1, *range(every, total, every), total})
    for number, mark in enumerate(marks, 1):
        # The commands that follow show their own progress, each on its bar or in lines.
        click.echo(f"mark {number} of {len(marks)}: iteration {mark} of {total}", err=True)
        entry = train_to(mark, root, config, backend)
        if entry is None:
            continue
        is_last = mark == total
        for with_search in ("", search) if is_last else ("",):
            key = measurement_key(entry, with_search)
            if record.lacks(key):
                table = Table(players, cards, last_deals if is_last else deals)
                found = measure(entry, with_search, table, backend)
                record.add(key | training_cost(root, mark) | found)
    click.echo(f"the curve is in {record.table} and {record.drawing}")


def train_to(mark: int, root: Path, config: Path, backend: PlayBackend) -> CheckpointEntry | None:
    """Train up to an iteration; return its checkpoint, or None if it no longer exists."""
    store = CheckpointStore(RunLayout(root))
    before = store.entries()
    if not before or before[-1].name.iteration + 1 < mark:
        where = ["--checkpoint-dir", str(root), "--config", str(config)]
        resume = ["--resume"] if before else []
        status, _ = run("train", *resume, *where, *backend.arguments, "--iterations", str(mark))
        if status:
            raise StoppedError(f"training ended with status {status}; {GO_ON}")
    entries = {entry.name.iteration + 1: entry for entry in store.entries()}
    if max(entries) < mark:
        raise StoppedError(f"training was paused before iteration {mark}; {GO_ON}")
    return entries.get(mark)


def measurement_key(entry: CheckpointEntry, search: str) -> Row:
    """Return the columns that identify a measurement."""
    run_id, iteration = entry.meta().identity.run_id, entry.name.iteration + 1
    return {"run": run_id, "iteration": str(iteration), "search": search}


def measure(entry: CheckpointEntry, search: str, table: Table, backend: PlayBackend) -> Row:
    """Measure a checkpoint against the opponents and in the one-card round."""
    met = ["--against", *OPPONENTS, *(["--search", search] if search else [])]
    played = [*table.arguments, *backend.arguments]
    found = read_json("evaluate", str(entry.path), *met, *played, "--json")
    solved = read_json("ground-truth", str(entry.path), "--players", str(table.players), "--json")
    return to_row(found, solved)


def to_row(found: dict[str, Any], solved: dict[str, Any]) -> Row:
    """Convert the output of `evaluate --json` and `ground-truth --json` into columns."""
    row = {"deals": str(found["deals"]), **estimate("elo", found["elo"])}
    for against in found["against"]:
        if against["player"] in OPPONENTS:
            for name in MEASURES:
                row |= estimate(f"{name}_vs_{against['player']}", against[name])
    calibration = found["calibration"]
    figures = {
        "one_card_nash_conv": solved["one_card"][-1]["likeliest"],
        "calibration_error": calibration["at_bid"]["error"],
        "calibration_error_by_chance": calibration["at_bid"]["chance"],
        "calibration_error_at_first_card": calibration["at_first_card"]["error"],
    }
    return row | {name: f"{value:.4f}" for name, value in figures.items()}


def estimate(name: str, found: dict[str, float]) -> Row:
    """Return the columns of a value and the ends of its 95 % interval."""
    ends = (("", "value"), ("_low", "low"), ("_high", "high"))
    return {f"{name}{end}": f"{found[key]:.4f}" for end, key in ends}


def training_cost(root: Path, iteration: int) -> Row:
    """Return the columns of the cost of training up to an iteration."""
    rows = {row.iteration: row for row in history(root) if row.iteration <= iteration}

    def total(metric: str) -> float:
        return sum(float(row.metrics[metric] or 0) for row in rows.values())

    return {
        "rounds": f"{total('training_units_generated'):.0f}",
        "minutes": f"{total('training_seconds') / 60:.2f}",
        "core_minutes": f"{total('training_core_seconds') / 60:.2f}",
    }


def history(root: Path) -> Iterable[HistoryRow]:
    """Read the run's committed iterations."""
    lines = RunLayout(root).history.read_bytes().splitlines()
    return [row for line in lines if (row := decode_row(line)) is not None]


class Record:
    """The measurements of one run: a CSV file, always replaced atomically, and its picture."""

    def __init__(self, output: Path) -> None:
        self.table = output.with_name(f"{output.name}.csv")
        self.drawing = output.with_name(f"{output.name}.svg")

    def lacks(self, key: Row) -> bool:
        """Return True if the measurement is missing."""
        return not any(row.items() >= key.items() for row in self._rows())

    def add(self, row: Row) -> None:
        """Add a measurement; drop those of other runs."""
        self._write([*(old for old in self._rows() if old["run"] == row["run"]), row])

    def _rows(self) -> list[Row]:
        if not self.table.exists():
            return []
        with self.table.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def _write(self, rows: Sequence[Row]) -> None:
        columns = dict.fromkeys(column for row in rows for column in row)
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        atomic.make_folder(self.table.parent)
        atomic.replace(self.table, text.getvalue().encode())
        atomic.replace(self.drawing, picture(rows).encode())


def read_json(command: str, *arguments: str) -> dict[str, Any]:
    """Run a command and parse its JSON output."""
    status, answer = run(command, *arguments, is_read=True)
    if status:
        raise StoppedError(f"blobmaster {command} ended with status {status}")
    found: dict[str, Any] = json.loads(answer)
    return found


def run(*command: str, is_read: bool = False) -> tuple[int, str]:
    """Run a `blobmaster` command; return its exit status, and its output if `is_read`.

    If this process is interrupted, the command is terminated first, so that it can save its state.
    """
    said = subprocess.PIPE if is_read else None
    with subprocess.Popen([sys.executable, "-m", "blobmaster", *command], stdout=said) as process:
        try:
            output, _ = process.communicate()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    return process.returncode, (output or b"").decode()


def _leave(number: int, _: object) -> NoReturn:
    sys.exit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _leave)
    try:
        learning_curve.main(standalone_mode=False)
    except (StoppedError, ConfigError, click.ClickException) as stopped:
        sys.exit(f"learning curve: {stopped}")
    except (KeyboardInterrupt, click.Abort):
        sys.exit("learning curve: interrupted; the same command resumes it")
