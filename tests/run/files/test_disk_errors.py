"""A failed write is named by its real cause, with what to do."""

import errno
import os
from types import SimpleNamespace

import pytest

from blobmaster.run.checkpoints import retry as retry_module
from blobmaster.run.checkpoints.retry import WriteRetry
from blobmaster.run.control.lock import RunLock
from blobmaster.run.control.requests import Requests
from blobmaster.run.errors import RunDirectoryError, WriteAbandonedError
from blobmaster.run.files import disk_errors
from blobmaster.run.files.disk_errors import explain, explain_read
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.files.output_file import write_problem


def failure(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full: free some space"),
        (errno.EDQUOT, "quota is used up"),
        (errno.EROFS, "read-only: mount it writable"),
        (errno.EACCES, "permission denied: check the owner"),
        (errno.EPERM, "immutable"),
        (errno.EXDEV, "another filesystem"),
        (errno.EIO, "check the disk"),
        (errno.ENOENT, "check that the disk is mounted"),
        (errno.ELOOP, "Too many levels of symbolic links"),
    ],
)
def test_each_error_is_called_by_its_name(tmp_path, number, words):
    said = explain(failure(number), tmp_path)
    assert words in said
    assert "\n" not in said
    assert (number == errno.ENOSPC) == ("disk is full" in said)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EROFS, "the filesystem is read-only: mount it writable, or name another file"),
        (errno.EISDIR, "Is a directory: name another file"),
    ],
)
def test_where_the_user_chose_the_place_another_one_is_advised(tmp_path, number, said):
    assert explain(failure(number), tmp_path, instead="name another file") == said
    where = tmp_path / "a.html"
    assert write_problem(where, failure(number)) == f"cannot write {where}: {said}"


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOENT, "No such file or directory: check the path"),
        (errno.EACCES, "permission denied: check the owner and mode"),
        (errno.EIO, "check the disk"),
    ],
)
def test_a_failed_read_says_what_to_check(number, said):
    assert said in explain_read(failure(number))


def test_a_lock_that_cannot_be_written_says_what_to_do(tmp_path, monkeypatch):
    lock = RunLock(RunLayout(tmp_path))

    def refuse(_: bytes) -> None:
        raise failure(errno.EROFS)

    monkeypatch.setattr(lock, "_acquire", refuse)
    with pytest.raises(RunDirectoryError, match=r"cannot lock .* read-only: mount it writable, or"):
        lock.acquire("blobmaster train")


@pytest.mark.parametrize(("files", "said"), [(1000, "no inodes left"), (0, "the disk is full")])
def test_a_disk_without_inodes_is_told_from_a_full_one(tmp_path, monkeypatch, files, said):
    found = SimpleNamespace(f_files=files, f_favail=0)
    monkeypatch.setattr(disk_errors.os, "statvfs", lambda _: found)
    assert said in explain(failure(errno.ENOSPC), tmp_path)


def test_the_alert_of_a_waiting_write_names_the_real_cause(tmp_path, monkeypatch):
    monkeypatch.setattr(retry_module, "RETRY_SECONDS", 10.0)
    alerts: list[str] = []
    publisher = SimpleNamespace(
        status=SimpleNamespace(alerts=[]),
        raise_alert=lambda _kind, _level, message: alerts.append(message),
        clear_alert=lambda _: None,
    )
    requests = Requests()
    requests.stop(15)
    retry = WriteRetry(publisher, requests, lambda _: None, root=tmp_path)

    def refuse() -> None:
        raise failure(errno.EDQUOT)

    with pytest.raises(WriteAbandonedError):
        retry.until_written(refuse, "checkpoint")
    assert ["quota" in alert and "is full" not in alert for alert in alerts] == [True]
