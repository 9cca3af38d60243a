"""The screen on a real terminal: content, keys and exit."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable

import psutil
import pytest
from monitor_terminal import make_status, monitor_command, put
from terminals import Terminal

from blobmaster.run.files.layout import RunLayout
from blobmaster.run.status.schema import Request

Open = Callable[..., Terminal]


@pytest.fixture
def shown(layout: RunLayout, open_terminal: Open) -> Terminal:
    """The screen of a healthy run, read quickly enough for tests."""
    put(layout, make_status())
    terminal = open_terminal(monitor_command(layout, refresh_interval=0.3))
    terminal.wait_for("iteration 151 of 500")
    return terminal


def test_every_documented_field_is_on_an_80x24_screen(layout: RunLayout, open_terminal: Open):
    put(layout, make_status())
    terminal = open_terminal(monitor_command(layout), columns=80, lines=24)
    terminal.wait_for("iteration 151 of 500")
    for text in (
        *("running", "30.0 %", "rounds · 3×35", "4.8 days (115.5 hours)"),
        *("2 d 2 h", "1412 (+12)"),
        *("8.40e-04", "1.234", "π 0.812", "v 0.422", "4,400 rounds an iteration", "0.774"),
        *("self-play", "2,310/4,400 rounds", "61/s", "34 s left", "20251113-a1b2c3"),
    ):
        terminal.wait_for(text)


@pytest.mark.parametrize("key", ["q", "\x03"])
def test_quitting_restores_the_terminal_and_leaves_no_request(
    shown: Terminal, layout: RunLayout, key: str
):
    shown.press(key)
    assert shown.exit_status() == 0
    shown.assert_restored()
    assert not layout.control.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_restores_the_terminal(shown: Terminal, number: signal.Signals):
    shown.child.kill(number)
    assert shown.exit_status() == 128 + number
    shown.assert_restored()


def test_a_signal_ends_it_even_while_the_terminal_takes_no_output(
    layout: RunLayout, open_terminal: Open
):
    put(layout, make_status())
    terminal = open_terminal(monitor_command(layout, refresh_interval=0.1))
    terminal.wait_for("iteration 151")
    for size in range(40):  # nothing is read any more: the pty fills and writers block
        terminal.resize(150 + size, 50)
        time.sleep(0.05)
    asked_at = time.monotonic()
    terminal.child.kill(signal.SIGTERM)
    while terminal.child.isalive() and time.monotonic() < asked_at + 20:
        time.sleep(0.05)
    assert not terminal.child.isalive()


def test_an_exception_in_the_program_restores_the_terminal(layout: RunLayout, open_terminal: Open):
    put(layout, make_status())
    broken = (
        "import blobmaster.monitor.screen.app as app\n"
        "def fail(self, event): raise RuntimeError('boom')\n"
        "app.MonitorApp.on_key = fail"
    )
    terminal = open_terminal(monitor_command(layout, before=broken))
    terminal.wait_for("iteration 151")
    terminal.press("l")
    assert terminal.exit_status() == 1
    terminal.assert_restored()


@pytest.mark.parametrize("several", [False, True])
def test_an_exception_while_reading_ends_it_instead_of_blaming_the_disk(
    layout: RunLayout, open_terminal: Open, several: bool
):
    put(layout, make_status())
    broken = (
        "import blobmaster.monitor.read.run_reader as one, blobmaster.monitor.read.runs as runs\n"
        "def fail(self): raise RuntimeError('boom')\n"
        "one.RunReader.read = runs.MultiRunReader.read = fail"
    )
    more = {"folders": (layout.root.parent, layout.root.parent)} if several else {}
    terminal = open_terminal(monitor_command(layout, before=broken, **more))
    assert terminal.exit_status() == 1
    terminal.assert_restored()


NO_SIGHUP = "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])"


@pytest.mark.parametrize("ignored", ["", NO_SIGHUP])
def test_a_closed_terminal_ends_it(layout: RunLayout, open_terminal: Open, ignored: str):
    put(layout, make_status())
    terminal = open_terminal(monitor_command(layout, before=ignored))
    terminal.wait_for("iteration 151")
    process = psutil.Process(terminal.child.pid)
    terminal.hang_up()
    closed_at = time.monotonic()
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < closed_at + 20, "still there"
        time.sleep(0.05)
    assert time.monotonic() < closed_at + 5  # the promise is 2 s, on a machine with time to spare
    os.waitpid(process.pid, 0)
    terminal.child.ptyproc.terminated = terminal.child.terminated = True


def test_suspending_gives_the_terminal_back_and_foreground_takes_it_again(shown: Terminal):
    process = psutil.Process(shown.child.pid)
    shown.press("\x1a")
    shown.wait_until(lambda: process.status() == psutil.STATUS_STOPPED, "stopped")
    shown.assert_restored()
    shown.child.kill(signal.SIGCONT)
    shown.wait_for("iteration 151 of 500")
    shown.press("q")
    assert shown.exit_status() == 0
    shown.assert_restored()


def test_p_asks_and_no_is_the_default(shown: Terminal, layout: RunLayout):
    for answer in ("\r", "n", "\x1b", " "):
        shown.press("p")
        shown.wait_for("Pause the run when iteration 151 is done?")
        shown.press(answer)
        shown.wait_without("Pause the run")
    assert not layout.control.exists()


def test_a_pause_is_requested_then_acknowledged_then_done(shown: Terminal, layout: RunLayout):
    shown.press("p")
    shown.wait_for("y yes")
    shown.press("y")
    shown.wait_for("PAUSE requested")
    # Files are written off the thread of keys and screen, so that a hung mount freezes neither.
    shown.wait_until(layout.control.exists, "asked")
    assert layout.control.read_text() == "PAUSE\n"
    layout.control.unlink()
    pending = Request(text="PAUSE", at=time.time())
    put(layout, make_status(seq=1001, state="pausing", request=pending))
    shown.wait_for("pausing after iteration 151 (about 34 s)")
    shown.wait_without("PAUSE requested")
    put(layout, make_status(seq=1002, state="paused", iteration=151, step=None))
    shown.wait_for("resume with blobmaster train --resume --checkpoint-dir runs/long")
    shown.press("q")
    assert shown.exit_status() == 0
    assert b"resume with: blobmaster train --resume --checkpoint-dir runs/long" in shown.received


@pytest.mark.parametrize(
    ("keys", "request_text"), [("Py", "PAUSE NOW"), ("c", "CONTINUE"), ("k", "CHECKPOINT")]
)
def test_every_key_that_asks_leaves_its_request(
    shown: Terminal, layout: RunLayout, keys: str, request_text: str
):
    shown.press(keys[0])
    if len(keys) > 1:
        shown.wait_for("y yes")
        shown.press(keys[1])
    shown.wait_until(layout.control.exists, "asked")
    assert layout.control.read_text() == f"{request_text}\n"
    shown.wait_for(f"{request_text} requested")


def test_readonly_hides_the_keys_that_write_and_obeys_none(layout: RunLayout, open_terminal: Open):
    put(layout, make_status())
    terminal = open_terminal(monitor_command(layout, readonly=True))
    terminal.wait_for("q quit")
    assert "pause" not in terminal.text
    terminal.press("pyPyck")
    terminal.press("?")
    terminal.wait_for("this help")
    assert not layout.control.exists()


def test_help_and_log_open_and_close(shown: Terminal, layout: RunLayout):
    layout.log.write_text("10:00 INFO quiet\n10:01 ERROR loud\n")
    shown.wait_for("10:01 ERROR loud")
    shown.press("?")
    shown.wait_for("the run goes on")
    shown.press("\x1b")
    shown.wait_without("the run goes on")
    shown.press("l")
    shown.wait_for("log: all")
    shown.press("e")
    shown.wait_for("log: errors")
    shown.wait_without("quiet")
    shown.press("q")
    shown.wait_for("iteration 151 of 500")


def test_a_corrupt_file_keeps_the_last_good_frame_with_its_age(shown: Terminal, layout: RunLayout):
    layout.status.write_text('{"schema": 1, "run_id": "half')
    shown.wait_for("last good look")
    shown.wait_for("not valid JSON")
    assert "iteration 151 of 500" in shown.text
    put(layout, make_status(seq=1001, iteration=152))
    shown.wait_for("iteration 152 of 500")
    shown.wait_without("last good look")


def test_a_missing_file_waits_for_the_run_to_begin(layout: RunLayout, open_terminal: Open):
    terminal = open_terminal(monitor_command(layout, refresh_interval=0.3))
    terminal.wait_for("no run has begun here yet")
    put(layout, make_status())
    terminal.wait_for("iteration 151 of 500")


def test_a_hung_file_system_freezes_neither_keys_nor_the_truth(
    layout: RunLayout, open_terminal: Open
):
    """The stand-in is for the kernel: opening the status blocks from the second time on."""
    put(layout, make_status())
    hangs = (
        "import os, time\nreal, count = os.open, []\n"
        "def slow(path, *rest, **more):\n"
        "    if str(path).endswith('status.json'):\n"
        "        count.append(1)\n"
        "        if len(count) > 1: time.sleep(3600)\n"
        "    return real(path, *rest, **more)\n"
        "os.open = slow"
    )
    terminal = open_terminal(monitor_command(layout, before=hangs, refresh_interval=0.3))
    terminal.wait_for("iteration 151")
    terminal.wait_for("the file system does not answer")
    terminal.press("?")
    terminal.wait_for("this help")
    terminal.press("q")
    terminal.wait_without("this help")
    terminal.press("q")
    assert terminal.exit_status() == 0
    terminal.assert_restored()


def test_of_ten_thousand_keys_typed_in_bursts_none_is_lost_or_out_of_order(
    layout: RunLayout, open_terminal: Open
):
    put(layout, make_status())
    noted = layout.root / "keys.txt"
    notes = (
        "import blobmaster.monitor.screen.app as app\n"
        f"file = open({str(noted)!r}, 'wb', buffering=0)\n"
        "real = app.MonitorApp.handle_key\n"
        "def note(self, event): file.write((event.character or '-').encode()); real(self, event)\n"
        "app.MonitorApp.handle_key = note"
    )
    terminal = open_terminal(monitor_command(layout, before=notes))
    terminal.wait_for("iteration 151 of 500")
    luck = random.Random(0)
    typed = "".join(luck.choices(["?q", "lq", "lwq", "leaq", "pn", "Pn", "x", "hq"], k=6000))
    typed = typed[: typed.rfind("q", 0, 10_000) + 1]
    for at in range(0, len(typed), 500):
        terminal.press(typed[at : at + 500])
        terminal.read(0.0)
    assert len(typed) > 9_990
    terminal.wait_until(lambda: len(noted.read_text()) >= len(typed), "noted all keys")
    assert noted.read_text() == typed
    terminal.press("?")
    terminal.wait_for("this help")
    assert not layout.control.exists()


def test_every_size_is_drawn_and_none_breaks_it(shown: Terminal):
    for columns, lines in ((40, 10), (250, 70), (80, 24), (20, 5), (60, 50), (120, 35)):
        shown.resize(columns, lines)
        shown.wait_until(lambda: "running" in shown.text, f"drawn in {columns}x{lines}")
    shown.wait_for("iteration 151 of 500")
    shown.press("q")
    assert shown.exit_status() == 0


def test_an_ascii_locale_gets_ascii_alone(layout: RunLayout, open_terminal: Open):
    put(layout, make_status())
    terminal = open_terminal(
        monitor_command(layout), environment={"LC_ALL": "C", "LANG": "C", "LC_CTYPE": "C"}
    )
    terminal.wait_for("iteration 151 of 500")
    terminal.wait_for("pi 0.812")
    assert terminal.text.isascii()


def test_control_codes_in_the_files_never_reach_the_terminal(
    layout: RunLayout, open_terminal: Open
):
    evil = "\x1b]0;owned\x07\x1b[2Jx"
    put(layout, make_status(run_id=evil, host=evil, metrics={"phase": evil, evil: evil}))
    layout.log.write_text(f"INFO {evil}\n")
    terminal = open_terminal(monitor_command(layout))
    terminal.wait_for("iteration 151 of 500")
    assert b"\x1b]0;" not in terminal.received
    assert b"owned\x07" not in terminal.received
