"""Threads beside the loop: an error of one fails the run, and stopped time never counts."""

import resource
import signal
import sys
import time

import pytest
from processes import finish, start, status_of, wait_for, wait_for_state

CROWDED = """
import os, resource, sys
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
for _ in range(1100):
    os.set_inheritable(os.dup(2), True)
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.skipif(
    resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 4096, reason="too few descriptors allowed"
)
def test_a_run_that_inherits_more_than_1024_descriptors_trains_and_finishes(fast_path):
    process = start(fast_path, 3, prefix=(sys.executable, "-c", CROWDED))
    assert finish(process) == (0, "")
    status = status_of(fast_path)
    assert (status.state, status.iteration) == ("finished", 3)


LOOP = """
import sys, time
from pathlib import Path
from victim import IDENTITY
from blobmaster.run.session import RunSession

root, kind = Path(sys.argv[1]), sys.argv[2]

def broken(*_):
    raise ValueError("of itself")

with RunSession.open(root, command="test") as session:
    session.begin(IDENTITY, 2, None, "test --resume")
    if kind == "saver":
        session.commit(0, broken, metrics={})
    else:
        session._resources.sample = broken
    (root / "begun").touch()
    if kind == "ticker":
        session.should_stop.wait()
    else:
        time.sleep(10**6)  # one long call into compiled code
sys.exit(session.exit_status)
"""


@pytest.mark.parametrize("kind", ["ticker", "ticker beside a long call", "saver"])
def test_an_error_of_a_helper_thread_fails_the_run(fast_path, tmp_path, kind):
    script = tmp_path / "loop.py"
    script.write_text(LOOP)
    process = start(fast_path, kind, script=str(script))
    if kind == "saver":
        wait_for((fast_path / "begun").exists)
        (fast_path / "control.signal").write_text("PAUSE NOW")
    exit_status, said = finish(process)
    assert exit_status == 1, said
    status = status_of(fast_path)
    assert (status.state, status.error) == ("failed", "ValueError: of itself")


BESIDE = """
import sys, threading
from pathlib import Path
from victim import IDENTITY
from blobmaster.run.session import RunSession

def broken():
    raise ValueError("of itself")

with RunSession.open(Path(sys.argv[1]), command="test") as session:
    session.begin(IDENTITY, 2, None, "test --resume")
    for _ in range(2):
        thread = threading.Thread(target=broken, name="gpu")
        thread.start()
        thread.join()
    session.finish()
sys.exit(session.exit_status)
"""


def test_an_error_of_a_thread_that_the_run_can_do_without_is_shown(fast_path, tmp_path):
    script = tmp_path / "loop.py"
    script.write_text(BESIDE)
    exit_status, said = finish(start(fast_path, script=str(script)))
    assert exit_status == 0, said
    assert "ValueError: of itself" in said
    status = status_of(fast_path)
    (alert,) = status.alerts
    assert (status.state, alert.kind, alert.level) == ("finished", "thread-failed", "error")
    assert "the thread gpu has failed" in alert.message
    assert alert.message.endswith("ValueError: of itself")


STOPPED_S = 9.0


def test_time_in_which_the_system_stops_the_process_is_no_training_time(fast_path):
    began = time.monotonic()
    process = start(fast_path, 10**6, "--block-seconds", 0.2)
    wait_for_state(fast_path, "running")
    wait_for(lambda: status_of(fast_path).iteration > 1)
    process.send_signal(signal.SIGSTOP)
    until = time.monotonic() + STOPPED_S
    wait_for(lambda: time.monotonic() >= until, pause=0.1)
    count = status_of(fast_path).progress_count
    process.send_signal(signal.SIGCONT)
    wait_for(lambda: status_of(fast_path).progress_count > count + 3)
    process.send_signal(signal.SIGTERM)
    assert finish(process)[0] == 143
    status = status_of(fast_path)
    lived = time.monotonic() - began
    assert status.elapsed_hours * 3600 < lived - STOPPED_S + 1.5
    assert status.slowest_gap_s < lived - STOPPED_S + 1.5
