"""control.signal: every request arrives, whole, once, and nothing else does harm."""

import codecs
import errno
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from processes import finish, start, status_of, wait_for, wait_for_state
from victim import IDENTITY

from blobmaster.run.control.requests import RequestKind, Requests, is_stale, send, take
from blobmaster.run.errors import ControlError
from blobmaster.run.files import atomic
from blobmaster.run.session import RunSession
from blobmaster.run.status import ticker


@pytest.fixture
def control(tmp_path):
    return tmp_path / "control.signal"


def taken(control):
    return take(control, control.with_name("taken"))


@pytest.mark.parametrize("kind", RequestKind)
def test_a_request_is_taken_once(control, kind):
    send(control, kind)
    assert taken(control).kinds == [kind]
    assert taken(control) is None
    assert list(control.parent.iterdir()) == []


def test_requests_made_before_the_trainer_looks_are_all_taken_in_their_order(control):
    for kind in (RequestKind.CHECKPOINT, RequestKind.PAUSE, RequestKind.CONTINUE):
        send(control, kind)
    assert taken(control).kinds == [
        RequestKind.CHECKPOINT,
        RequestKind.PAUSE,
        RequestKind.CONTINUE,
    ]
    assert list(control.parent.iterdir()) == []


def test_requests_of_many_monitors_at_once_are_lost_by_none(control):
    """Start processes, as each one's own file is named by its pid."""
    send_twenty = (
        "import sys; from pathlib import Path; from blobmaster.run.control.requests import send\n"
        "for _ in range(20): send(Path(sys.argv[1]), 'CHECKPOINT')"
    )
    monitors = [
        subprocess.Popen([sys.executable, "-c", send_twenty, str(control)]) for _ in range(4)
    ]
    found = []
    while any(monitor.poll() is None for monitor in monitors) or control.exists():
        request = taken(control)
        found += [] if request is None else request.kinds
    assert [monitor.returncode for monitor in monitors] == [0] * 4
    assert len(found) == 80
    assert list(control.parent.iterdir()) == []


def test_without_hard_links_requests_are_kept_all_the_same(control, monkeypatch):
    def refuse(*_args: object, **_more: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    send(control, "CHECKPOINT")
    send(control, "PAUSE")
    assert taken(control).kinds == [RequestKind.CHECKPOINT, RequestKind.PAUSE]


def test_a_request_takes_the_place_of_what_is_none(control):
    control.touch()
    send(control, "PAUSE")
    assert taken(control).kinds == [RequestKind.PAUSE]
    control.write_text("PAWS\n")
    send(control, "PAUSE")
    assert taken(control).kinds == [RequestKind.PAUSE]


def test_case_and_blanks_do_not_matter_and_lines_are_requests(control):
    control.write_text("  checkpoint\r\n\npause   now \n")
    assert taken(control).kinds == [RequestKind.CHECKPOINT, RequestKind.PAUSE_NOW]


@pytest.mark.parametrize(
    "content",
    [
        "PAUSE\n".encode("utf-8-sig"),
        "PAUSE\r\n".encode("utf-16"),
        codecs.BOM_UTF16_BE + "PAUSE".encode("utf-16-be"),
        "PAUSE\r\n".encode("utf-16-le"),
        "PAUSE".encode("utf-32"),
        b"PAUSE\n\0\0\0",
        "\u200bPA\u00adUSE\u2060\n".encode(),
        "\u00a0PAUSE\u3000\n".encode(),
    ],
)
def test_marks_and_letters_that_nobody_sees_do_not_matter(control, content):
    control.write_bytes(content)
    assert taken(control).kinds == [RequestKind.PAUSE]


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ("PAUS\u0415\n".encode(), "PAUS\\u0415"),  # a Cyrillic letter
        (b"PAUS\xc9\n", "PAUS\\xc9"),  # Latin-1
        ("PAUSE\ufe0f\n".encode(), "PAUSE\\ufe0f"),
    ],
)
def test_the_difference_to_a_request_can_be_seen(control, content, shown):
    control.write_bytes(content)
    found = taken(control)
    assert (found.kinds, found.text) == ([], shown)


@pytest.mark.parametrize("content", ["", "\n", " \r\n\t", "\ufeff\n"])
def test_an_empty_or_blank_file_is_not_a_signal_yet(control, content):
    control.write_text(content)
    assert taken(control) is None
    assert control.exists()


def test_a_file_emptied_by_the_next_writer_while_it_is_taken_is_waited_for(control, monkeypatch):
    # The second `echo` opened the file, which empties it, just before it is renamed.
    control.write_text("PAUSE\n")
    with control.open("r+") as late:

        def write_late() -> None:
            late.write("PAUSE NOW\n")
            late.flush()

        timer = threading.Timer(0.05, write_late)

        def empty_and_rename(source: Path, target: Path) -> None:
            late.truncate(0)
            source.replace(target)
            timer.start()

        monkeypatch.setattr(atomic, "rename", empty_and_rename)
        assert taken(control).kinds == [RequestKind.PAUSE_NOW]
        timer.join()


@pytest.mark.parametrize("content", [b"PAWS\n", b"PAUSE\nPAWS\n", b"\xff\x00\x1b[2J", b"x" * 10**6])
def test_what_is_not_understood_is_removed_and_can_be_shown(control, content):
    control.write_bytes(content)
    found = taken(control)
    assert found.kinds == []
    assert found.text.isprintable()
    assert len(found.text) <= 80
    assert list(control.parent.iterdir()) == []


def test_a_link_is_not_followed_and_a_fifo_does_not_block(control, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("PAUSE")
    control.symlink_to(secret)
    assert taken(control).kinds == []
    os.mkfifo(control)
    assert taken(control).kinds == []
    assert secret.read_text() == "PAUSE"
    assert list(tmp_path.iterdir()) == [secret]


def test_a_folder_is_left_alone(control):
    control.mkdir()
    assert taken(control) is None


def test_sending_over_a_link_replaces_the_link_alone(control, tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("a user's")
    control.symlink_to(outside)
    send(control, "PAUSE")
    assert outside.read_text() == "a user's"
    assert taken(control).kinds == [RequestKind.PAUSE]


@pytest.mark.parametrize("content", [b"PK\x03\x04" + b"x" * 10_000, b"notes\nPAUSE\n", b"{}"])
def test_a_file_of_another_kind_is_neither_taken_nor_replaced(tmp_path, content):
    file = tmp_path / "iter005.pth"
    file.write_bytes(content)
    with pytest.raises(
        ControlError,
        match=r"no request was sent: .* holds something else and is not replaced: name",
    ):
        send(file, "PAUSE")
    assert file.read_bytes() == content
    assert list(tmp_path.iterdir()) == [file]


def test_a_device_or_fifo_that_is_no_request_file_stays(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(ControlError, match="not a regular file"):
        send(fifo, "PAUSE")
    assert list(tmp_path.iterdir()) == [fifo]
    assert fifo.is_fifo()


@pytest.mark.parametrize(
    "earlier", ["", "CHECKPOINT\n", "\ufeffcheckpoint\r\n", "CHECKPOINT\n" * 99]
)
def test_a_request_file_of_another_name_is_merged(tmp_path, earlier):
    file = tmp_path / "requests"
    file.write_text(earlier)
    send(file, "PAUSE")
    kinds = taken(file).kinds
    assert kinds[-1] == RequestKind.PAUSE
    assert kinds[:-1] == [RequestKind.CHECKPOINT] * earlier.upper().count("CHECKPOINT")


def test_sending_to_nowhere_is_one_line(tmp_path):
    with pytest.raises(ControlError, match=r"cannot write .*: no such file or folder: check"):
        send(tmp_path / "missing" / "control.signal", "PAUSE")


def test_only_what_is_older_than_the_process_is_stale(control):
    assert not is_stale(control, time.time())
    send(control, "PAUSE")
    written = control.stat().st_mtime
    assert is_stale(control, written + 0.1)
    assert not is_stale(control, written - 0.1)


def test_a_pause_now_cannot_be_taken_back_and_a_pause_can():
    requests = Requests()
    assert requests.submit(RequestKind.PAUSE)
    assert requests.submit(RequestKind.CONTINUE)
    assert not requests.pause
    requests.submit(RequestKind.PAUSE_NOW)
    assert not requests.submit(RequestKind.CONTINUE)
    assert requests.should_stop.is_set()


def test_checkpoint_holds_for_one_commit():
    requests = Requests()
    requests.submit(RequestKind.CHECKPOINT)
    assert requests.take_keep()
    assert not requests.take_keep()


def test_two_hundred_pauses_at_random_instants_are_all_acknowledged(fast_path):
    """Twenty to each of ten trainers: by `echo` and as the monitor does it, in turns."""
    roots = [fast_path / str(number) for number in range(10)]
    trainers = [start(root, 1, "--block-seconds", 10**6) for root in roots]
    acknowledged: list[int] = []

    def pause_again_and_again(root, luck: random.Random) -> None:
        wait_for_state(root, "running")
        answers: list[float | None] = [None]
        for number in range(20):
            time.sleep(luck.uniform(0, 0.2))
            ask(root / "control.signal", by_echo=number % 2 == 0)
            earlier = answers[-1]
            wait_for(lambda seen=earlier: answer(root) not in (None, seen), "an acknowledgement")
            assert status_of(root).state == "pausing"
            answers.append(answer(root))
        acknowledged.append(len(set(answers) - {None}))

    threads = [
        threading.Thread(target=pause_again_and_again, args=(root, random.Random(seed)))
        for seed, root in enumerate(roots)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for trainer in trainers:
        trainer.send_signal(signal.SIGTERM)
        finish(trainer)
    assert acknowledged == [20] * 10


def ask(control, *, by_echo: bool) -> None:
    if by_echo:
        subprocess.run(["sh", "-c", f"echo PAUSE > {control}"], check=True)
    else:
        send(control, "PAUSE")


def answer(root) -> float | None:
    status = status_of(root)
    return status.request.at if status is not None and status.request is not None else None


@pytest.mark.parametrize("when", ["before the start", "later"])
def test_a_request_that_cannot_be_taken_is_said_once_and_the_run_goes_on(
    fast_path, monkeypatch, caplog, when
):
    control = fast_path / "control.signal"
    real, tries = atomic.rename, threading.Event()

    def refuse(source, target):
        if source != control:
            real(source, target)
            return
        refused.append(source)
        if len(refused) > 4:
            tries.set()
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    refused: list = []
    monkeypatch.setattr(atomic, "rename", refuse)
    monkeypatch.setattr(ticker, "LOOK_SECONDS", 0.01)
    if when == "before the start":
        control.write_text("PAUSE")
        os.utime(control, (0, 0))
    with RunSession.open(fast_path, command="test") as session:
        session.begin(IDENTITY, 2, None, "")
        if when == "later":
            control.write_text("PAUSE")
        assert tries.wait(60)
        assert not session.pause_requested
        session.paused()
    said = [r.getMessage() for r in caplog.records if "cannot take" in r.getMessage()]
    assert len(said) == 1
    assert "another user's" in said[0]
    assert status_of(fast_path).alerts[0].message == said[0]
