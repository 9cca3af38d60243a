"""A run in a folder that a group shares: a colleague can resume it."""

import os
import stat

import pytest
from processes import finish, start
from test_session import train

from blobmaster.run.control import requests as control
from blobmaster.run.files import atomic
from blobmaster.run.files.history import HistoryRow, append_rows, read_rows

GROUP = 54321
COLLEAGUES = (54322, 54323)


def test_every_file_of_a_run_follows_the_umask(fast_path):
    before = os.umask(0o002)
    try:
        train(fast_path / "run", 6)
        control.send(fast_path / "run" / "control.signal", "PAUSE")
        atomic.append(fast_path / "run" / "another", b"")
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in files(fast_path / "run")}
    assert {"run.lock", "history.jsonl", "status.json", "control.signal"} <= modes.keys()
    assert {name: oct(mode) for name, mode in modes.items() if mode != 0o664} == {}


def files(root):
    return [path for path in root.rglob("*") if path.is_file()]


@pytest.fixture
def shared(fast_path):
    """A setgid folder of a group; needs the permission to become another user."""
    if os.geteuid() != 0:
        pytest.skip("may not become another user here")
    fast_path.chmod(0o755)
    root = fast_path / "run"
    root.mkdir()
    os.chown(root, COLLEAGUES[0], GROUP)
    root.chmod(0o2775)
    return root


@pytest.mark.parametrize("umask", [0o002, 0o022])
def test_a_colleague_resumes_a_run_in_a_shared_folder(shared, umask):
    """With umask 022 the files are their owner's alone, as those of earlier versions were."""
    first, second = COLLEAGUES
    assert finish(start(shared, 6, "--become", first, GROUP, umask)) == (0, "")
    for folder in (shared / "permanent", shared / "cache", shared / "inflight"):
        folder.chmod(0o2775)
    assert finish(start(shared, 12, "--become", second, GROUP, umask)) == (0, "")
    rows = read_rows(shared / "history.jsonl").rows
    assert [row.iteration for row in rows] == list(range(1, 13))


def test_a_history_that_only_its_owner_may_write_is_replaced(tmp_path, monkeypatch):
    path = tmp_path / "history.jsonl"
    row = HistoryRow(iteration=1, run_id="run", timestamp="", elapsed_hours=0.0)
    append_rows(path, [row])

    def refuse(path, line):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(atomic, "append", refuse)
    append_rows(path, [row])
    assert len(read_rows(path).rows) == 2
