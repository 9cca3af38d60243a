"""Decides which requests are answered: by token or cookie, and by the Host and Origin they name.

Threats and answers:

- Another user of this machine, or of the network, who guesses the port: the token in the printed
  address has 256 random bits. The first page trades it for a cookie.
- A page of another site in the same browser: the cookie is `SameSite=Strict`, `Sec-Fetch-Site` and
  `Origin` must name this very origin, and no answer has a CORS header. A site ignores the port, so
  the cookie alone would not hold off another server on this machine.
- DNS rebinding, where a hostile name resolves to this machine: `Host` must be known.
- A request forged with the cookie: requests to the trainer also need a header with a secret that
  only the page has.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, parse_qs, urlsplit

from blobmaster.monitor.serve.address import LOCAL_NAME, Address, ip_of

CONTROL_HEADER: Final = "X-Blobmaster-Control"
OWN_SITE: Final = ("same-origin", "none")
"""Values of `Sec-Fetch-Site` for the page's own requests, and for a typed address or bookmark."""
OPEN_ADDRESS: Final = "open the address that blobmaster monitor printed; it holds the token"


@dataclass(frozen=True)
class Keys:
    """The secrets of one server; a new start makes new ones."""

    token: str
    """In the printed address."""

    @classmethod
    def new(cls) -> Keys:
        """Draw a token of 256 bits from the system."""
        return cls(secrets.token_urlsafe(32))

    @property
    def cookie(self) -> str:
        """The value of the cookie."""
        return self._derive("cookie")

    @property
    def control(self) -> str:
        """The value of the header that a request to the trainer needs."""
        return self._derive("control")

    def _derive(self, purpose: str) -> str:
        return hmac.new(self.token.encode(), purpose.encode(), "sha256").hexdigest()


@dataclass(frozen=True, kw_only=True)
class Request:
    """An HTTP request without its body; `headers` holds all values of each name in lower case."""

    method: str
    target: str
    headers: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The path of the target; like `query`, it raises `RefusedError` for a malformed one."""
        return _split(self.target).path

    def query(self, name: str) -> str:
        """Return a value of the query; empty without one."""
        return parse_qs(_split(self.target).query).get(name, [""])[0]

    def header(self, name: str) -> str | None:
        """Return a header's value, or None without one.

        Raises:
            RefusedError: the header is repeated, so that two readers could disagree about it.
        """
        values = self.headers.get(name.lower(), ())
        if len(values) > 1:
            raise RefusedError(400, f"{name} is given twice")
        return values[0].strip() if values else None


class RefusedError(Exception):
    """A request that is not answered; the text is one line for the person at the browser."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Guard:
    """Checks every request before anything else looks at it."""

    keys: Keys
    address: Address
    names: Collection[str] = ()
    """Further host names by which browsers reach the server, such as that of a proxy."""
    allows_control: bool = False

    @property
    def cookie_name(self) -> str:
        """Name of the cookie: cookies ignore the port, so that of another monitor would collide."""
        return f"blobmaster_{self.address.port}"

    def check(self, request: Request) -> None:
        """Let a request pass.

        Raises:
            RefusedError: it is not from the page, or not from somebody with the token.
        """
        host = request.header("Host")
        if host is None or not self._is_known(host):
            raise RefusedError(421, "this name is not served; see --host-name in docs/monitor.md")
        self._check_origin(request, host)
        if not (self.has_token(request) or self._has_cookie(request)):
            raise RefusedError(403, OPEN_ADDRESS)
        if request.method != "GET":
            self._check_control(request)

    def has_token(self, request: Request) -> bool:
        """Return True if the request opens the page with the token."""
        return (
            request.method == "GET"
            and request.path == "/"
            and _equal(request.query("token"), self.keys.token)
        )

    def _check_origin(self, request: Request, host: str) -> None:
        site = request.header("Sec-Fetch-Site")
        is_opened = request.header("Sec-Fetch-Mode") == "navigate" and self.has_token(request)
        # The printed address may be clicked in a mail or chat, which is another site.
        if site not in (None, *OWN_SITE) and not is_opened:
            raise RefusedError(403, f"a request from another site is refused; {OPEN_ADDRESS}")
        origin = request.header("Origin")
        # A proxy may have ended TLS, so the scheme is not compared.
        if origin is not None and _split(origin).netloc.lower() != host.lower():
            raise RefusedError(403, "a request of another origin is refused")

    def _has_cookie(self, request: Request) -> bool:
        return any(
            _equal(value.strip(), self.keys.cookie)
            for line in request.headers.get("cookie", ())
            for name, _, value in (pair.partition("=") for pair in line.split(";"))
            if name.strip() == self.cookie_name
        )

    def _check_control(self, request: Request) -> None:
        if not self.allows_control:
            raise RefusedError(403, "this monitor is read-only; start it with --control")
        if request.header("Origin") is None:
            raise RefusedError(403, "a request without an Origin is refused")
        if not _equal(request.header(CONTROL_HEADER) or "", self.keys.control):
            raise RefusedError(403, f"the header {CONTROL_HEADER} is missing or wrong")
        if request.header("Content-Type") != "application/json":
            raise RefusedError(415, "a request is JSON")

    def _is_known(self, host: str) -> bool:
        name = host_name(host)
        if name is None:
            return False
        # Rebinding needs a name, so an IP address in `Host` is the one that was connected to.
        if not self.address.is_loopback and ip_of(name) is not None:
            return True
        own = (self.address.host, LOCAL_NAME, "127.0.0.1", "::1")
        return name in {known.lower() for known in (*own, *self.names)}


def host_name(host: str) -> str | None:
    """Return the name in a `Host` header, in lower case and without its port; None if malformed."""
    try:
        split = urlsplit(f"//{host}")
        _ = split.port  # raises if it is no number
    except ValueError:
        return None
    return split.hostname if split.netloc == host and "@" not in host else None


def _split(address: str) -> SplitResult:
    """Split an address that anybody may have sent.

    Raises:
        RefusedError: it is malformed, as `http://[` is.
    """
    try:
        return urlsplit(address)
    except ValueError:
        raise RefusedError(400, "the address is malformed") from None


def _equal(given: str, expected: str) -> bool:
    """Compare in a time that does not depend on how much of the secret is right."""
    return hmac.compare_digest(given.encode(), expected.encode())
