"""The lock of a run directory: what it survives, and what its holder does when it is gone."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys

import pytest
from processes import finish, start, status_of, wait_for, wait_for_state
from victim import IDENTITY

from blobmaster.run.control import lock as lock_module
from blobmaster.run.control.lock import RunLock
from blobmaster.run.errors import RunHeldError
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.session import RunSession
from blobmaster.run.status.schema import read_status

SLOW = ("--block-seconds", 0.2)
MISSING_LOCKS = [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP]


def running(root):
    process = start(root, 10**6, *SLOW)
    wait_for_state(root, "running")
    return process


def write_nothing(_) -> None:
    """Stand for a checkpoint's writer that must not be called."""
    raise AssertionError("written although the directory is gone")


def paths(root) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*")}


def test_a_second_trainer_is_refused_also_when_the_lock_file_is_deleted(fast_path):
    # The first is stopped, so that it cannot notice and leave before the second has looked.
    process = running(fast_path)
    process.send_signal(signal.SIGSTOP)
    (fast_path / "run.lock").unlink()
    exit_status, said = finish(start(fast_path, 5))
    assert exit_status == 2
    assert f"process {process.pid} on" in said
    assert not (fast_path / "run.lock").exists()
    process.kill()
    finish(process)
    assert finish(start(fast_path, 1))[0] == 0


@pytest.mark.parametrize("replaced", [False, True])
@pytest.mark.parametrize("stubborn", [False, True])
def test_a_trainer_whose_lock_file_is_gone_fails_and_says_why(fast_path, stubborn, replaced):
    process = start(fast_path, 10**6, *(["--stubborn"] if stubborn else SLOW))
    wait_for_state(fast_path, "running")
    (fast_path / "run.lock").unlink()
    if replaced:
        (fast_path / "run.lock").touch()
    assert finish(process)[0] == 1
    status = status_of(fast_path)
    assert status.state == "failed"
    assert "run.lock was deleted or replaced" in status.error
    assert [alert.level for alert in status.alerts if alert.kind == "lost"] == ["error"]
    assert (fast_path / "run.lock").exists() == replaced
    assert finish(start(fast_path, 1))[0] == 0


@pytest.mark.parametrize("moved", ["run", "parent"])
@pytest.mark.parametrize("stubborn", [False, True])
def test_a_trainer_whose_directory_is_moved_fails_there_and_recreates_nothing(
    fast_path, moved, stubborn
):
    root = fast_path / "parent" / "run"
    process = start(root, 10**6, *(["--stubborn"] if stubborn else SLOW))
    wait_for_state(root, "running")
    source = root if moved == "run" else root.parent
    source.rename(fast_path / "elsewhere")
    assert finish(process)[0] == 1
    assert not source.exists()
    there = fast_path / "elsewhere" / ("" if moved == "run" else "run")
    status = status_of(there)
    assert status.state == "failed"
    assert "moved, deleted or replaced" in status.error
    assert stubborn or not (there / "run.lock.json").exists()
    assert finish(start(there, 1))[0] == 0


def test_a_trainer_whose_directory_is_deleted_fails_and_recreates_nothing(fast_path):
    root = fast_path / "run"
    process = running(root)
    while root.exists():  # the trainer may just be writing into it
        shutil.rmtree(root, ignore_errors=True)
    exit_status, said = finish(process)
    assert exit_status == 1
    assert "moved, deleted or replaced" in said
    assert not root.exists()


def test_a_trainer_whose_directory_is_replaced_writes_nothing_into_the_new_one(fast_path):
    root = fast_path / "run"
    root.mkdir()
    with RunSession.open(root, command="test") as session:
        session.begin(IDENTITY, 9, None, "")
        root.rename(fast_path / "elsewhere")
        root.mkdir()
        session.commit(0, write_nothing, metrics={})
        session.wait_for_commit()
    assert session.exit_status == 1
    assert not paths(root)
    assert read_status(fast_path / "elsewhere" / "status.json").state == "failed"
    assert not list((fast_path / "elsewhere").rglob("*.pth"))


@pytest.mark.parametrize("missing", MISSING_LOCKS, ids=errno.errorcode.get)
def test_without_file_locks_a_run_warns_and_a_second_trainer_is_refused(fast_path, missing):
    options = ("--flock-errno", missing, *SLOW)
    process = start(fast_path, 10**6, *options)
    status = wait_for_state(fast_path, "running")
    assert "has no file locks" in status.alerts[0].message
    exit_status, said = finish(start(fast_path, 5, *options))
    assert exit_status == 2
    assert f"process {process.pid} on" in said.splitlines()[-1]
    process.kill()  # it leaves its record behind
    said = finish(process)[1]
    assert said.splitlines()[0].startswith("the filesystem of")
    assert (fast_path / "run.lock.json").exists()
    assert finish(start(fast_path, 1, *options))[0] == 0
    assert not (fast_path / "run.lock.json").exists()


@pytest.fixture
def no_locks(monkeypatch):
    def refuse(descriptor, operation):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(lock_module.fcntl, "flock", refuse)


def leave_record(root, **changes) -> None:
    """Leave the record of this living process, with some fields changed."""
    lock = RunLock(RunLayout(root))
    lock.acquire("test")
    lock.close()
    path = root / "run.lock.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("changes", "is_refused"),
    [
        ({}, True),
        ({"start_ticks": 1}, False),  # the pid belongs to another process now
        ({"boot_id": "an earlier boot"}, False),
        ({"host": "elsewhere", "start_ticks": 1}, True),  # cannot be known from here
    ],
)
def test_without_file_locks_the_record_tells_whether_the_holder_lives(
    fast_path, no_locks, changes, is_refused
):
    leave_record(fast_path, **changes)
    lock = RunLock(RunLayout(fast_path))
    if is_refused:
        with pytest.raises(RunHeldError, match=r"if it has ended, delete .*run\.lock\.json"):
            lock.acquire("next")
        assert json.loads((fast_path / "run.lock.json").read_text())["command"] == "test"
    else:
        lock.acquire("next")
        assert json.loads((fast_path / "run.lock.json").read_text())["command"] == "next"
        lock.release()


def test_without_file_locks_one_of_many_that_start_at_once_gets_the_directory(fast_path):
    code = (
        "import errno, fcntl, sys; from pathlib import Path\n"
        "def refuse(*_): raise OSError(errno.ENOLCK, 'no locks')\n"
        "fcntl.flock = refuse\n"
        "from blobmaster.run.control.lock import RunLock\n"
        "from blobmaster.run.files.layout import RunLayout\n"
        "RunLock(RunLayout(Path(sys.argv[1]))).acquire('many')\n"
        "print('held', flush=True); sys.stdin.read()"
    )
    many = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(fast_path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        for _ in range(6)
    ]  # fmt: skip
    wait_for(lambda: sum(process.poll() is not None for process in many) == 5, "all but one")
    said = [process.communicate()[0] for process in many]
    assert sorted(said) == ["", "", "", "", "", "held\n"]


def test_without_file_locks_a_record_that_was_read_as_dead_is_not_taken_from_the_next_holder(
    fast_path, no_locks, monkeypatch
):
    leave_record(fast_path, start_ticks=1)  # its process is gone
    first, second = RunLock(RunLayout(fast_path)), RunLock(RunLayout(fast_path))
    may_live = lock_module.may_live

    def see_it_dead_while_the_first_acquires(holder):
        monkeypatch.setattr(lock_module, "may_live", may_live)
        alive = may_live(holder)
        first.acquire("first")
        return alive

    monkeypatch.setattr(lock_module, "may_live", see_it_dead_while_the_first_acquires)
    with pytest.raises(RunHeldError, match="is held by process"):
        second.acquire("second")
    assert json.loads((fast_path / "run.lock.json").read_text())["command"] == "first"
    assert first.loss() is None
    assert paths(fast_path) == {"run.lock", "run.lock.json"}
    first.release()


def test_without_file_locks_a_record_with_the_inode_of_the_own_one_is_noticed(fast_path, no_locks):
    lock = RunLock(RunLayout(fast_path))
    lock.acquire("first")
    record = fast_path / "run.lock.json"
    record.write_text(record.read_text().replace("first", "other"))  # keeps the inode
    assert "run.lock.json was deleted or replaced" in lock.loss().message
    lock.release()
