"""train.log: a file that cannot be opened or written is said once, and stops nothing."""

import contextlib
import logging
import os

import pytest

from blobmaster.terminal.console import log_to_file


@pytest.fixture
def package_log():
    package = logging.getLogger("blobmaster")
    before, level = list(package.handlers), package.level
    package.setLevel(logging.INFO)
    yield package
    for handler in set(package.handlers) - set(before):
        package.removeHandler(handler)
        with contextlib.suppress(OSError):  # what is left cannot be written
            handler.close()
    package.setLevel(level)


@pytest.mark.parametrize("obstacle", ["folder", "fifo", "missing folder"])
def test_a_log_that_cannot_be_opened_is_warned_of_once(tmp_path, package_log, caplog, obstacle):
    path = tmp_path / "train.log"
    if obstacle == "folder":
        path.mkdir()
    elif obstacle == "fifo":
        os.mkfifo(path)
    else:
        path = tmp_path / "gone" / "train.log"
    log_to_file(path)
    for _ in range(3):
        package_log.info("trained")
    messages = [record.getMessage() for record in caplog.records]
    assert messages.count("trained") == 3
    assert sum("the run continues without it" in message for message in messages) == 1


def test_a_log_that_cannot_be_written_is_warned_of_once(tmp_path, package_log, caplog, capfd):
    path = tmp_path / "train.log"
    path.symlink_to("/dev/full")
    log_to_file(path)
    for _ in range(3):
        package_log.info("trained")
    messages = [record.getMessage() for record in caplog.records]
    assert messages.count("trained") == 3
    warned = f"cannot write {path}: No space left on device; the run continues without it"
    assert messages.count(warned) == 1
    assert "Traceback" not in capfd.readouterr().err


def test_a_log_that_can_be_opened_holds_the_lines(tmp_path, package_log):
    log_to_file(tmp_path / "train.log")
    package_log.info("trained")
    assert "INFO trained\n" in (tmp_path / "train.log").read_text()
