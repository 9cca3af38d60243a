"""Trains a network from nothing, measures it on the way, and draws its learning curve.

It starts the commands that a person would: `blobmaster train` up to the next mark, `evaluate` and
`ground-truth` there, and so on. The record is a CSV file with a line a measurement; the same
command goes on where it was interrupted. What measuring takes is no training time: that is summed
from the run's history, which tells each iteration's self-play and learning.
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
from typing import Any, NoReturn

import click
from curve_picture import picture

from blobmaster.config.layers import ConfigError, compose, read_file
from blobmaster.run.checkpoints.store import CheckpointEntry, CheckpointStore
from blobmaster.run.files import atomic
from blobmaster.run.files.history import HistoryRow, decode_row
from blobmaster.run.files.layout import RunLayout

OPPONENTS = ("random", "heuristic", "ismcts-100")
MEASURES = ("points", "exact", "wins", "lead")
PLAYERS, CARDS = 4, 5
GO_ON = "the same command goes on with it, another DIR begins anew"

Row = dict[str, str]
"""A line of the record: what was measured, by column."""


class StoppedError(Exception):
    """The curve goes no further now; `str()` says why."""


@click.command()
@click.argument("root", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--config", type=click.Path(path_type=Path), required=True, help="Settings (TOML).")
@click.option("--output", type=click.Path(path_type=Path), required=True, help=".csv and .svg.")
@click.option("--iterations", type=int, help="Stop after so many; the settings' number if not.")
@click.option("--every", type=click.IntRange(min=1), default=10, help="Iterations between marks.")
@click.option("--deals", type=int, default=600, help="Of a measurement on the way.")
@click.option("--last-deals", type=int, default=2000, help="Of those at the end.")
@click.option("--search", default="3x35", help="Of the measurement with search at the end.")
def learning_curve(
    root: Path,
    config: Path,
    output: Path,
    iterations: int | None,
    every: int,
    deals: int,
    last_deals: int,
    search: str,
) -> None:
    """Train the run in DIR as the settings say, from nothing or from where it stands.

    OUTPUT.csv and OUTPUT.svg are written anew after each measurement; lines of another run go.
    """
    total = iterations or compose(read_file(config)).run.iterations
    record = Record(output)
    for mark in sorted({1, *range(every, total, every), total}):
        entry = trained_to(mark, root, config)
        if entry is None:
            continue
        is_last = mark == total
        for with_search in ("", search) if is_last else ("",):
            key = key_of(entry, with_search)
            if record.lacks(key):
                found = measure(entry, with_search, last_deals if is_last else deals)
                record.add(key | cost(root, mark) | found)
    click.echo(f"the curve is in {record.table} and {record.drawing}")


def trained_to(mark: int, root: Path, config: Path) -> CheckpointEntry | None:
    """Train the run up to an iteration; None if it has come farther and that one is gone."""
    store = CheckpointStore(RunLayout(root))
    before = store.entries()
    if not before or before[-1].name.iteration + 1 < mark:
        where = ["--checkpoint-dir", str(root), "--config", str(config)]
        resume = ["--resume"] if before else []
        status, _ = run("train", *resume, *where, "--iterations", str(mark))
        if status:
            raise StoppedError(f"training ended with status {status}; {GO_ON}")
    entries = {entry.name.iteration + 1: entry for entry in store.entries()}
    if max(entries) < mark:
        raise StoppedError(f"training was paused before iteration {mark}; {GO_ON}")
    return entries.get(mark)


def key_of(entry: CheckpointEntry, search: str) -> Row:
    """Which measurement it is."""
    run_id, iteration = entry.meta().identity.run_id, entry.name.iteration + 1
    return {"run": run_id, "iteration": str(iteration), "search": search}


def measure(entry: CheckpointEntry, search: str, deals: int) -> Row:
    """Hold a checkpoint against the players and against the one-card round."""
    met = ["--against", *OPPONENTS, *(["--search", search] if search else [])]
    table = ["--players", str(PLAYERS), "--cards", str(CARDS), "--deals", str(deals)]
    found = asked("evaluate", str(entry.path), *met, *table, "--json")
    solved = asked("ground-truth", str(entry.path), "--players", str(PLAYERS), "--json")
    return measured(found, solved)


def measured(found: dict[str, Any], solved: dict[str, Any]) -> Row:
    """The columns of `evaluate --json` and of `ground-truth --json`."""
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
    """A value and the ends of its 95 % interval."""
    ends = (("", "value"), ("_low", "low"), ("_high", "high"))
    return {f"{name}{end}": f"{found[key]:.4f}" for end, key in ends}


def cost(root: Path, iteration: int) -> Row:
    """What training up to an iteration took."""
    rows = {row.iteration: row for row in history(root) if row.iteration <= iteration}

    def total(metric: str) -> float:
        return sum(float(row.metrics[metric] or 0) for row in rows.values())

    return {
        "rounds": f"{total('training_units_generated'):.0f}",
        "minutes": f"{total('training_seconds') / 60:.2f}",
        "core_minutes": f"{total('training_core_seconds') / 60:.2f}",
    }


def history(root: Path) -> Iterable[HistoryRow]:
    """The run's committed iterations."""
    lines = RunLayout(root).history.read_bytes().splitlines()
    return [row for line in lines if (row := decode_row(line)) is not None]


class Record:
    """The measurements of one run, in a file that is whole at any time, and their picture."""

    def __init__(self, output: Path) -> None:
        self.table = output.with_name(f"{output.name}.csv")
        self.drawing = output.with_name(f"{output.name}.svg")

    def lacks(self, key: Row) -> bool:
        """Whether a measurement is still to be taken."""
        return not any(row.items() >= key.items() for row in self._rows())

    def add(self, row: Row) -> None:
        """Write it down; what another run recorded goes."""
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


def asked(command: str, *arguments: str) -> dict[str, Any]:
    """What a command answers as JSON."""
    status, answer = run(command, *arguments, is_read=True)
    if status:
        raise StoppedError(f"blobmaster {command} ended with status {status}")
    found: dict[str, Any] = json.loads(answer)
    return found


def run(*command: str, is_read: bool = False) -> tuple[int, str]:
    """Run a `blobmaster` command to its end; returns its status, and its output if it is read.

    Whatever ends this process ends the command first, and lets it save what it has.
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
        sys.exit("learning curve: interrupted; the same command goes on")
