"""The address that the page is served at: parsed from the command line, and named in messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import ipaddress

DEFAULT_ADDRESS: Final = "127.0.0.1:8787"
LOCAL_NAME: Final = "localhost"
_FORM: Final = "--serve takes HOST:PORT, such as 127.0.0.1:8787"


@dataclass(frozen=True)
class Address:
    """A host and a port to listen on."""

    host: str
    """An IP address, or a name that the system resolves."""
    port: int
    """0: any free one."""

    @property
    def is_loopback(self) -> bool:
        """True if no other machine can connect; a name counts as reachable by others."""
        return self.host == LOCAL_NAME or is_loopback(self.host)

    @property
    def is_wildcard(self) -> bool:
        """True if it stands for all addresses of this machine."""
        found = ip_of(self.host)
        return found is not None and found.is_unspecified

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """Parse `HOST:PORT`, `[IPv6]:PORT`, `:PORT` or `PORT`; without a host it is 127.0.0.1.

    Raises:
        ValueError: the text is no such address; one line.
    """
    host, _, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"{_FORM} or [::1]:8787, not {text!r}")
    if not (port.isascii() and port.isdecimal() and int(port) < 65536):
        raise ValueError(f"{_FORM}, not {text!r}: the port is a number below 65536")
    if any(letter in host for letter in "/@ ") or not host.isascii():
        raise ValueError(f"{_FORM}, not {text!r}")
    return Address(host or "127.0.0.1", int(port))


def looks_like_address(text: str) -> bool:
    """Return True if the text ends like an address, in a port."""
    return text.rpartition(":")[2].isdecimal()


def ip_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the IP address that a host is written as; None for a name."""
    import ipaddress  # 3 ms that `--once` does not need

    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Return True for 127.0.0.0/8 and ::1."""
    found = ip_of(host)
    return found is not None and found.is_loopback
