"""The server: its command, its headers, and clients that are many, slow, silent or gone."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import forked
import pytest
from made_up_run import history_row, write_run
from monitor_terminal import make_status, put
from serving import serving
from terminals import DEADLINE_S
from trainer import assert_refused, wait_until

from blobmaster.monitor.serve import server as server_module
from blobmaster.run.files.layout import RunLayout


def refused(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return forked.run(
        ["-m", "blobmaster", "monitor", *map(str, words)], cwd=cwd, timeout=DEADLINE_S
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--serve", "nowhere"], "--serve takes HOST:PORT, such as 127.0.0.1:8787"),
        (["--serve", "127.0.0.1:99999"], "the port is a number below 65536"),
        (["--serve", "0.0.0.0:8787"], "use an ssh tunnel or a proxy"),
        (
            ["--serve", "203.0.113.9:0", "--allow-remote", "--checkpoint-dir", "."],
            "is no address of this machine",
        ),
        (["--serve", "10.0.0.256:0", "--allow-remote", "--checkpoint-dir", "."], "is no address"),
        (["--serve", "127.0.0.1:0", "--checkpoint-dir", "/etc/passwd"], "is no folder"),
        (["--serve", "127.0.0.1:0", "--once"], "leave out --once"),
        (["--serve", "127.0.0.1:0", "--control", "--readonly"], "exclude each other"),
        (["--control"], "--control is for the page in a browser: add --serve"),
        (["--host-name", "x"], "--host-name is for the page in a browser: add --serve"),
    ],
)
def test_bad_input_is_refused_in_one_line(words: list[str], says: str, tmp_path: Path):
    assert_refused(refused(*words, cwd=tmp_path), says)


@pytest.mark.parametrize("words", [["gone"], ["--checkpoint-dir", "gone"]])
def test_a_folder_that_is_not_there_is_waited_for_and_named(words: list[str], tmp_path: Path):
    command = [sys.executable, "-m", "blobmaster", "monitor", *words, "--serve", "127.0.0.1:0"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "/?token=" in process.stdout.readline()
        assert "waiting for a run in gone, which is not there yet" in process.stderr.readline()
        process.terminate()


def test_a_taken_port_is_refused_with_a_free_one_named(layout: RunLayout):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = ("--serve", f"127.0.0.1:{port}", "--checkpoint-dir", layout.root)
        assert_refused(refused(*words, cwd=layout.root), f"port {port} is taken: choose another")


def test_the_command_prints_the_address_loads_nothing_heavy_and_ends_at_a_signal(layout: RunLayout):
    write_run(layout)
    words = ["monitor", "--serve", "127.0.0.1:0", "--checkpoint-dir", str(layout.root)]
    code = (
        "import sys\nfrom blobmaster.cli.main import main\n"
        f"try:\n main({words!r})\n"
        "finally:\n print(sorted({'torch', 'numpy', 'numba', 'textual'} & set(sys.modules)))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        address = process.stdout.readline()
        assert address.startswith("http://127.0.0.1:")
        assert "/?token=" in address
        port = int(address.split(":")[2].partition("/")[0])
        with socket.create_connection(("127.0.0.1", port), DEADLINE_S) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b" 403 " in client.recv(100)
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 128 + signal.SIGTERM
        assert process.stdout.read().splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("flags", "says"),
    [([], "whoever has it can watch. "), (["--control"], "can watch the run and pause it. ")],
)
def test_the_command_says_what_the_address_allows(layout: RunLayout, flags: list[str], says: str):
    words = ["monitor", "--serve", "127.0.0.1:0", "--checkpoint-dir", str(layout.root), *flags]
    command = [sys.executable, "-m", "blobmaster", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert says in process.stdout.readline()
        process.terminate()


def test_the_page_is_small_strict_and_sets_a_strict_cookie(layout: RunLayout):
    write_run(layout, iterations=2000)
    with serving(layout) as page:
        opening = page.url.partition(f":{page.port}")[2]
        status, headers, body = page.ask(opening, Cookie="")
        assert status == 200
        assert headers["Set-Cookie"] == f"{page.cookie}; Path=/; HttpOnly; SameSite=Strict"
        assert "script-src 'self';" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert not [name for name in headers if name.startswith("Access-Control")]
        assert page.guard.keys.token not in body
        assert page.guard.keys.control not in body
        _, headers, _ = page.ask(opening, X_Forwarded_Proto="https")
        assert headers["Set-Cookie"].endswith("; Secure")
        _, headers, _ = page.ask("/")
        assert "Set-Cookie" not in headers
        files = sum(len(page.ask(path)[2]) for path in ("/page.js", "/page.css", "/icon.svg"))
        listener = page.listen()
        listener.wait_for("charts", "Elo rating")
        listener.wait_for("log", "")
        listener.close()
        assert len(body) + files + sum(map(len, listener.parts.values())) <= 100_000


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nCookie: %b\r\n\r\n", 404),
        (b"GET /../status.json HTTP/1.1\r\nHost: localhost\r\nCookie: %b\r\n\r\n", 404),
        (b"GET /?run=../../etc HTTP/1.1\r\nHost: localhost\r\nCookie: %b\r\n\r\n", 404),
        (b"OPTIONS / HTTP/1.1\r\nHost: localhost\r\nCookie: %b\r\n\r\n", 501),
        (b"PUT / HTTP/1.1\r\nHost: localhost\r\nCookie: %b\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nCookie: %b\r\n\r\n", 421),
        (b"GET http://evil/ HTTP/1.1\r\nHost: evil\r\nCookie: %b\r\n\r\n", 421),
        (b"POST /request HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999\r\n\r\n", 413),
        (b"POST /request HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 413),
        (b"GET http://[ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://[\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n", 431),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
    ],
)
def test_a_malformed_or_foreign_request_gets_an_error_and_nothing_of_the_run(
    layout: RunLayout, request_bytes: bytes, status: int
):
    put(layout, make_status(run_id="secret-run"))
    with (
        serving(layout, folders=()) as page,
        socket.create_connection(("127.0.0.1", page.port), DEADLINE_S) as client,
    ):
        client.sendall(request_bytes.replace(b"%b", page.cookie.encode()))
        answer = b""
        with contextlib.suppress(ConnectionResetError):  # it need not read 70,000 bytes
            while data := client.recv(1 << 16):
                answer += data
        if answer or status != 414:
            assert answer.split()[1] == str(status).encode()
            assert b"Content-Security-Policy" in answer
        assert b"secret-run" not in answer


def test_a_hundred_clients_get_every_change_from_one_reading(layout: RunLayout):
    put(layout, make_status(iteration=151))
    with serving(layout) as page:
        clients = [page.listen() for _ in range(100)]
        for client in clients:
            client.wait_for("progress", "<b>151</b>")
        put(layout, make_status(iteration=152, seq=1001))
        for client in clients:
            client.wait_for("progress", "<b>152</b>")
        for client in clients:
            client.close()


def test_a_client_that_does_not_read_delays_nobody_and_then_gets_the_newest_state(
    layout: RunLayout,
):
    layout.history.write_bytes(b"".join(history_row(n) for n in range(1, 200)))
    put(layout, make_status(iteration=151))
    with serving(layout) as page, socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        slow.settimeout(DEADLINE_S)
        slow.connect(("127.0.0.1", page.port))
        head = f"GET /events HTTP/1.1\r\nHost: localhost\r\nCookie: {page.cookie}\r\n\r\n"
        slow.sendall(head.encode())
        quick = page.listen()
        for number in range(152, 160):
            with layout.history.open("ab") as file:
                file.write(history_row(number + 100))
            put(layout, make_status(iteration=number, seq=850 + number))
            quick.wait_for("progress", f"<b>{number}</b>")
        quick.close()
        got = b""
        while b"<b>159</b>" not in got:
            data = slow.recv(1 << 16)
            assert data, "the slow client was dropped"
            got += data


def test_a_client_that_vanishes_ends_its_thread_and_the_last_one_the_reading(layout: RunLayout):
    put(layout, make_status())
    with serving(layout) as page:
        clients = [page.listen() for _ in range(3)]
        for client in clients:
            client.next()
        channel = page.server.pages.find("").channel
        assert channel._gate.is_set()
        for client in clients:
            client.close()
        wait_until(lambda: not page.server._open)
        assert not channel._gate.is_set()
        put(layout, make_status(iteration=399))
        again = page.listen()
        again.wait_for("progress", "<b>399</b>")
        assert "<b>151</b>" not in again.parts["progress"]
        again.close()


def test_a_request_that_drips_in_is_cut_off(layout: RunLayout, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(server_module, "HEAD_S", 0.2)
    with (
        serving(layout) as page,
        socket.create_connection(("127.0.0.1", page.port), DEADLINE_S) as client,
    ):
        deadline = time.monotonic() + DEADLINE_S
        with contextlib.suppress(ConnectionError):
            while time.monotonic() < deadline:
                client.sendall(b"G")
                client.settimeout(0.05)
                with contextlib.suppress(TimeoutError):
                    assert client.recv(1000) == b""
                    break
        wait_until(lambda: not page.server._open)


def test_more_connections_than_there_is_room_for_are_closed(
    layout: RunLayout, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(server_module, "MOST_CONNECTIONS", 2)
    put(layout, make_status())
    with serving(layout) as page:
        first, second = page.listen(), page.listen()
        first.next()
        second.next()
        with socket.create_connection(("127.0.0.1", page.port), DEADLINE_S) as third:
            assert third.recv(100) == b""
        first.close()
        wait_until(lambda: len(page.server._open) < 2)
        third_time = page.listen()
        third_time.next()
        third_time.close()
        second.close()


def test_text_from_the_run_never_becomes_markup(layout: RunLayout):
    evil = "<img src=x onerror=alert(1)>\"'&"
    metrics = {evil: 1.0, "phase": evil}
    layout.log.write_text(f"ERROR {evil}\n")
    layout.history.write_bytes(history_row(1, **{evil: 2.0}) + history_row(2, **{evil: 3.0}))
    put(layout, make_status(run_id=evil, host=evil, metrics=metrics, state="failed", error=evil))
    with serving(layout, control=True) as page:
        listener = page.listen()
        listener.wait_for("charts", "img src=x")
        listener.wait_for("log", "img src=x")
        listener.close()
        shown = {name: html for name, html in listener.parts.items() if name != "title"}
    assert sum("&lt;img" in html for html in shown.values()) >= 5
    assert not any("<img" in html for html in shown.values())
