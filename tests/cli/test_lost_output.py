"""Output that goes nowhere: no command fails on it, and no result, file or exit status is lost."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from trainer import (
    PATIENCE_S,
    PausePoint,
    command,
    history_of,
    newest,
    paused_command,
    run,
    status_of,
    wait_until,
    write_config,
)

import blobmaster
from blobmaster.run.files.layout import RunLayout

lossy = pytest.mark.parametrize(
    "loss", ["<&- >&- 2>&-", ">/dev/full 2>/dev/full", "2>&1 | head -1"]
)
"""What a shell may do to the output of a command."""


def run_in_shell(loss: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run `blobmaster` with its output redirected; the status is that of `blobmaster`."""
    line = f"set -o pipefail; {shlex.join(command(*arguments))} {loss}"
    return subprocess.run(
        ["bash", "-c", line],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a finished run."""
    folder = tmp_path_factory.mktemp("finished")
    root = folder / "run"
    done = run(
        "train", "--config", write_config(folder), "--iterations", 1, "--checkpoint-dir", root
    )
    assert done.returncode == 0, done.stderr
    return root


@lossy
def test_training_finishes_without_its_output(tmp_path: Path, loss: str) -> None:
    root = tmp_path / "run"
    train = ("train", "--config", write_config(tmp_path), "--iterations", 1)
    done = run_in_shell(loss, *train, "--checkpoint-dir", root)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert status_of(root)["state"] == "finished"
    assert "iteration 1/1" in RunLayout(root).log.read_text()
    # Nothing was written into a file that got the number of a closed descriptor.
    assert newest(root).name.endswith("iter001.pth")
    assert len(history_of(root)) == 1


@lossy
@pytest.mark.parametrize(
    "name", ["monitor", "list", "settings", "checkpoints", "report", "refused", "help"]
)
def test_every_other_command_keeps_its_exit_status(
    tmp_path: Path, finished: Path, name: str, loss: str
) -> None:
    where = ("--checkpoint-dir", finished)
    arguments = {
        "monitor": ("monitor", "--once", *where),
        "list": ("monitor", "--once", finished, finished),
        "settings": ("settings", finished),
        "checkpoints": ("checkpoints", "list", *where),
        "report": ("report", *where, "-o", tmp_path / "report.html"),
        "refused": ("train", "--iterations", "many"),
        "help": ("train", "--help"),
    }[name]
    done = run_in_shell(loss, *arguments)
    assert done.returncode == (2 if name == "refused" else 0), done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    if name == "report":
        assert (tmp_path / "report.html").read_text().endswith("</html>\n")


def test_a_full_disk_behind_stdout_is_said_in_one_line(finished: Path) -> None:
    done = run_in_shell(">/dev/full", "settings", finished)
    assert done.stderr.count("\n") == 1
    assert "cannot print: No space left on device" in done.stderr


def test_an_evaluation_keeps_its_exit_status_without_stdout(finished: Path) -> None:
    small = ("--deals", 10, "--cards", 3, "--against", "random")
    done = run_in_shell("2>&1 | head -1", "evaluate", newest(finished), *small)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stdout


def test_a_page_that_nobody_reads_any_more_ends_the_monitor(finished: Path) -> None:
    monitor = command("monitor", "--plain", "--refresh-interval", 0.1, "--checkpoint-dir", finished)
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {shlex.join(monitor)} | true"],
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0


@pytest.mark.parametrize("ask", [None, "PAUSE"])
def test_a_terminal_that_goes_away_under_nohup_ends_nothing(
    tmp_path: Path, ask: str | None
) -> None:
    root, release = tmp_path / "run", tmp_path / "release"
    line = paused_command(
        PausePoint("self-play", units=0), release,
        "train", "--config", write_config(tmp_path), "--iterations", 2, "--checkpoint-dir", root,
    )  # fmt: skip
    ours, theirs = pty.openpty()
    trainer = subprocess.Popen(
        line,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color"},
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    os.close(theirs)
    wait_until(lambda: status_of(root).get("state") == "running")
    os.close(ours)  # from here on every write to the terminal fails with EIO
    if ask is not None:
        RunLayout(root).control.write_text(ask)
        wait_until(lambda: status_of(root)["state"] == "pausing")
    release.touch()
    assert trainer.wait(PATIENCE_S) == 0
    status = json.loads(RunLayout(root).status.read_text())
    assert (status["state"], status["error"]) == ("finished" if ask is None else "paused", None)
    assert len(history_of(root)) == (2 if ask is None else 1)


@pytest.mark.parametrize("kind", ["terminal", "pipe"])
def test_a_terminal_or_pipe_that_nobody_reads_does_not_stop_the_training(
    tmp_path: Path, kind: str
) -> None:
    root = tmp_path / "run"
    ours, theirs = pty.openpty() if kind == "terminal" else os.pipe()
    fill(theirs)
    trainer = subprocess.Popen(
        command("train", "--config", write_config(tmp_path), "--iterations", 3,
                "--checkpoint-dir", root),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color"},
    )  # fmt: skip
    assert trainer.wait(PATIENCE_S) == 0
    assert status_of(root)["state"] == "finished"
    assert "iteration 3/3" in RunLayout(root).log.read_text()
    os.close(theirs)
    os.close(ours)


def fill(descriptor: int) -> None:
    """Write until a terminal or pipe takes nothing more."""
    os.set_blocking(descriptor, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(descriptor, b"x" * 4096)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(descriptor, b"x")
    os.set_blocking(descriptor, True)


PRINTS = """
import sys
from pathlib import Path
from blobmaster.terminal.output import never_wait, protect_output

protect_output()
never_wait()
for number in range(100_000):
    print(number)
sys.stdout.flush()
Path("printed").touch()
sys.stdin.readline()
print("the end")
"""


def test_output_that_was_not_read_in_time_is_dropped_with_a_note_and_later_lines_appear(
    tmp_path: Path,
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PRINTS],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(blobmaster.__file__).parents[1])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    wait_until((tmp_path / "printed").exists)
    found = read_until(process, b"nobody read)\n")
    assert found.count(b"\n") < 100_000
    assert found.startswith(b"".join(b"%d\n" % number for number in range(10_000)))
    assert process.communicate(b"\n") == (b"the end\n", None)


def read_until(process: subprocess.Popen[bytes], end: bytes) -> bytes:
    """Read a process's output up to these bytes."""
    assert process.stdout is not None
    found = b""
    while not found.endswith(end):
        ready, _, _ = select.select([process.stdout], [], [], PATIENCE_S)
        assert ready, "nothing more is printed"
        found += os.read(process.stdout.fileno(), 1 << 16)
    return found
