"""Targets of messages: webhooks and ntfy topics by plain HTTP, other services by apprise."""

from __future__ import annotations

import base64
import http.client
import logging
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

from blobmaster.monitor.notify.events import RECOVERED, Event
from blobmaster.monitor.text import fmt
from blobmaster.run.files.plain_json import encode_json
from blobmaster.run.files.text import readable

TIMEOUT_S: Final = 10.0
"""Timeout of one attempt."""
_RETRYABLE: Final = frozenset({408, 425, 429})
"""HTTP statuses below 500 worth another attempt."""
_HTTP: Final = {"http": "http", "https": "https", "ntfy": "http", "ntfys": "https"}
_PATH_SAFE: Final = "/%:@!$&'()*+,;=~?"


class DeliveryError(Exception):
    """A message was not delivered; `str()` is the reason, without any part of the address."""

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.is_final = is_final
        """True if another attempt would fail as well."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A destination of messages."""

    name: str
    """The address without its secrets: scheme and host."""
    send: Callable[[Event], None]
    """Delivers a message or raises DeliveryError; may take longer than `TIMEOUT_S`."""


def parse_target(address: str, timeout: float = TIMEOUT_S) -> Target:
    """Parse an address such as `https://host/hook` or `ntfys://host/topic`.

    Raises:
        ValueError: the address cannot be used; one line without secrets.
    """
    scheme, separator, _ = address.partition("://")
    scheme = fmt.clean(scheme.lower(), 20)
    if not separator or not scheme.isascii():
        raise ValueError(
            "--notify takes an address such as https://host/hook, ntfys://host/topic or "
            "mailto://user:password@host"
        )
    if scheme not in _HTTP:
        return _apprise_target(address, scheme)
    url, name, headers = _http(address, scheme)
    if scheme in ("http", "https"):
        return Target(name=name, send=partial(_post_json, url, headers, timeout))
    if not url.partition("://")[2].partition("/")[2].strip("/"):
        raise ValueError(f"{name} lacks a topic: write {scheme}://host/topic")
    return Target(name=name, send=partial(_post_ntfy, url, headers, timeout))


def _http(address: str, scheme: str) -> tuple[str, str, dict[str, str]]:
    """Return the URL to post to, its name without secrets, and the authorization header."""
    unusable = f"the {scheme}:// address of --notify cannot be used: "
    if any(letter.isspace() or not letter.isprintable() for letter in address):
        raise ValueError(f"{unusable}it holds blanks")
    try:
        parts = urlsplit(address)
        port = "" if parts.port is None else f":{parts.port}"
        (parts.hostname or "").encode("idna")
    except ValueError:
        raise ValueError(f"{unusable}its host or port makes no sense") from None
    if not parts.hostname:
        raise ValueError(f"{unusable}it names no host")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    path = quote(parts.path, safe=_PATH_SAFE) or "/"
    query = f"?{quote(parts.query, safe=_PATH_SAFE)}" if parts.query else ""
    url = f"{_HTTP[scheme]}://{host}{port}{path}{query}"
    return url, fmt.clean(f"{scheme}://{host}{port}/…", 100), _authorization(parts)


def _authorization(parts: SplitResult) -> dict[str, str]:
    if parts.username is None and parts.password is None:
        return {}
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def _post_json(url: str, headers: Mapping[str, str], timeout: float, event: Event) -> None:
    _post(url, encode_json(event), {**headers, "Content-Type": "application/json"}, timeout)


def _post_ntfy(url: str, headers: Mapping[str, str], timeout: float, event: Event) -> None:
    """Post a message to ntfy: its text is the body, the rest is in headers (docs.ntfy.sh)."""
    mark = "warning" if event.is_trouble else "white_check_mark"
    message_headers = {
        "Title": fmt.to_ascii(event.title),
        "Priority": "high" if event.is_trouble else "default",
        "Tags": f"{mark},{event.event}",
        "Content-Type": "text/plain; charset=utf-8",
    }
    _post(url, readable(event.message).encode(), {**headers, **message_headers}, timeout)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirects: urllib would repeat a POST as a GET without its message."""

    def redirect_request(self, *_: Any) -> None:
        return None


_opener: Final = urllib.request.build_opener(_NoRedirect)


def _post(url: str, body: bytes, headers: Mapping[str, str], timeout: float) -> None:
    request = urllib.request.Request(
        url, body, {**headers, "User-Agent": "blobmaster"}, method="POST"
    )
    try:
        _opener.open(request, timeout=timeout).close()
    except urllib.error.HTTPError as error:
        error.close()
        is_final = error.code < 500 and error.code not in _RETRYABLE
        raise DeliveryError(f"it answered {error.code}", is_final=is_final) from None
    except (OSError, http.client.HTTPException) as error:
        # The error's own text may hold the address.
        raise DeliveryError(_reason(error, timeout)) from None


def _reason(error: OSError | http.client.HTTPException, timeout: float) -> str:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return f"no answer within {timeout:g} s"
    if isinstance(cause, ssl.SSLError):
        return f"no trusted connection ({cause.reason})"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return "the connection was closed without an answer"


def _apprise_target(address: str, scheme: str) -> Target:
    try:
        import apprise
    except ImportError:
        raise ValueError(
            f"{scheme}:// addresses need apprise: pip install 'blobmaster[notify]'"
        ) from None
    logging.getLogger("apprise").disabled = True  # its log contains addresses, with passwords
    service = apprise.Apprise()
    if not service.add(address):
        raise ValueError(
            f"the {scheme}:// address of --notify is not one that apprise supports; "
            "its documentation lists the services and their addresses"
        )

    def send(event: Event) -> None:
        kind = apprise.NotifyType.WARNING if event.is_trouble else apprise.NotifyType.INFO
        kind = apprise.NotifyType.SUCCESS if event.event in ("finished", RECOVERED) else kind
        if not service.notify(body=event.message, title=event.title, notify_type=kind):
            raise DeliveryError("the service did not take it")

    return Target(name=f"{scheme}://…", send=send)
