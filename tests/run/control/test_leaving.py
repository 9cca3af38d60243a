"""Pausing, killing and resuming a run: requests, signals and kill -9, with real processes."""

import contextlib
import random
import signal
import time

import pytest
from processes import finish, history_without_clocks, start, status_of, wait_for, wait_for_state
from victim import load

from blobmaster.run.checkpoints.store import CheckpointStore
from blobmaster.run.control import requests as control
from blobmaster.run.control.lock import RunLock
from blobmaster.run.files.layout import RunLayout

ENDLESS = ("--block-seconds", 10**6)
SLOW = ("--block-seconds", 0.2)


def weights(root) -> bytes:
    return load(CheckpointStore(RunLayout(root)))[0]


def test_pause_commits_the_iteration_and_resume_ends_like_the_undisturbed_run(fast_path):
    root = fast_path / "run"
    process = start(root, 10**6, *SLOW)
    wait_for_state(root, "running")
    control.send(root / "control.signal", "PAUSE")
    assert finish(process)[0] == 0
    status = status_of(root)
    assert status.state == "paused"
    assert status.resume_command == "victim --resume"
    committed_until = status.last_checkpoint.iteration
    assert len(history_without_clocks(root)) == committed_until
    for folder in (root, fast_path / "whole"):
        assert finish(start(folder, committed_until + 3))[0] == 0
    assert weights(root) == weights(fast_path / "whole")
    assert history_without_clocks(root) == history_without_clocks(fast_path / "whole")


def test_pause_before_the_first_iteration_is_heard_while_libraries_load(fast_path):
    process = start(fast_path, 3, "2.0", script="slow_import.py")
    wait_for_state(fast_path, "starting")
    control.send(fast_path / "control.signal", "PAUSE")
    status = wait_for_state(fast_path, "pausing")
    assert status.run_id == ""
    assert status.request.text == "PAUSE"
    assert finish(process)[0] == 0


def test_continue_takes_a_pause_back(fast_path):
    process = start(fast_path, 1, *ENDLESS)
    wait_for_state(fast_path, "running")
    control.send(fast_path / "control.signal", "PAUSE")
    wait_for_state(fast_path, "pausing")
    control.send(fast_path / "control.signal", "CONTINUE")
    wait_for_state(fast_path, "running")
    assert status_of(fast_path).request is None
    process.send_signal(signal.SIGTERM)
    assert finish(process)[0] == 143


def test_checkpoint_keeps_the_next_commit_for_good(fast_path):
    process = start(fast_path, 3, *SLOW)
    wait_for_state(fast_path, "running")
    control.send(fast_path / "control.signal", "CHECKPOINT")
    assert finish(process)[0] == 0
    assert len(list((fast_path / "permanent").iterdir())) == 1


@pytest.mark.parametrize("ask", [signal.SIGTERM, signal.SIGKILL, "PAUSE NOW"])
def test_checkpoint_is_not_forgotten_when_the_trainer_leaves_before_a_commit(fast_path, ask):
    process = start(fast_path, 2, *ENDLESS)
    wait_for_state(fast_path, "running")
    control.send(fast_path / "control.signal", "CHECKPOINT")
    wait_for(lambda: status_of(fast_path).request, "the request")
    if isinstance(ask, str):
        control.send(fast_path / "control.signal", ask)
    else:
        process.send_signal(ask)
    finish(process)
    assert not (fast_path / "permanent").exists()
    assert finish(start(fast_path, 2))[0] == 0
    assert [path.name[-11:] for path in (fast_path / "permanent").iterdir()] == ["iter001.pth"]
    assert not (fast_path / "keep-next").exists()


def test_a_fresh_run_keeps_no_checkpoint_for_the_run_before(fast_path):
    assert finish(start(fast_path, 1))[0] == 0
    (fast_path / "keep-next").write_text("another run")
    assert finish(start(fast_path, 3))[0] == 0
    assert not (fast_path / "permanent").exists()
    assert not (fast_path / "keep-next").exists()


def test_what_is_not_understood_is_shown_and_removed(fast_path):
    process = start(fast_path, 1000, *SLOW)
    wait_for_state(fast_path, "running")
    (fast_path / "control.signal").write_text("PAWS\n")
    wait_for(lambda: status_of(fast_path).alerts, "an alert")
    assert "PAWS" in status_of(fast_path).alerts[0].message
    assert not (fast_path / "control.signal").exists()
    process.send_signal(signal.SIGTERM)
    assert finish(process)[0] == 143


def test_a_signal_from_before_the_start_is_stale(fast_path):
    (fast_path / "control.signal").write_text("PAUSE\n")
    time.sleep(0.05)  # older than the process by more than a clock tick
    assert finish(start(fast_path, 2))[0] == 0
    assert status_of(fast_path).state == "finished"


@pytest.mark.parametrize(
    ("ask", "exit_status"),
    [
        (lambda process, _: process.send_signal(signal.SIGTERM), 143),
        (lambda process, _: process.send_signal(signal.SIGINT), 130),
        (lambda process, _: process.send_signal(signal.SIGUSR1), 138),
        (lambda process, _: process.send_signal(signal.SIGUSR2), 140),
        (lambda process, _: process.send_signal(signal.SIGXCPU), 152),
        (lambda _, root: control.send(root / "control.signal", "PAUSE NOW"), 0),
    ],
    ids=["SIGTERM", "Ctrl+C", "SIGUSR1", "SIGUSR2", "SIGXCPU", "PAUSE NOW"],
)
@pytest.mark.parametrize("stubborn", [False, True])
def test_leaving_at_once_gives_up_running_blocks(fast_path, ask, exit_status, stubborn):
    # A stubborn loop sits in one call into compiled code for minutes: it is left all the same.
    process = start(fast_path, 1000, *(["--stubborn"] if stubborn else SLOW))
    wait_for_state(fast_path, "running")
    ask(process, fast_path)
    assert finish(process)[0] == exit_status
    assert status_of(fast_path).state == "paused"
    lock = RunLock(RunLayout(fast_path))
    lock.acquire("the next")
    lock.release()


def test_a_second_ctrl_c_leaves_at_once(fast_path):
    process = start(fast_path, 1000, "--stubborn")
    wait_for_state(fast_path, "running")
    process.send_signal(signal.SIGINT)
    wait_for_state(fast_path, "pausing")
    process.send_signal(signal.SIGINT)
    assert finish(process)[0] == 130


def test_a_second_trainer_is_told_who_holds_the_run(fast_path):
    process = start(fast_path, 1000, *SLOW)
    wait_for_state(fast_path, "running")
    exit_status, said = finish(start(fast_path, 5))
    assert exit_status == 2
    assert f"process {process.pid} on" in said
    assert said.count("\n") == 1
    process.kill()
    finish(process)
    assert finish(start(fast_path, 1))[0] == 0  # kill -9 frees the lock at once


def test_a_failed_save_ends_the_run_as_failed_and_says_why(fast_path):
    exit_status, _ = finish(start(fast_path, script="failing_save.py"))
    status = status_of(fast_path)
    assert exit_status == 1
    assert status.state == "failed"
    assert "weights are not finite" in status.error
    assert weights(fast_path) == b"good"


@pytest.mark.parametrize("times", [25, pytest.param(1000, marks=pytest.mark.long)])
def test_killed_again_and_again_a_run_ends_like_the_undisturbed_one(fast_path, times):
    luck = random.Random(times)
    endless, padding = 10**6, 1_000_000
    root = fast_path / "run"
    kills = inside_a_save = 0
    while kills < times or inside_a_save < times // 5:
        before = unfinished(root)
        process = start(root, endless, "--padding", padding, "--block-seconds", 0.03)
        if kills % 2:  # every second one is aimed at a save
            wait_for(lambda old=before: unfinished(root) - old, "a save", pause=0.0005)
        else:
            time.sleep(luck.uniform(0, 0.4))
        process.kill()
        finish(process)
        assert process.returncode == -signal.SIGKILL
        kills += 1
        inside_a_save += bool(unfinished(root) - before)
    iterations = committed(root) + 4  # how far it came is a matter of the machine's speed
    for folder in (root, fast_path / "whole"):
        assert finish(start(folder, iterations, "--padding", padding))[0] == 0
    assert weights(root) == weights(fast_path / "whole")
    assert history_without_clocks(root) == history_without_clocks(fast_path / "whole")
    assert checkpoints(root) == checkpoints(fast_path / "whole")
    assert not unfinished(root)


def committed(root) -> int:
    """Return the iterations in the newest valid checkpoint."""
    _, meta = load(CheckpointStore(RunLayout(root)))
    return 0 if meta is None else meta.iteration + 1


def unfinished(root) -> set[int]:
    """Return checkpoints in progress or left unfinished, by inode."""
    found = set()
    for path in [*root.glob("cache/.*.tmp"), *root.glob("permanent/.*.tmp")]:
        with contextlib.suppress(FileNotFoundError):  # it was just finished
            found.add(path.stat().st_ino)
    return found


def checkpoints(root) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*.pth"))
