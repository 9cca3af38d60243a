"""A server of the page in this process, and a client for it that can misbehave."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from terminals import DEADLINE_S

from blobmaster.monitor.options import MonitorOptions
from blobmaster.monitor.serve.access import Guard, Keys
from blobmaster.monitor.serve.address import Address
from blobmaster.monitor.serve.runs import Pages
from blobmaster.monitor.serve.server import Server
from blobmaster.run.files.layout import RunLayout


@dataclass
class Serving:
    """A running server."""

    server: Server
    guard: Guard

    @property
    def port(self) -> int:
        return self.server.address.port

    @property
    def url(self) -> str:
        """The address that the command would print."""
        return f"http://127.0.0.1:{self.port}/?token={self.guard.keys.token}"

    @property
    def cookie(self) -> str:
        return f"{self.guard.cookie_name}={self.guard.keys.cookie}"

    def ask(
        self, target: str, method: str = "GET", body: str | None = None, **headers: str
    ) -> tuple[int, dict[str, str], str]:
        """Send a request with the cookie and return status, headers and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        with contextlib.closing(connection):
            sent = {"Cookie": self.cookie} | {k.replace("_", "-"): v for k, v in headers.items()}
            connection.request(method, target, body, {k: v for k, v in sent.items() if v})
            answer = connection.getresponse()
            return answer.status, dict(answer.headers), answer.read().decode()

    def listen(self, target: str = "/events") -> Listener:
        """Open a stream of events."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        connection.request("GET", target, headers={"Cookie": self.cookie})
        return Listener(connection, connection.getresponse())


@dataclass
class Listener:
    """A client that reads events, and all parts that it has got so far."""

    connection: http.client.HTTPConnection
    answer: http.client.HTTPResponse
    parts: dict[str, str] = field(default_factory=dict)

    def next(self) -> dict[str, str]:
        """Wait for an event and return its parts."""
        while not (line := self.answer.readline()).startswith(b"data: "):
            assert line, "the stream has ended"
        news: dict[str, str] = json.loads(line[len(b"data: ") :])
        self.parts |= news
        return news

    def wait_for(self, part: str, text: str) -> None:
        """Read events until a part holds the text."""
        while text not in self.parts.get(part, ""):
            self.next()

    def close(self) -> None:
        self.answer.close()
        self.connection.close()


@contextlib.contextmanager
def serving(
    layout: RunLayout | None = None, *, control: bool = False, **options: Any
) -> Iterator[Serving]:
    """Serve the page of a run, or of the runs below `folders`, read ten times a second."""
    where = {} if layout is None else {"status_file": layout.status}
    seen = MonitorOptions(refresh_interval=0.1, **where, **options)
    server = Server(Address("127.0.0.1", 0))
    guard = Guard(keys=Keys.new(), address=server.address, allows_control=control)
    thread = threading.Thread(
        target=server.serve,
        args=(guard, Pages(seen, allows_control=control), seen.refresh_interval, 0.02),
    )
    thread.start()
    try:
        yield Serving(server, guard)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
