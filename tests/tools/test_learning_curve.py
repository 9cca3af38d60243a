"""The learning curve tool: it keeps measurements, resumes, and draws the picture."""

from __future__ import annotations

import csv
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
from learning_curve import Record, to_row, training_cost

from blobmaster.config.compose import compose, read_file
from blobmaster.run.files.history import HistoryRow, append_rows
from blobmaster.run.files.layout import RunLayout

TOOL = Path(__file__).parents[2] / "tools" / "learning_curve.py"
SETTINGS = Path(__file__).parents[2] / "examples" / "learning-curve.toml"
SMALL = """
[run]
iterations = 4
[rounds]
players = {4 = 1.0}
most_cards = {4 = {3 = 1.0}}
[network]
width = 16
blocks = 1
[self_play]
rounds = 24
rounds_per_block = 8
slots = 8
[learning]
batch = 32
threads = 1
[rating]
deals = 10
doubling_deals = 10
bootstrap = 20
"""


def row(run: str, iteration: int, search: str = "", points: float = 5.0) -> dict[str, str]:
    key = {"run": run, "iteration": str(iteration), "search": search}
    told = {"points_vs_random": points, "points_vs_random_low": points - 1}
    told |= {"core_minutes": 2.0 * iteration, "points_vs_random_high": points + 1}
    return key | {name: str(value) for name, value in told.items()}


def test_a_measurement_is_recorded_once_and_one_with_search_is_another(tmp_path: Path):
    record = Record(tmp_path / "docs" / "curve")
    record.add(row("a", 1))
    record.add(row("a", 5))
    assert not record.lacks({"run": "a", "iteration": "1", "search": ""})
    assert record.lacks({"run": "a", "iteration": "5", "search": "3x35"})
    with record.table.open() as file:
        assert [line["iteration"] for line in csv.DictReader(file)] == ["1", "5"]


def test_another_run_starts_a_new_record(tmp_path: Path):
    record = Record(tmp_path / "curve")
    record.add(row("a", 1))
    record.add(row("b", 1))
    with record.table.open() as file:
        assert [line["run"] for line in csv.DictReader(file)] == ["b"]


def test_the_picture_has_a_point_for_each_measurement_without_search(tmp_path: Path):
    record = Record(tmp_path / "curve")
    for iteration, search in ((1, ""), (5, ""), (9, ""), (9, "3x35")):
        record.add(row("a", iteration, search))
    svg = ElementTree.fromstring(record.drawing.read_text())
    (dots,) = [e for e in svg.iter() if e.get("class") == "dots c0"]
    assert dots.get("d").count("h0") == 3
    texts = [e.text for e in svg.iter() if e.tag.endswith("text")]
    assert {"Against three of", "random", "training time, core-minutes"} <= set(texts)


def test_training_time_covers_the_iterations_up_to_the_measurement(tmp_path: Path):
    for iteration in (1, 2, 3):
        metrics = {"training_units_generated": 100, "training_seconds": 60.0}
        metrics["training_core_seconds"] = 90.0 * iteration
        line = HistoryRow(
            iteration=iteration, run_id="a", timestamp="", elapsed_hours=1.0, metrics=metrics
        )
        append_rows(RunLayout(tmp_path).history, [line])
    assert training_cost(tmp_path, 2) == {
        "rounds": "200",
        "minutes": "2.00",
        "core_minutes": "4.50",
    }


def test_the_example_settings_are_valid():
    assert compose(read_file(SETTINGS)).run.iterations > 1


def test_opponents_that_the_curve_does_not_show_are_left_out():
    value = {"value": 1.0, "low": 0.5, "high": 1.5}
    against = [
        {"player": name, "points": value, "exact": value, "wins": value, "lead": value}
        for name in ("untrained", "random")
    ]
    calibration = {name: {"error": 0.05, "chance": 0.01} for name in ("at_bid", "at_first_card")}
    found = {"deals": 60, "elo": value, "against": against, "calibration": calibration}
    solved = {"one_card": [{"likeliest": 9.0}, {"likeliest": 0.25}]}
    row = to_row(found, solved)
    assert row["one_card_nash_conv"] == "0.2500"
    assert row["exact_vs_random_high"] == "1.5000"
    assert row["calibration_error"] == "0.0500"
    assert not any("untrained" in name for name in row)


@pytest.mark.long
def test_interrupted_while_training_and_while_measuring_it_finishes_the_record(tmp_path: Path):
    settings = tmp_path / "settings.toml"
    settings.write_text(SMALL)
    command = [sys.executable, str(TOOL), "run", "--config", "settings.toml", "--output", "curve"]
    command += ["--every", "2", "--deals", "10", "--last-deals", "10", "--search", "1x4"]
    command += ["--players", "3", "--cards", "2"]
    for patience in (3.0, 8.0, 15.0):
        with subprocess.Popen(command, cwd=tmp_path) as begun:
            time.sleep(patience)  # wherever that is
            begun.send_signal(signal.SIGTERM)
            assert begun.wait(300) in (0, 143)
    assert subprocess.run(command, cwd=tmp_path, timeout=1200).returncode == 0
    with (tmp_path / "curve.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(line["iteration"], line["search"]) for line in rows] == [
        *(("1", ""), ("2", ""), ("4", ""), ("4", "1x4")),
    ]
