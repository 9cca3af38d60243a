"""Every tracker's own library reads back every value, after kills, rewinds and a live run too."""

from __future__ import annotations

import math
import random
import re
import signal
import struct
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import trainer
from made_up_run import IDENTITY, history_row, write_run
from monitor_terminal import make_status, put
from stored import READERS, Stored

from blobmaster.monitor.track.registry import TRACKERS
from blobmaster.monitor.track.rows import History, settings_of
from blobmaster.run.files.history import reconcile
from blobmaster.run.files.layout import RunLayout

# What the trackers' libraries warn each other of is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")
KILLS = 5
NAME = IDENTITY.run_id


@pytest.fixture(params=[tracker.name for tracker in TRACKERS])
def name(request: pytest.FixtureRequest) -> str:
    """A tracker whose library is installed."""
    if find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed: `make trackers` has all trackers")
    return str(request.param)


def export(
    name: str, layout: RunLayout, into: Path, calls: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run `blobmaster track` to its end, or to its kill after so many function calls."""
    script = Path(__file__).with_name("killed_export.py")
    words = [str(calls), "track", name, str(layout.root), "--into", str(into)]
    return subprocess.run(
        [sys.executable, str(script), *words], capture_output=True, text=True, check=False
    )


def expected(layout: RunLayout) -> Stored:
    history = History(layout)
    history.refresh()
    return {row.iteration: dict(row.values) for row in history.rows}


def assert_holds(name: str, into: Path, wanted: Stored) -> None:
    """Check that the store holds these rows, each once and with every value, and no other."""
    rows, _ = READERS[name](into, NAME)
    assert sorted(rows) == sorted(wanted)
    for step, values in wanted.items():
        assert rows[step].keys() == values.keys()
        for key, value in values.items():
            if name == "tensorboard":
                value = struct.unpack("<f", struct.pack("<f", value))[0]
            assert math.isclose(rows[step][key], value, rel_tol=1e-12), (step, key)


@pytest.fixture
def layout(tmp_path: Path) -> RunLayout:
    """A run of 30 iterations with everything that a rating tells."""
    layout = RunLayout(tmp_path / "run")
    write_run(layout, iterations=30, state="finished")
    more = {"one_card_nash_conv": 0.135, "calibration_error": 0.021, "made_exact_by_cards": [0.9]}
    layout.history.write_bytes(b"".join(history_row(n, **more) for n in range(1, 31)))
    return layout


def test_it_reads_back_every_value_and_every_setting(name: str, layout: RunLayout, tmp_path: Path):
    done = export(name, layout, tmp_path / "to")
    assert done.returncode == 0, done.stderr
    assert f"{NAME}: 30 rows added, up to iteration 30" in done.stdout
    wanted = expected(layout)
    assert {"elo", "elo_low", "elo_high", "one_card_nash_conv", "calibration_error"} <= wanted[
        30
    ].keys()
    assert_holds(name, tmp_path / "to", wanted)
    _, settings = READERS[name](tmp_path / "to", NAME)
    for key, value in settings_of(layout).items():
        assert settings[key] == (str(value) if name == "mlflow" else value)


def test_killed_anywhere_and_started_again_it_repeats_no_row_and_misses_none(
    name: str, layout: RunLayout, tmp_path: Path
):
    whole = export(name, layout, tmp_path / "whole")
    opened, calls = map(int, re.findall(r"calls: (\d+) (\d+)", whole.stdout)[0])
    draw, killed = random.Random(name), 0
    for number in range(KILLS):
        into = tmp_path / f"to{number}"
        for first in (1, opened):  # anywhere, then while rows are written
            done = export(name, layout, into, draw.randint(first, calls))
            killed += done.returncode == -signal.SIGKILL
        done = export(name, layout, into)
        assert done.returncode == 0, done.stderr
        assert_holds(name, into, expected(layout))
    assert killed >= KILLS


def test_rows_that_a_resume_dropped_do_not_stay(name: str, layout: RunLayout, tmp_path: Path):
    export(name, layout, tmp_path / "to")
    reconcile(layout.history, NAME, 20, ())
    with layout.history.open("ab") as file:
        file.writelines(history_row(number, loss=7.0) for number in range(21, 25))
    done = export(name, layout, tmp_path / "to")
    assert done.returncode == 0, done.stderr
    assert_holds(name, tmp_path / "to", expected(layout))
    reconcile(layout.history, NAME, 3, ())  # and with nothing new in their place
    export(name, layout, tmp_path / "to")
    assert_holds(name, tmp_path / "to", expected(layout))


def test_it_follows_a_run_through_a_rewind_until_it_finishes(
    name: str, layout: RunLayout, tmp_path: Path
):
    put(layout, make_status())
    words = ("--into", tmp_path / "to", "--follow", "--refresh-interval", "0.1")
    process = subprocess.Popen(
        trainer.command("track", name, layout.root, *words), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout:
        assert "30 rows added" in process.stdout.readline()
        with layout.history.open("ab") as file:
            file.write(history_row(31))
        assert "1 rows added, up to iteration 31" in process.stdout.readline()
        reconcile(layout.history, NAME, 10, ())
        with layout.history.open("ab") as file:
            file.write(history_row(11, loss=7.0))
        while "up to iteration 11" not in (line := process.stdout.readline()):
            assert line
        put(layout, make_status(state="finished", seq=2000))
        assert process.wait(trainer.PATIENCE_S) == 0
    assert_holds(name, tmp_path / "to", expected(layout))
