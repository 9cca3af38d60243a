"""The watch: events are delivered with retries, and no target delays the others."""

from __future__ import annotations

import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from made_up_run import write_run
from monitor_terminal import make_status, put
from terminals import DEADLINE_S
from watch_events import an_event

from blobmaster.monitor.notify import command
from blobmaster.monitor.notify.events import Event
from blobmaster.monitor.notify.outbox import MOST_WAITING, Outbox
from blobmaster.monitor.notify.targets import DeliveryError, Target, parse_target
from blobmaster.monitor.options import MonitorOptions
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.status.schema import Disk

SECRET = "s3cr3t"


def wait_until(holds: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, f"never {what}"
        time.sleep(0.01)


# Deliveries, to a real server


@dataclass
class Receiver:
    """A server that gives prescribed answers and records requests."""

    answers: list[Any] = field(default_factory=list)
    """Answers to the next requests: a status, `hang` or `close`; 200 when none is left."""
    received: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    """Path, headers and body of the requests."""
    port: int = 0
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def events(self) -> list[str]:
        return [json.loads(body)["event"] for _, _, body in self.received]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server on this machine, for as long as the test."""
    found = Receiver()

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = found.answers.pop(0) if found.answers else 200
            found.received.append((self.path, dict(self.headers), body))
            if answer == "hang":
                found.released.wait(DEADLINE_S)
            elif answer == "close":
                self.connection.shutdown(socket.SHUT_RDWR)
            else:
                self.send_response(answer)
                self.send_header("Location", f"http://127.0.0.1:{found.port}/elsewhere/{SECRET}")
                self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        server.daemon_threads = True
        found.port = server.server_port
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield found
        found.released.set()
        server.shutdown()


def outbox(where: Target, *, waits: tuple[float, ...] = (0.01, 0.01)) -> tuple[Outbox, list[str]]:
    complaints: list[str] = []
    box = Outbox(where, complaints.append, waits)
    box.start()
    return box, complaints


@pytest.mark.parametrize(
    ("answers", "attempts", "complaint"),
    [
        ([200], 1, None),
        ([204], 1, None),
        ([500, 200], 2, "it answered 500; trying again in 0.01 s"),
        (["close", 429, 200], 3, "without an answer; trying again"),
        (["hang", 200], 2, "no answer within 0.2 s; trying again"),
        ([500, 502, 503], 3, "it answered 503; given up"),
        ([404], 1, "it answered 404; given up"),
        ([302], 1, "it answered 302; given up"),
    ],
)
def test_a_delivery_is_tried_again_where_that_can_help(
    receiver: Receiver, answers: list[Any], attempts: int, complaint: str | None
):
    receiver.answers = [*answers]
    box, complaints = outbox(parse_target(f"http://127.0.0.1:{receiver.port}/hook/{SECRET}", 0.2))
    box.put(an_event())
    assert box.drain(None) == 0
    assert len(receiver.received) == attempts
    assert {json.loads(body)["id"] for _, _, body in receiver.received} == {"r/7/failed"}
    assert bool(complaints) == bool(complaint)
    assert not complaint or any(complaint in line for line in complaints)
    assert SECRET not in "".join(complaints)


def test_a_webhook_gets_the_documented_json_and_its_password(receiver: Receiver):
    address = f"http://user:p%40ss@127.0.0.1:{receiver.port}/hook?token={SECRET}&x=ü"
    where = parse_target(address)
    assert where.name == f"http://127.0.0.1:{receiver.port}/…"
    where.send(an_event(why="“ü”"))
    ((path, headers, body),) = receiver.received
    assert path == f"/hook?token={SECRET}&x=%C3%BC"
    assert headers["Authorization"] == "Basic dXNlcjpwQHNz"
    assert headers["Content-Type"] == "application/json"
    documented = (
        *("schema", "id", "event", "over", "title", "message", "run_id", "directory", "host"),
        *("state", "iteration", "total_iterations", "progress", "elo", "eta_hours"),
        *("resume_command", "time"),
    )
    sent = json.loads(body)
    assert tuple(sent) == documented
    assert (sent["schema"], sent["event"], sent["message"][:12]) == (1, "failed", "failed: “ü” ")


def test_an_ntfy_topic_gets_text_title_priority_and_tags(receiver: Receiver):
    where = parse_target(f"ntfy://:{SECRET}@127.0.0.1:{receiver.port}/my-runs")
    where.send(an_event(why="non-finite loss – “nan”"))
    where.send(an_event("finished", run_id="ü"))
    (path, headers, body), (_, calm, _) = receiver.received
    assert (path, body.decode()[:31]) == ("/my-runs", "failed: non-finite loss – “nan”")
    assert (headers["Title"], headers["Priority"]) == ("r: failed", "high")
    assert headers["Tags"] == "warning,failed"
    assert "Authorization" in headers
    assert (calm["Title"], calm["Priority"]) == ("?: finished", "default")


@pytest.mark.parametrize(
    ("address", "says"),
    [
        (SECRET, "--notify takes an address such as"),
        (f"https://{SECRET}:port/x", "host or port makes no sense"),
        (f"https:///{SECRET}", "names no host"),
        (f"http://host/{SECRET} x", "holds blanks"),
        (f"http://host/{SECRET}\nHost: evil", "holds blanks"),
        (f"http://{'x' * 70}.{SECRET}/", "host or port makes no sense"),
        (f"ntfy://{SECRET}@host/", "lacks a topic: write ntfy://host/topic"),
    ],
)
def test_an_address_that_is_not_understood_is_refused_without_its_secret(address: str, says: str):
    with pytest.raises(ValueError, match=says) as refused:
        parse_target(address)
    assert SECRET not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_target_that_hangs_holds_up_no_queue_and_the_oldest_message_gives_way():
    hold, sent = threading.Event(), list[str]()

    def send(event: Event) -> None:
        hold.wait(DEADLINE_S)
        sent.append(event.run_id)

    box, complaints = outbox(Target(name="slow", send=send))
    box.put(an_event(run_id="first"))
    wait_until(lambda: box._busy, "took up the first")
    for number in range(MOST_WAITING + 3):
        box.put(an_event(run_id=str(number)))
    assert len(complaints) == 3
    assert "“0: failed” is dropped, 32 wait already" in complaints[0]
    assert box.drain(0.01) == MOST_WAITING + 1
    hold.set()
    assert box.drain(None) == 0
    assert sent == ["first", *map(str, range(3, MOST_WAITING + 3))]


def test_an_end_in_a_hurry_makes_one_more_attempt_and_waits_no_longer():
    attempts: list[str] = []

    def refuse(event: Event) -> None:
        attempts.append(event.event)
        raise DeliveryError("no")

    box, complaints = outbox(Target(name="down", send=refuse), waits=(3600.0,) * 5)
    box.put(an_event())
    wait_until(lambda: len(complaints) == 1, "tried")
    assert box.drain(DEADLINE_S) == 0
    assert len(attempts) == 2
    assert "given up" in complaints[-1]


# The command, as a process


def watch(*words: str | Path, **environment: str) -> subprocess.Popen[str]:
    typed = [sys.executable, "-m", "blobmaster", "watch", "--refresh-interval", "0.1"]
    return subprocess.Popen(
        [*typed, *map(str, words)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
    )


def test_a_run_is_followed_to_its_end_and_every_event_reaches_every_target(
    layout: RunLayout, receiver: Receiver
):
    receiver.answers = [500]
    write_run(layout)
    status = make_status()
    hook = f"http://127.0.0.1:{receiver.port}/{SECRET}"
    child = watch(layout.root, "--notify", hook)
    assert child.stdout is not None
    assert child.stdout.readline() == f"telling http://127.0.0.1:{receiver.port}/…\n"
    low = Disk(free_bytes=10**9, total_bytes=10**12, low=True, hours_left=3.0)
    put(layout, msgspec.structs.replace(status, seq=status.seq + 1, disk=low))
    wait_until(lambda: receiver.events == ["disk-low"] * 2, "told of the disk, twice for the 500")
    fallen = b'{"iteration":%d,"run_id":"r","timestamp":"","elapsed_hours":1,"elo":9,"elo_low":8,'
    with layout.history.open("ab") as file:
        file.write((fallen + b'"elo_high":10}\n') % 155)
    put(layout, msgspec.structs.replace(status, seq=status.seq + 2, disk=low))
    wait_until(lambda: "elo-falling" in receiver.events, "told of Elo")
    put(layout, msgspec.structs.replace(status, seq=status.seq + 3, state="finished"))
    out, err = child.communicate(timeout=DEADLINE_S)
    assert child.returncode == 0
    assert receiver.events == ["disk-low", "disk-low", "elo-falling", "finished"]
    assert len(out.splitlines()) == 3
    assert SECRET not in out + err
    assert err.count("\n") == 1


def test_events_are_delivered_after_the_reader_of_the_output_has_left(
    layout: RunLayout, receiver: Receiver
):
    put(layout, make_status())
    child = watch(layout.root, "--notify", f"http://127.0.0.1:{receiver.port}/")
    assert child.stdout is not None
    child.stdout.readline()
    child.stdout.close()  # as `| head -1` does
    for state in ("paused", "failed", "finished"):
        put(layout, make_status(state=state, seq=1000 + len(state)))
        wait_until(lambda now=state: receiver.events[-1:] == [now], f"told {state}")
    assert child.wait(DEADLINE_S) == 0
    assert receiver.events == ["paused", "failed", "finished"]
    assert child.stderr is not None
    assert child.stderr.read() == ""
    child.stderr.close()


def test_the_last_message_of_a_finished_run_is_waited_for(
    layout: RunLayout, monkeypatch: pytest.MonkeyPatch
):
    sent: list[str] = []

    def slowly(event: Event) -> None:
        time.sleep(0.3)
        sent.append(event.event)

    monkeypatch.setattr(command, "GRACE_S", 0.0)
    put(layout, make_status(state="finished"))
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    options = MonitorOptions(status_file=layout.status)
    assert command.run_watch(options, [Target(name="slow", send=slowly)]) == 0
    assert sent == ["finished"]
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_webhook_that_hangs_delays_neither_the_next_event_nor_another_target(
    layout: RunLayout, receiver: Receiver
):
    receiver.answers = ["hang"] * 9
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Taking) as other:
        threading.Thread(target=other.serve_forever, args=(0.01,), daemon=True).start()
        _Taking.bodies.clear()
        put(layout, make_status())
        hang = f"http://127.0.0.1:{receiver.port}/"
        take = f"ntfy://127.0.0.1:{other.server_port}/topic"
        child = watch(layout.root, "--notify", hang, take)
        assert child.stdout is not None
        child.stdout.readline()
        for state in ("paused", "failed", "waiting"):
            put(layout, make_status(state=state, seq=1000 + len(state)))
            assert f"{state}" in child.stdout.readline()
        wait_until(lambda: len(_Taking.bodies) == 3, "reached the other target")
        assert len(receiver.received) == 1
        child.send_signal(signal.SIGTERM)
        _, err = child.communicate(timeout=DEADLINE_S)
        assert child.returncode == 143
        assert "3 messages were not delivered before the end" in err
        other.shutdown()


class _Taking(http.server.BaseHTTPRequestHandler):
    bodies: list[bytes] = []  # noqa: RUF012 - the server makes an instance a request

    def do_POST(self) -> None:
        self.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        return


def test_several_runs_are_watched_and_a_killed_one_is_told_with_its_command(
    layout: RunLayout, receiver: Receiver
):
    process = subprocess.Popen(["sleep", "100"])
    for name, pid in (("a", os.getpid()), ("b", process.pid)):
        run = RunLayout(layout.root / name)
        run.root.mkdir()
        put(run, make_status(run_id=name, pid=pid, process_start_ticks=0, **_start_of(pid)))
    hooks = f"http://127.0.0.1:{receiver.port}/"
    child = watch(layout.root, BLOBMASTER_NOTIFY=hooks)
    assert child.stdout is not None
    child.stdout.readline()
    process.kill()
    process.wait()
    wait_until(lambda: receiver.received, "told of the death")
    told = json.loads(receiver.received[0][2])
    assert (told["event"], told["run_id"]) == ("dead", "b")
    assert told["resume_command"].startswith("blobmaster train --resume")
    assert told["directory"] == str(layout.root / "b")
    child.send_signal(signal.SIGINT)
    assert child.wait(DEADLINE_S) == 130
    child.communicate()


def _start_of(pid: int) -> dict[str, float]:
    import psutil

    return {"process_started_at": psutil.Process(pid).create_time()}


def test_any_other_address_goes_through_apprise(layout: RunLayout, receiver: Receiver):
    put(layout, make_status(state="finished"))
    child = watch(layout.root, "--notify", f"json://127.0.0.1:{receiver.port}/{SECRET}")
    out, err = child.communicate(timeout=DEADLINE_S)
    assert (child.returncode, err) == (0, "")
    assert "telling json://…\n" in out
    ((path, _, body),) = receiver.received
    assert path == f"/{SECRET}"
    assert json.loads(body)["title"] == "20251113-a1b2c3: finished"


def test_without_apprise_the_command_that_installs_it_is_named(tmp_path: Path):
    (tmp_path / "apprise.py").write_text("raise ImportError")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    child = watch("--notify", f"mailto://me:{SECRET}@host", PYTHONPATH=path)
    _, err = child.communicate(timeout=DEADLINE_S)
    assert (child.returncode, err.count("\n")) == (2, 1)
    assert "mailto:// addresses need apprise: pip install 'blobmaster[notify]'" in err
    assert SECRET not in err


@pytest.mark.parametrize("flag", [[], ["--checkpoint-dir"]])
def test_a_run_directory_that_is_still_to_be_made_is_waited_for_and_named(
    flag: list[str], tmp_path: Path, receiver: Receiver
):
    later = RunLayout(tmp_path / "later")
    child = watch(*flag, later.root, "--notify", f"http://127.0.0.1:{receiver.port}/{SECRET}")
    assert child.stdout is not None
    child.stdout.readline()
    waiting = child.stdout.readline()
    assert "waiting" in waiting
    assert str(later.status) in waiting
    later.root.mkdir()
    put(later, make_status(state="finished", seq=2))
    out, _ = child.communicate(timeout=DEADLINE_S)
    assert child.returncode == 0
    assert out.count("waiting") == 0
    assert "finished" in out


def test_a_watch_that_could_tell_nobody_or_of_nothing_is_refused(tmp_path: Path):
    for words, says in (
        ((tmp_path,), "--notify"),
        (("/etc/passwd", "--notify", "http://host/"), "is no folder"),
        ((f"nonsense://{SECRET}", tmp_path), "not one that apprise supports"),
    ):
        child = watch(*words)
        _, err = child.communicate(timeout=DEADLINE_S)
        assert (child.returncode, err.count("\n")) == (2, 1)
        assert says in err
        assert SECRET not in err
