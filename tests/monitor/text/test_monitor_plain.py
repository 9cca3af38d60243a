"""The monitor without a screen, as a process: pages, lines, JSON, exit statuses."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from monitor_terminal import (
    make_status,
    monitor_command,
    put,
    run_monitor_plainly,
    written_later,
)
from terminals import DEADLINE_S, ENVIRONMENT, Terminal

from blobmaster.monitor.options import MonitorOptions
from blobmaster.run.files.layout import RunLayout

DOCUMENT = Path(__file__).parents[3] / "docs" / "monitor.md"
HEAVY = ("torch", "numpy", "numba", "textual", "rich", "asyncio")


def test_once_prints_every_documented_field_and_nothing_but_text(layout: RunLayout):
    put(layout, make_status())
    found = run_monitor_plainly(layout, once=True)
    assert (found.returncode, found.stderr) == (0, "")
    for text in (
        *(
            "running",
            "151/500",
            "30.0 %",
            "rounds · 3×35",
            "4.8 days (115.5 hours)",
            "2 d 2 h",
            "1412 (+12)",
        ),
        *("8.40e-04", "1.234", "π 0.812", "v 0.422", "4,400 rounds an iteration", "0.774"),
        *("self-play 2,310/4,400 rounds", "61/s", "34 s left"),
    ):
        assert text in found.stdout
    assert "\x1b" not in found.stdout


def test_once_loads_nothing_heavy(layout: RunLayout):
    put(layout, make_status())
    check = (
        "import atexit, sys\n"
        f"atexit.register(lambda: print([m for m in {HEAVY!r} if m in sys.modules]))"
    )
    assert run_monitor_plainly(layout, before=check, once=True).stdout.endswith("[]\n")


def test_the_screen_loads_neither_torch_nor_numpy_nor_numba():
    code = (
        "import blobmaster.monitor.screen.app, sys; print(sys.modules.keys() & set(sys.argv[1:]))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, *HEAVY[:3]], capture_output=True, text=True, check=True
    )
    assert found.stdout == "set()\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no run has begun"),
        ("", "not valid JSON"),
        ('["a", 1]', "not written by a training run"),
        ("[" * 100_000, "not valid JSON"),
        ('{"schema": 99, "run_id": "r", "seq": 1, "state": "running"}', "schema 99"),
        pytest.param("x" * (2 << 20), "larger than", id="2 MiB"),  # the name goes to programs
    ],
)
def test_no_or_unreadable_status_is_said_in_a_line_with_status_12(
    layout: RunLayout, content: str | None, says: str
):
    if content is not None:
        layout.status.write_text(content)
    found = run_monitor_plainly(layout, once=True)
    assert (found.returncode, found.stderr) == (12, "")
    assert says in found.stdout


def test_once_says_that_a_folder_is_waited_for_however_it_is_named(layout: RunLayout):
    later = RunLayout(layout.root / "later")
    for found in (
        run_monitor_plainly(layout, folders=(later.root,), once=True),
        run_monitor_plainly(later, once=True),
    ):
        assert (found.returncode, found.stderr) == (12, "")
        assert "waiting: no run has begun here yet" in found.stdout
        assert str(later.status) in found.stdout


def test_a_file_in_place_of_a_folder_is_said_in_one_line_with_status_2(layout: RunLayout):
    file = RunLayout(layout.root / "checkpoint.pth")
    file.root.write_text("no folder")
    for found in (
        run_monitor_plainly(layout, folders=(file.root,), plain=True),
        run_monitor_plainly(file, once=True),
    ):
        assert (found.returncode, found.stdout) == (2, "")
        assert found.stderr.count("\n") == 1
        assert "is no folder" in found.stderr


@pytest.mark.parametrize("is_named", [False, True])
def test_the_monitor_waits_for_a_run_directory_that_is_still_to_be_made(
    layout: RunLayout, is_named: bool
):
    later = RunLayout(layout.root / "later" / "run")
    named = {"folders": (later.root,)} if is_named else {}
    command = monitor_command(
        layout if is_named else later, plain=True, refresh_interval=1.0, **named
    )
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as monitor:
        assert monitor.stdout is not None
        first = monitor.stdout.readline()
        assert "waiting" in first
        assert f"no status file at {later.status}" in first
        later.root.mkdir(parents=True)
        put(later, make_status())
        assert "running" in monitor.stdout.readline()
        monitor.terminate()


def test_json_is_the_view(layout: RunLayout):
    put(layout, make_status())
    found = run_monitor_plainly(layout, json=True)
    shown = json.loads(found.stdout)
    assert shown["schema"] == 1
    assert (shown["state"], shown["iteration"], shown["progress"]) == ("running", 151, 0.3)
    assert shown["metrics"]["elo"] == 1412.0


def test_every_field_of_the_json_is_documented(layout: RunLayout):
    put(layout, make_status())
    shown = json.loads(run_monitor_plainly(layout, json=True).stdout)
    table = DOCUMENT.read_text("utf-8").partition("prints the same view as one JSON object")[2]
    table = table.partition("\n## ")[0]
    first_cells = re.findall(r"^\| (.*?) \|", table, re.MULTILINE)
    assert set(shown) == set(re.findall(r"`(\w+)`", " ".join(first_cells)))


def follow(layout: RunLayout, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        monitor_command(layout, refresh_interval=0.1, **options),
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **ENVIRONMENT},
    )


def test_plain_says_a_line_when_something_changes_and_only_then(layout: RunLayout):
    status = make_status()
    put(layout, status)
    child = follow(layout, plain=True)
    assert child.stdout is not None
    assert "iteration 151/500" in child.stdout.readline()
    for seq in range(1, 6):
        put(layout, msgspec.structs.replace(status, seq=status.seq + seq, elapsed_hours=50 + seq))
        time.sleep(0.12)
    put(layout, msgspec.structs.replace(status, seq=status.seq + 9, iteration=152))
    assert "iteration 152/500" in child.stdout.readline()
    child.send_signal(signal.SIGINT)
    assert child.wait(DEADLINE_S) == 130
    child.stdout.close()


def test_a_reader_that_leaves_ends_it_quietly(layout: RunLayout):
    put(layout, make_status())
    command = monitor_command(layout, plain=True, json=True, refresh_interval=0.1)
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.readline()
    child.stdout.close()
    put(layout, make_status(iteration=152))
    assert child.wait(DEADLINE_S) == 0
    assert child.stderr.read() == ""
    child.stderr.close()


@pytest.mark.parametrize("setting", [{"TERM": "dumb"}, {"NO_COLOR": "1"}, {"TERM": ""}])
def test_a_terminal_that_wants_no_screen_gets_lines(
    layout: RunLayout, open_terminal: Callable[..., Terminal], setting: dict[str, str]
):
    put(layout, make_status(**written_later()))
    terminal = open_terminal(monitor_command(layout), environment=setting)
    terminal.wait_for("running | iteration 151/500")
    assert b"\x1b" not in terminal.received
    terminal.press("\x03")
    assert terminal.exit_status() == 130
    terminal.assert_restored()


@pytest.mark.parametrize("redirected", ["< /dev/null", "2> /dev/null"])
def test_a_redirected_stream_gets_lines(
    layout: RunLayout, open_terminal: Callable[..., Terminal], redirected: str
):
    put(layout, make_status(**written_later()))
    command = monitor_command(layout)
    terminal = open_terminal(["/bin/sh", "-c", f'"$@" {redirected}', "sh", *command])
    terminal.wait_for("running | iteration 151/500")
    assert b"\x1b" not in terminal.received


def test_an_ascii_pipe_gets_readable_text(layout: RunLayout):
    put(layout, make_status())
    found = subprocess.run(
        monitor_command(layout, once=True),
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        check=True,
    )
    assert found.stdout.isascii()
    assert b"pi 0.812" in found.stdout


@pytest.mark.parametrize("interval", [0.0, -1.0, 1e9, float("nan")])
def test_an_interval_that_makes_no_sense_is_refused_in_one_line(interval: float):
    with pytest.raises(ValueError, match="--refresh-interval") as refused:
        MonitorOptions(refresh_interval=interval)
    assert "\n" not in str(refused.value)
