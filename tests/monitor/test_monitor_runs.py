"""Several runs: the search, the table, the exit status, and the list on a real terminal."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from monitor_terminal import (
    make_status,
    monitor_command,
    put,
    run_monitor_plainly,
    written_later,
)
from terminals import Terminal

from blobmaster.monitor.options import MonitorOptions
from blobmaster.monitor.read.runs import MOST_RUNS, MultiRunReader, find_runs
from blobmaster.monitor.screen.drawing import ASCII, UNICODE
from blobmaster.monitor.screen.frame import Frame
from blobmaster.monitor.screen.list_panel import RunList, draw
from blobmaster.monitor.text.listing import names, page
from blobmaster.monitor.view import View
from blobmaster.run.files.layout import RunLayout

Open = Callable[..., Terminal]
GONE = {"pid": 1, "process_start_ticks": 5, "process_started_at": 1.0}


def make_run(folder: Path, **changes: Any) -> RunLayout:
    """A run directory with a status; healthy unless changed."""
    run = RunLayout(folder)
    run.root.mkdir(parents=True, exist_ok=True)
    put(run, make_status(run_id=f"id-of-{folder.name}", **changes))
    return run


def listed(layout: RunLayout, *folders: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return run_monitor_plainly(layout, folders=folders or (layout.root,), **options)


def test_runs_are_found_below_a_folder_by_name_as_people_count(tmp_path: Path):
    for name in ("run-10", "run-2", "deep/er/models/checkpoints", "a"):
        make_run(tmp_path / name)
    found = [str(run.relative_to(tmp_path)) for run in find_runs([tmp_path])]
    assert found == ["a", "deep/er/models/checkpoints", "run-2", "run-10"]


def test_what_lies_inside_a_run_or_behind_a_link_or_hidden_is_no_run_of_its_own(tmp_path: Path):
    run = make_run(tmp_path / "runs" / "a")
    make_run(run.archive / "earlier")
    make_run(tmp_path / "runs" / ".hidden")
    make_run(tmp_path / "elsewhere")
    (tmp_path / "runs" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "runs" / "loop").symlink_to(tmp_path / "runs")
    assert find_runs([tmp_path / "runs"]) == (run.root,)


def test_a_run_named_twice_is_listed_once_and_a_folder_without_runs_is_one_to_be(tmp_path: Path):
    run = make_run(tmp_path / "runs" / "a")
    (tmp_path / "empty").mkdir()
    found = find_runs([tmp_path / "runs", run.root, tmp_path / "empty"])
    assert found == (run.root, tmp_path / "empty")


def test_a_search_is_bounded_in_depth_and_number(tmp_path: Path):
    make_run(tmp_path / "/".join("abcdefgh"))
    assert find_runs([tmp_path]) == (tmp_path,)
    for number in range(MOST_RUNS + 5):
        folder = tmp_path / f"r{number}"
        folder.mkdir()
        (folder / "status.json").touch()
    assert len(find_runs([tmp_path])) == MOST_RUNS


def test_a_run_that_begins_or_goes_is_noticed_and_the_others_keep_what_was_seen(tmp_path: Path):
    make_run(tmp_path / "b", host="elsewhere", seq=1)
    runs = MultiRunReader(MonitorOptions(folders=(tmp_path,)), extent="status")
    assert [view.sure for view in runs.read()] == [False]
    make_run(tmp_path / "a")
    make_run(tmp_path / "b", host="elsewhere", seq=2)
    assert [(view.run_id, view.sure) for view in runs.read()] == [
        ("id-of-a", True),
        ("id-of-b", True),
    ]
    RunLayout(tmp_path / "b").status.unlink()
    assert [view.run_id for view in runs.read()] == ["id-of-a"]


def test_the_table_tells_state_progress_elo_and_time_left_of_each(layout: RunLayout):
    make_run(layout.root / "a")
    make_run(layout.root / "b", progress=1.0, state="finished", metrics={})
    found = listed(layout, once=True)
    assert (found.returncode, found.stderr) == (0, "")
    heading, a, b = found.stdout.splitlines()
    assert heading.split() == ["run", "state", "progress", "iteration", "Elo", "time", "left"]
    assert a.split() == ["a", "running", "30.0", "%", "151/500", "1412", "4", "d", "20", "h"]
    assert b.split() == ["b", "finished", "100.0", "%", "151/500", "—", "—"]


@pytest.mark.parametrize(
    ("others", "status"), [([], 0), (["dead"], 11), (["dead", "bad"], 12), (["bad"], 12)]
)
def test_the_exit_status_is_the_worst_of_all_runs(
    layout: RunLayout, others: list[str], status: int
):
    make_run(layout.root / "fine")
    if "dead" in others:
        make_run(layout.root / "dead", **GONE)
    if "bad" in others:
        make_run(layout.root / "bad").status.write_text("{")
    found = listed(layout, once=True)
    assert found.returncode == status
    assert all(
        state in found.stdout for state in ("unreadable" if o == "bad" else o for o in others)
    )


def test_json_is_a_list_of_views(layout: RunLayout):
    make_run(layout.root / "a")
    make_run(layout.root / "b", **GONE)
    found = listed(layout, json=True)
    assert found.returncode == 11
    assert [run["state"] for run in json.loads(found.stdout)] == ["running", "dead"]


def test_one_folder_that_is_a_run_is_shown_as_that_run(layout: RunLayout):
    put(layout, make_status())
    (layout.root / "archive").mkdir()
    assert json.loads(listed(layout, json=True).stdout)["run_id"] == "20251113-a1b2c3"
    assert "target" in listed(layout, once=True).stdout


def test_a_folder_that_is_not_there_is_listed_as_waited_for(layout: RunLayout):
    make_run(layout.root / "a")
    found = listed(layout, layout.root / "a", layout.root / "none", once=True)
    assert (found.returncode, found.stderr) == (12, "")
    (line,) = [line for line in found.stdout.splitlines() if "none" in line]
    assert "waiting" in line


def test_the_gauges_of_all_runs_come_in_one_file(layout: RunLayout):
    for name in ("a", "b"):
        make_run(layout.root / name)
    target = layout.root / "all.prom"
    assert listed(layout, once=True, prometheus=target).returncode == 0
    assert target.read_text().count("\nblobmaster_elo{") == 2


def test_the_command_lists_folders(layout: RunLayout):
    a, b = make_run(layout.root / "a"), make_run(layout.root / "b")
    command = [sys.executable, "-m", "blobmaster", "monitor", str(a.root), str(b.root), "--once"]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert len(found.stdout.splitlines()) == 3
    refused = subprocess.run(
        [*command, "--status-file", str(a.status)], capture_output=True, text=True, check=False
    )
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)


def shown(*states: str) -> tuple[View, ...]:
    return tuple(
        View(
            state=state,
            source=f"/runs/a-run-with-a-name-{i}/status.json",
            run_id="r",
            has_status=True,
        )
        for i, state in enumerate(states)
    )


def test_names_leave_out_what_all_runs_have_in_common():
    views = [View(state="dead", source=f"/x/y/{name}/status.json") for name in ("a", "b/c")]
    assert names(views) == ["a", "b/c"]
    assert names(views[:1]) == ["/x/y/a"]
    assert page([]).startswith("run")


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
@pytest.mark.parametrize("size", [(20, 5), (40, 10), (80, 24), (250, 70)])
def test_the_list_fits_every_size_and_shows_the_chosen_run(size: tuple[int, int], glyphs: Any):
    views = shown(*["running", "dead", "no contact"] * 20)
    frame = Frame(
        view=views[0],
        glyphs=glyphs,
        now=0.0,
        can_write=False,
        interval=5.0,
        width=size[0],
        height=size[1],
    )
    for view in views:
        lines = draw(RunList(views=views, source=view.source, silent_s=40.0), frame)
        texts = ["".join(span.text for span in line) for line in lines]
        assert len(lines) == size[1]
        assert all(len(text) <= size[0] for text in texts)
        (marked,) = [text for text in texts if text.startswith("> ")]
        assert size[0] < 80 or f"a-run-with-a-name-{views.index(view)} " in marked


@pytest.fixture
def two(layout: RunLayout, open_terminal: Open) -> Terminal:
    """The list of two runs on a screen."""
    make_run(layout.root / "a", iteration=11)
    make_run(layout.root / "b", iteration=22)
    terminal = open_terminal(monitor_command(layout, folders=(layout.root,), refresh_interval=0.3))
    terminal.wait_for("2 runs")
    terminal.wait_for("> a")
    return terminal


def test_enter_opens_a_run_and_escape_goes_back_to_the_list(two: Terminal):
    two.press("\r")
    two.wait_for("iteration 11 of 500")
    two.wait_for("Esc runs")
    assert "2 runs" not in two.text
    two.press("\x1b")
    two.wait_for("2 runs")
    two.press("\x1b[B\r")
    two.wait_for("iteration 22 of 500")
    assert "id-of-b" in two.text
    two.press("?")
    two.wait_for("this help")
    two.press("\x1b")
    two.wait_without("this help")
    assert "iteration 22 of 500" in two.text
    two.press("q")
    assert two.exit_status() == 0
    two.assert_restored()


def test_the_list_is_kept_current_and_the_choice_stays_with_its_run(
    two: Terminal, layout: RunLayout
):
    two.press("\x1b[B")
    two.wait_for("> b")
    make_run(layout.root / "a", iteration=12, seq=1001)
    make_run(layout.root / "aa", **GONE)
    two.wait_for("3 runs")
    two.wait_for("12/500")
    two.wait_for("dead")
    two.wait_for("> b")  # its line is drawn after that of the dead one


def test_a_pause_asked_in_an_open_run_reaches_that_run_alone(two: Terminal, layout: RunLayout):
    two.press("py")
    two.press("\x1b[B\r")
    two.wait_for("p pause")
    two.press("p")
    two.wait_for("y yes")
    two.press("y")
    two.wait_until((layout.root / "b" / "control.signal").exists, "asked")
    assert not (layout.root / "a" / "control.signal").exists()


def test_help_opens_over_the_list_and_ctrl_c_leaves_from_it(two: Terminal):
    two.press("?")
    two.wait_for("choose, open")
    two.press("q")
    two.wait_without("choose, open")
    two.press("\x03")
    assert two.exit_status() == 0
    two.assert_restored()


def test_keys_in_a_burst_open_and_close_runs_and_none_is_lost(two: Terminal):
    for _ in range(25):
        two.press("\r?q\x1b[B\x1b[A?q")
        two.wait_for("iteration 11 of 500")
        two.press("\x1b")
        two.wait_for("2 runs")
    two.press("q")
    assert two.exit_status() == 0


def test_without_a_screen_each_line_names_its_run(layout: RunLayout, open_terminal: Open):
    make_run(layout.root / "a", **written_later())
    make_run(layout.root / "b", **GONE)
    terminal = open_terminal(
        monitor_command(layout, folders=(layout.root,), plain=True), columns=200
    )
    terminal.wait_for("a: running | iteration 151/500")
    terminal.wait_for("b: dead")


def test_a_file_system_that_hangs_freezes_neither_the_list_nor_its_truth(
    layout: RunLayout, open_terminal: Open
):
    """The stand-in is for the kernel: opening b's status blocks from the second time on."""
    make_run(layout.root / "a")
    make_run(layout.root / "b")
    hangs = (
        "import os, time\nreal, count = os.open, []\n"
        "def slow(path, *rest, **more):\n"
        "    if str(path).endswith('b/status.json'):\n"
        "        count.append(1)\n"
        "        if len(count) > 1: time.sleep(3600)\n"
        "    return real(path, *rest, **more)\n"
        "os.open = slow"
    )
    terminal = open_terminal(
        monitor_command(layout, before=hangs, folders=(layout.root,), refresh_interval=0.3)
    )
    terminal.wait_for(", read ")
    put(RunLayout(layout.root / "a"), make_status(seq=2000, iteration=200))
    terminal.wait_for("200/500")
    terminal.press("\x1b[B\r")
    terminal.wait_for("the file system does not answer")
    terminal.press("\x1b")
    terminal.wait_for("2 runs")
    terminal.press("q")
    assert terminal.exit_status() == 0
    terminal.assert_restored()
