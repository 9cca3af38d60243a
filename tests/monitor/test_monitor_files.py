"""The growing files, history and log: they are read incrementally."""

from __future__ import annotations

import os
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from blobmaster.monitor.options import MonitorOptions
from blobmaster.monitor.read.curves import MOST_CURVES, POINTS, History
from blobmaster.monitor.read.run_reader import RunReader, list_checkpoints
from blobmaster.monitor.read.tail import LINES, LogTail
from blobmaster.monitor.text import fmt
from blobmaster.run.checkpoints.store import CheckpointStore
from blobmaster.run.files.history import HistoryRow, encode_row
from blobmaster.run.files.layout import RunLayout


def rows(first: int, last: int, **metrics: Any) -> bytes:
    """History rows of these iterations."""
    return b"".join(
        encode_row(
            HistoryRow(
                iteration=i,
                run_id="r",
                timestamp="2025-11-13T10:00:00Z",
                elapsed_hours=i * 0.3,
                metrics={"loss": 1 / i, **metrics},
            )
        )
        for i in range(first, last + 1)
    )


def test_history_is_read_on_and_a_torn_row_waits(layout: RunLayout):
    history = History(layout.history)
    history.refresh()
    assert history.curves == {}
    layout.history.write_bytes(rows(1, 10) + b'{"iteration": 11, "lo')
    history.refresh()
    assert len(history.curves["loss"].points) == 10
    before = history.curves
    history.refresh()
    assert history.curves is before
    layout.history.write_bytes(rows(1, 12))
    history.refresh()
    assert history.curves["loss"].last == pytest.approx(1 / 12)


def test_a_resume_from_an_older_iteration_forgets_what_came_after(layout: RunLayout):
    layout.history.write_bytes(rows(1, 100))
    history = History(layout.history)
    history.refresh()
    fresh = layout.root / ".history.tmp"
    fresh.write_bytes(rows(1, 50))
    fresh.replace(layout.history)
    history.refresh()
    assert history.curves["loss"].points[-1][0] == 50


def test_curves_stay_bounded_and_keep_their_shape_over_100_000_rows(layout: RunLayout):
    layout.history.write_bytes(rows(1, 100_000))
    history = History(layout.history)
    tracemalloc.start()
    history.refresh()
    while history.is_behind:
        history.refresh()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    points = history.curves["elapsed_hours"].points
    assert POINTS <= len(points) <= 2 * POINTS + 1
    assert all(y == pytest.approx(0.3 * x, rel=1e-3) for x, y in points)
    assert kept < 2_000_000


def test_a_thousand_metrics_keep_a_bounded_number_of_curves(layout: RunLayout):
    many = {f"m{i}": float(i) for i in range(1000)}
    layout.history.write_bytes(rows(1, 3, **many))
    history = History(layout.history)
    history.refresh()
    assert len(history.curves) == MOST_CURVES


def test_metrics_that_are_no_finite_numbers_are_left_out(layout: RunLayout):
    odd = {"flag": True, "text": "x", "none": None, "nested": {"a": 1.0}, "huge": 10**400}
    line = rows(1, 1, **{k: v for k, v in odd.items() if k != "huge"})
    layout.history.write_bytes(line.replace(b'"flag"', b'"huge":' + b"9" * 400 + b',"flag"'))
    history = History(layout.history)
    history.refresh()
    assert set(history.curves) <= {"loss", "elapsed_hours", "nested.a", "huge"}


def test_a_log_keeps_its_newest_lines_and_their_levels(layout: RunLayout):
    tail = LogTail(layout.log)
    tail.refresh()
    assert tail.lines == ()
    text = "".join(f"10:00 INFO line {i}\n" for i in range(5000))
    layout.log.write_text(text + "10:01 ERROR bad\n  Traceback\n10:02 WARNING odd\nhalf")
    tail.refresh()
    assert len(tail.lines) == LINES
    assert [line.level for line in tail.lines[-4:]] == ["info", "error", "error", "warning"]
    with layout.log.open("a") as log:
        log.write(" a line\n")
    tail.refresh()
    assert tail.lines[-1].text == "half a line"


def test_a_log_that_was_replaced_is_read_anew(layout: RunLayout):
    layout.log.write_text("INFO old\n" * 10)
    tail = LogTail(layout.log)
    tail.refresh()
    layout.log.unlink()
    layout.log.write_text("INFO new\n")
    tail.refresh()
    assert [line.text for line in tail.lines] == ["INFO new"]


@pytest.mark.parametrize("name", ["status.json", "history.jsonl", "train.log"])
@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda p: p.symlink_to("/dev/zero")])
def test_special_files_neither_block_nor_break_a_look(layout: RunLayout, name: str, make: Any):
    make(layout.root / name)
    source = RunReader(MonitorOptions(status_file=layout.status))
    source.read()
    reading = source.read()
    assert reading.status is None
    assert reading.log == ()


def test_checkpoints_are_listed_newest_first_and_foreign_files_left_out(layout: RunLayout):
    layout.permanent.mkdir()
    layout.cache.mkdir()
    prefix = "20251113-Blobmaster-v1-4.9M"
    for path in (
        layout.permanent / f"{prefix}-iter005-elo0980.pth",
        layout.cache / f"{prefix}-iter007.pth",
        layout.cache / f".{prefix}-iter008.pth.tmp",
        layout.cache / "notes.txt",
    ):
        path.write_bytes(b"x" * 7)
    os.utime(layout.cache / f"{prefix}-iter007.pth", (time.time() - 7200,) * 2)
    found = list_checkpoints(layout)
    assert [(file.iteration, file.elo, file.permanent, file.bytes) for file in found] == [
        (7, None, False, 7),
        (5, 980, True, 7),
    ]
    assert [fmt.age(file.age_s) for file in found] == ["2 h", "0 s"]
    assert list_checkpoints(RunLayout(Path("/nonexistent"))) == ()


def test_links_to_checkpoints_are_listed_as_the_trainer_lists_them(
    layout: RunLayout, tmp_path: Path
):
    layout.permanent.mkdir()
    layout.cache.mkdir()
    (elsewhere := tmp_path / "elsewhere.pth").write_bytes(b"x" * 7000)
    prefix = "20251113-Blobmaster-v1-4.9M"
    (layout.permanent / f"{prefix}-iter005-elo0980.pth").symlink_to(elsewhere)
    (layout.cache / f"{prefix}-iter006.pth").symlink_to(tmp_path / "gone.pth")
    (layout.cache / f"{prefix}-iter007.pth").mkdir()
    found = list_checkpoints(layout)
    assert [file.name for file in reversed(found)] == [
        entry.path.name for entry in CheckpointStore(layout).entries()
    ]
    assert [(file.iteration, file.bytes == 7000) for file in found] == [(6, False), (5, True)]
