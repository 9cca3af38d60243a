"""The HTTP server: one request a connection, a thread for each, and limits for all of them.

It speaks as little HTTP as the page needs. A connection ends with its answer, so that no proxy and
this server can disagree about where a request begins.
"""

from __future__ import annotations

import http.server
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec

from blobmaster.monitor.report.markup import text
from blobmaster.monitor.serve.access import Guard, RefusedError, Request
from blobmaster.monitor.serve.address import LOCAL_NAME, Address
from blobmaster.monitor.serve.runs import ListPage, Pages, RunPage
from blobmaster.monitor.serve.shell import assets, shell
from blobmaster.run.control.requests import RequestKind

MOST_CONNECTIONS: Final = 256
"""Open connections, each with a thread; further ones are closed at once."""
HEAD_S: Final = 10.0
"""Time for a request to arrive whole, however slowly it drips in."""
SEND_S: Final = 30.0
"""Time for a client to take one event; one that has vanished without a word is given up then."""
SEND_BUFFER_BYTES: Final = 1 << 16
MOST_BODY_BYTES: Final = 1000
SWEEP_S: Final = 2.0
"""Time between two looks for requests that take too long."""
_HEADERS: Final = {
    # No inline script or style runs, nothing is loaded from elsewhere, nobody frames the page, and
    # HTML is inserted by the one named policy of page.js only.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types parts",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Connection": "close",
}


class Server(http.server.ThreadingHTTPServer):
    """Serves the pages to those whom the guard lets pass."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: Address) -> None:
        """Listen.

        Raises:
            OSError: the address is in use, or is none of this machine's.
        """
        host = "127.0.0.1" if address.host == LOCAL_NAME else address.host
        family, *_, where = socket.getaddrinfo(host, address.port, type=socket.SOCK_STREAM)[0]
        self.address_family = family
        self._open: dict[socket.socket, float] = {}
        self._lock = threading.Lock()
        super().__init__((str(where[0]), address.port), _Handler)
        self.address = Address(address.host, self.server_port)
        self.assets = assets()

    def server_bind(self) -> None:
        """Bind without looking up the machine's name, which may take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_port = self.server_address[1]

    def serve(self, guard: Guard, pages: Pages, interval: float, sweep_s: float = SWEEP_S) -> None:
        """Answer until a signal ends the process, or `shutdown` is called.

        Args:
            guard: decides who gets an answer.
            pages: what is served.
            interval: seconds between two readings of a run.
            sweep_s: seconds between two looks for requests that take too long.
        """
        self.guard, self.pages, self.interval = guard, pages, interval
        self.serve_forever(poll_interval=sweep_s)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, unless there are too many."""
        with self._lock:
            has_room = len(self._open) < MOST_CONNECTIONS
            if has_room:
                self._open[request] = time.monotonic()
        if has_room:
            super().process_request(request, client_address)
        else:
            super().shutdown_request(request)

    def heard(self, connection: socket.socket) -> None:
        """Take note that a connection's request has arrived whole."""
        with self._lock:
            self._open[connection] = float("inf")

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        with self._lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """End the connections whose request takes too long; called between two of them."""
        late = time.monotonic() - HEAD_S
        with self._lock:
            slow = [connection for connection, since in self._open.items() if since < late]
        for connection in slow:
            # Its thread sees the end of the stream and closes it.
            _shut_down(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that has left; anything else is a bug and is printed."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _shut_down(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:  # it has just been closed
        return


class _Handler(http.server.BaseHTTPRequestHandler):
    """Answers one request."""

    server: Server
    protocol_version = "HTTP/1.1"
    timeout = HEAD_S
    server_version = "blobmaster"
    sys_version = ""

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def _answer(self, respond: Callable[[Request], None]) -> None:
        request = Request(method=self.command, target=self.path, headers=_headers(self.headers))
        try:
            # Closing a connection with unread bytes in it would take the answer away.
            self._body = self._read_body(request)
            self.server.heard(self.connection)
            self.server.guard.check(request)
            respond(request)
        except RefusedError as error:
            self._refuse(error.status, str(error))

    def _get(self, request: Request) -> None:
        if request.path in self.server.assets:
            self._send(200, *self.server.assets[request.path])
            return
        if request.path not in ("/", "/events"):
            raise RefusedError(404, "there is no such page")
        page = self._page(request)
        if request.path == "/events":
            self._stream(page)
            return
        cookie = {}
        if self.server.guard.has_token(request):
            cookie = {"Set-Cookie": self._cookie(request)}
        self._send(200, "text/html; charset=utf-8", self._shell(page, request), cookie)

    def _shell(self, page: RunPage | ListPage, request: Request) -> bytes:
        guard = self.server.guard
        can_control = guard.allows_control and isinstance(page, RunPage)
        return shell(
            page.parts,
            run=request.query("run"),
            interval=self.server.interval,
            control=guard.keys.control if can_control else None,
            has_list=self.server.pages.has_list,
        )

    def _cookie(self, request: Request) -> str:
        guard = self.server.guard
        # Behind a proxy with TLS the browser may send the cookie over TLS only.
        secure = "; Secure" if request.header("X-Forwarded-Proto") == "https" else ""
        value = f"{guard.cookie_name}={guard.keys.cookie}"
        return f"{value}; Path=/; HttpOnly; SameSite=Strict{secure}"

    def _post(self, request: Request) -> None:
        if request.path != "/request":
            raise RefusedError(404, "there is no such page")
        page = self._page(request)
        if not isinstance(page, RunPage):
            raise RefusedError(404, "name a run")
        problem = page.send(_requested(self._body))
        if problem is not None:
            raise RefusedError(409, problem)
        self._send(204, "text/plain; charset=utf-8", b"")

    def _read_body(self, request: Request) -> bytes:
        length = request.header("Content-Length") or "0"
        if not length.isdecimal() or len(length) > 9 or int(length) > MOST_BODY_BYTES:
            raise RefusedError(413, f"a request has at most {MOST_BODY_BYTES} bytes")
        return self.rfile.read(int(length))

    def _page(self, request: Request) -> RunPage | ListPage:
        page = self.server.pages.find(request.query("run"))
        if page is None:
            raise RefusedError(404, "there is no such run any more; go back to the list at /")
        return page

    def _stream(self, page: RunPage | ListPage) -> None:
        self._begin(200, "text/event-stream")
        self.send_header("X-Accel-Buffering", "no")  # nginx would hold events back
        self.end_headers()
        self.connection.settimeout(SEND_S)
        # The kernel would queue megabytes of old states for a client that reads slowly.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        seen = 0
        with page.channel.watched():
            while True:
                seen, parts = page.channel.wait(seen)
                self.wfile.write(b"data: " + msgspec.json.encode(parts) + b"\n\n")

    def _refuse(self, status: int, reason: str) -> None:
        self._send(status, "text/plain; charset=utf-8", reason.encode())

    def _send(
        self, status: int, kind: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> None:
        self._begin(status, kind)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _begin(self, status: int, kind: str) -> None:
        self.request_version = "HTTP/1.1"  # an older one would get no headers, and so no policy
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for name, value in _HEADERS.items():
            self.send_header(name, value)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is no request for the page, in a line and with the same headers."""
        del explain
        self.close_connection = True
        self._refuse(code, text(message or HTTPStatus(code).phrase))

    def log_message(self, *_: Any) -> None:
        """Log nothing: the first address holds the token."""


class _Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a request to the trainer."""

    request: RequestKind


def _requested(body: bytes) -> RequestKind:
    """Parse the request to the trainer, which is `{"request": "PAUSE"}`.

    Raises:
        RefusedError: the body is anything else.
    """
    try:
        return msgspec.json.decode(body, type=_Body).request
    except msgspec.MsgspecError:
        raise RefusedError(400, 'a request is JSON such as {"request": "PAUSE"}') from None


def _headers(headers: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in headers.items():
        found.setdefault(name.lower(), []).append(value)
    return found
