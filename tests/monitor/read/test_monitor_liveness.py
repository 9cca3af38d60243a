"""Liveness of a run: real processes, and recorded days of status without a false alarm."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import psutil
import pytest
from monitor_terminal import make_status, run_monitor_plainly

from blobmaster.monitor.read.liveness import (
    SILENCE_S,
    Observation,
    Process,
    find_process,
    judge,
    observe,
)
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.status.schema import Status

INTERVAL = 5.0


@pytest.fixture
def sleeper():
    """A process that does nothing, and the status that it would have written."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    started_at = psutil.Process(child.pid).create_time()
    yield (
        child,
        make_status(
            pid=child.pid, process_started_at=started_at, process_start_ticks=_ticks(child.pid)
        ),
    )
    child.kill()
    child.wait()


def _ticks(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_bytes().rsplit(b")", 1)[1].split()[19])


def first_look(status: Status, process: Process, now: float = 1000.0) -> Observation:
    return observe(None, status, process, now, wall=status.heartbeat_at)


def test_a_process_killed_with_9_is_gone_even_before_its_parent_buries_it(sleeper):
    child, status = sleeper
    assert find_process(status) is Process.ALIVE
    child.kill()
    while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    assert find_process(status) is Process.GONE
    child.wait()
    assert find_process(status) is Process.GONE
    assert judge(status, first_look(status, Process.GONE), SILENCE_S).state == "dead"


def test_a_stopped_process_is_stalled_at_once(sleeper):
    child, status = sleeper
    child.send_signal(signal.SIGSTOP)
    while psutil.Process(child.pid).status() != psutil.STATUS_STOPPED:
        time.sleep(0.01)
    assert find_process(status) is Process.STOPPED
    verdict = judge(status, first_look(status, Process.STOPPED), SILENCE_S)
    assert verdict.state == "stalled"
    assert f"kill -CONT {child.pid}" in verdict.why


def test_a_pid_used_again_is_not_the_trainer(sleeper):
    _, status = sleeper
    earlier = msgspec.structs.replace(
        status,
        process_started_at=status.process_started_at - 3600,
        process_start_ticks=status.process_start_ticks - 360_000,
    )
    assert find_process(earlier) is Process.GONE


@pytest.mark.parametrize("change", [{"host": "gpu01"}, {"boot_id": "another boot"}])
def test_another_host_or_boot_is_never_called_dead(change: dict[str, str]):
    status = make_status(pid=1 << 22, **change)
    assert find_process(status) is Process.ELSEWHERE
    looked = first_look(status, Process.ELSEWHERE)
    assert not judge(status, looked, SILENCE_S).sure
    for step in range(1, 100):
        looked = observe(looked, status, Process.ELSEWHERE, 1000 + 5 * step, wall=0.0)
        assert judge(status, looked, SILENCE_S).state in ("running", "no contact")
    assert judge(status, looked, SILENCE_S).state == "no contact"


@pytest.mark.parametrize(("host", "by"), [("gpu01", " by gpu01"), ("", ""), (None, "")])
def test_an_unseen_writer_is_named_if_the_status_names_it(host: str | None, by: str):
    status = make_status(pid=1 << 22, host=host)
    verdict = judge(status, first_look(status, Process.ELSEWHERE), SILENCE_S)
    assert verdict.why == f"as written{by}; not seen to move yet"


@pytest.mark.parametrize("state", ["paused", "finished", "failed"])
def test_a_run_that_has_ended_is_not_dead_without_its_process(state: str):
    status = make_status(state=state, pid=1 << 22)
    looked = first_look(status, Process.GONE)
    later = observe(looked, status, Process.GONE, 99_999, wall=status.heartbeat_at + 99_999)
    assert judge(status, later, SILENCE_S).state == state


def test_a_trainer_in_another_pid_namespace_is_alive_while_its_status_moves():
    looked = None
    for step in range(100):
        status = make_status(seq=step, progress_count=step, pid_namespace=7)
        process = find_process(status)
        assert process is Process.UNSEEN
        looked = observe(looked, status, process, 1000 + INTERVAL * step, time.time())
        verdict = judge(status, looked, SILENCE_S)
        assert (verdict.state, verdict.sure) == ("running", step > 0)
    last = observe(looked, status, Process.UNSEEN, 1000 + INTERVAL * 107, time.time())
    assert judge(status, last, SILENCE_S).state == "no contact"
    assert "cannot be seen" in judge(status, last, SILENCE_S).why


def test_a_run_of_an_unknown_namespace_is_dead_only_where_its_process_was_seen():
    assert find_process(make_status(pid_namespace=0)) is Process.ALIVE
    assert find_process(make_status(pid_namespace=0, pid=1 << 22)) is Process.UNSEEN
    assert find_process(make_status(pid=1 << 22)) is Process.GONE


def test_a_stall_of_a_process_that_is_not_seen_waits_for_a_second_look():
    status = make_status(progress_at=time.time() - 400, pid_namespace=7)
    looked = first_look(status, Process.UNSEEN)
    assert not judge(status, looked, SILENCE_S).sure
    later = msgspec.structs.replace(status, seq=status.seq + 1)
    looked = observe(looked, later, Process.UNSEEN, 1002.0, time.time())
    assert judge(later, looked, SILENCE_S) == judge(
        later, observe(looked, later, Process.UNSEEN, 1002.0, 0.0), SILENCE_S
    )
    assert judge(later, looked, SILENCE_S).sure


UNSHARE = ("unshare", "--pid", "--fork", "--mount-proc")
may_unshare = pytest.mark.skipif(
    subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode != 0,
    reason="namespaces may not be made here",
)
WRITER = """
import sys, time
from pathlib import Path
from blobmaster.run.control.process import this_process
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.status.publisher import StatusPublisher
from blobmaster.run.status.step_progress import StepProgress
progress = StepProgress(time.monotonic(), time.time())
publisher = StatusPublisher(RunLayout(Path(sys.argv[1])), this_process(), progress, lambda: None)
publisher.update(state="running", run_id="contained")
while True:
    progress.advance(1, time.monotonic())
    publisher.write()
    time.sleep(0.2)
"""


@may_unshare
def test_once_shows_a_trainer_in_a_container_as_running(layout: RunLayout):
    writer = subprocess.Popen([*UNSHARE, "--kill-child", sys.executable, "-c", WRITER, layout.root])
    try:
        while not layout.status.exists():
            time.sleep(0.05)
        done = run_monitor_plainly(layout, once=True)
    finally:
        writer.kill()
        writer.wait()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0].split() == ["state", "running"]


HIDDEN = """
import os, subprocess, sys
from blobmaster.run.control.process import process_state, this_process
me = this_process()
subprocess.run(["mount", "-t", "proc", "-o", "hidepid=2", "proc", "/proc"], check=True)
child = os.fork()
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
os.setgid(65534)
os.setuid(65534)
told = dict(started_at=me.started_at, start_ticks=me.start_ticks, namespace=me.pid_namespace)
assert not os.path.exists(f"/proc/{me.pid}"), "hidepid has no effect"
print(process_state(me.pid, **told).value, process_state(1 << 22, **told).value)
"""


@may_unshare
def test_a_process_that_proc_hides_is_not_gone_but_one_without_a_pid_is():
    command = ["unshare", "--mount", sys.executable, "-c", HIDDEN]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "mount:" in done.stderr:
        pytest.skip("proc may not be mounted here")
    assert (done.stderr, done.stdout.split()) == ("", ["unseen", "gone"])


def test_a_run_that_waits_for_disk_is_not_stalled():
    status = make_status(state="waiting", progress_at=time.time() - 9999)
    looked = first_look(status, Process.ALIVE)
    assert judge(status, looked, SILENCE_S).state == "waiting for disk"


def test_a_first_look_at_a_run_that_hangs_says_stalled():
    status = make_status(progress_at=time.time() - 400)
    assert judge(status, first_look(status, Process.ALIVE), SILENCE_S).state == "stalled"
    slow = msgspec.structs.replace(status, slowest_gap_s=200.0)
    assert judge(slow, first_look(slow, Process.ALIVE), SILENCE_S).state == "running"


def test_no_stall_and_no_silence_is_missed():
    status = make_status(slowest_gap_s=60.0)
    looked = first_look(status, Process.ALIVE)
    states = []
    for step in range(1, 60):
        beats = {"seq": status.seq + step, "heartbeat_at": status.heartbeat_at + 5 * step}
        beating = msgspec.structs.replace(status, **beats)
        looked = observe(looked, beating, Process.ALIVE, 1000 + 5 * step, time.time())
        states.append((5 * step, judge(beating, looked, SILENCE_S).state))
    assert all(state == ("running" if at <= 179 else "stalled") for at, state in states)

    looked = first_look(status, Process.ALIVE)
    silent = observe(looked, status, Process.ALIVE, 1000 + SILENCE_S + 1, time.time())
    assert judge(status, silent, SILENCE_S).state == "stalled"


def test_time_in_which_the_system_had_stopped_the_trainer_is_no_stall():
    status = make_status()
    looked = first_look(status, Process.ALIVE)
    # It was stopped for an hour and has just gone on: its own clock tells that it works.
    later = msgspec.structs.replace(
        status,
        seq=status.seq + 1,
        heartbeat_at=status.heartbeat_at + 3600,
        progress_at=status.progress_at + 3590,
    )
    looked = observe(looked, later, Process.ALIVE, 1000 + 3600, time.time())
    assert judge(later, looked, SILENCE_S).state == "running"


def test_a_new_session_starts_a_new_watch():
    old = first_look(make_status(seq=500), Process.GONE)
    resumed = make_status(seq=2, session_started_at=time.time(), pid=os.getpid())
    looked = observe(old, resumed, Process.ALIVE, 9999.0, time.time())
    assert looked.silent_s < 5
    assert not looked.seq_moved
