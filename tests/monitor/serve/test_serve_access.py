"""Only the page itself, opened by somebody with the token, gets an answer."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from blobmaster.monitor.serve.access import Guard, Keys, RefusedError, Request, host_name
from blobmaster.monitor.serve.address import Address, parse_address

KEYS = Keys("t" * 43)
LOCAL = Guard(keys=KEYS, address=Address("127.0.0.1", 8787), allows_control=True)
COOKIE = f"blobmaster_8787={KEYS.cookie}"
OPENING = f"/?token={KEYS.token}"
PAUSE = {
    "Host": "127.0.0.1:8787",
    "Cookie": COOKIE,
    "Origin": "http://127.0.0.1:8787",
    "X-Blobmaster-Control": KEYS.control,
    "Content-Type": "application/json",
}


def status(
    headers: dict[str, str | Sequence[str]],
    target: str = "/",
    method: str = "GET",
    guard: Guard = LOCAL,
) -> int:
    """The status with which a request is refused; 200 if it passes."""
    given = {k.lower(): [v] if isinstance(v, str) else list(v) for k, v in headers.items()}
    try:
        guard.check(Request(method=method, target=target, headers=given))
    except RefusedError as error:
        return error.status
    return 200


@pytest.mark.parametrize(
    ("host", "passes"),
    [
        ("127.0.0.1:8787", True),
        ("localhost:9000", True),  # the near end of an ssh tunnel
        ("[::1]:8787", True),
        ("LOCALHOST", True),
        ("evil.example:8787", False),
        ("127.0.0.1.evil.example", False),
        ("10.0.0.7:8787", False),
        ("user@127.0.0.1", False),
        ("127.0.0.1:x", False),
        ("127.0.0.1/x", False),
        ("[::1", False),
        ("", False),
    ],
)
def test_a_name_that_is_not_this_server_is_refused(host: str, passes: bool):
    assert status({"Host": host, "Cookie": COOKIE}) == (200 if passes else 421)


def test_a_proxys_name_and_a_networks_address_are_known_only_where_they_are_meant_to():
    proxied = Guard(keys=KEYS, address=LOCAL.address, names=("Runs.Example",))
    remote = Guard(keys=KEYS, address=Address("0.0.0.0", 8787))
    assert status({"Host": "runs.example", "Cookie": COOKIE}, guard=proxied) == 200
    assert status({"Host": "other.example", "Cookie": COOKIE}, guard=proxied) == 421
    assert status({"Host": "10.0.0.7:8787", "Cookie": COOKIE}, guard=remote) == 200
    assert status({"Host": "evil.example:8787", "Cookie": COOKIE}, guard=remote) == 421


@pytest.mark.parametrize(
    ("target", "cookie", "passes"),
    [
        (OPENING, "", True),
        ("/", COOKIE, True),
        ("/events", f"other=1; {COOKIE}; more=2", True),
        ("/events", f"blobmaster_8787=wrong; {COOKIE}", True),
        ("/", "", False),
        ("/?token=", "", False),
        (OPENING[:-1], "", False),
        (f"/events?token={KEYS.token}", "", False),  # it opens the page and nothing else
        ("/", f"blobmaster_8787={KEYS.token}", False),
        ("/", f"blobmaster_8787={KEYS.control}", False),
        ("/", f"blobmaster_9999={KEYS.cookie}", False),
    ],
)
def test_a_token_opens_the_page_and_a_cookie_all_of_it(target: str, cookie: str, passes: bool):
    headers = {"Host": "127.0.0.1:8787", **({"Cookie": cookie} if cookie else {})}
    assert status(headers, target) == (200 if passes else 403)


@pytest.mark.parametrize(
    ("headers", "target", "passes"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, "/events", True),
        ({"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}, "/", True),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, OPENING, True),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, OPENING, False),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, "/", False),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}, "/events", False),
        ({"Origin": "http://127.0.0.1:8787"}, "/events", True),
        ({"Origin": "https://127.0.0.1:8787"}, "/events", True),
        ({"Origin": "http://127.0.0.1:3000"}, "/events", False),
        ({"Origin": "http://evil.example"}, "/events", False),
        ({"Origin": "null"}, "/events", False),
    ],
)
def test_another_site_gets_nothing_though_the_browser_sends_the_cookie(
    headers: dict[str, str], target: str, passes: bool
):
    found = status({"Host": "127.0.0.1:8787", "Cookie": COOKIE, **headers}, target)
    assert found == (200 if passes else 403)


@pytest.mark.parametrize("malformed", ["http://[", "//[x]y", "http://a\u2100b/"])
def test_a_malformed_address_is_refused(malformed: str):
    known = {"Host": "127.0.0.1:8787"}
    assert status(known, malformed) == 400
    assert status(known | {"Origin": malformed}) == 400
    assert status(known | {"Cookie": COOKIE, "Origin": malformed}) == 400


def test_a_request_to_the_trainer_needs_all_of_its_proofs():
    assert status(PAUSE, "/request", "POST") == 200
    for name in PAUSE:
        assert status({k: v for k, v in PAUSE.items() if k != name}, "/request", "POST") != 200
    assert status(PAUSE | {"X-Blobmaster-Control": KEYS.cookie}, "/request", "POST") == 403
    assert status(PAUSE | {"Content-Type": "text/plain"}, "/request", "POST") == 415
    readonly = Guard(keys=KEYS, address=LOCAL.address)
    assert status(PAUSE, "/request", "POST", readonly) == 403


@pytest.mark.parametrize("name", ["Host", "Origin", "X-Blobmaster-Control", "Content-Type"])
def test_a_header_that_is_given_twice_is_refused(name: str):
    assert status(PAUSE | {name: [PAUSE[name], PAUSE[name]]}, "/request", "POST") == 400


def test_every_start_has_its_own_secrets_and_one_does_not_tell_another():
    one, two = Keys.new(), Keys.new()
    found = {one.token, one.cookie, one.control, two.token, two.cookie, two.control}
    assert len(found) == 6
    assert len(one.token) >= 43  # 256 bits in base64


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:8787", "127.0.0.1", 8787),
        ("8787", "127.0.0.1", 8787),
        (":80", "127.0.0.1", 80),
        ("[::1]:0", "::1", 0),
        ("localhost:1", "localhost", 1),
        ("0.0.0.0:65535", "0.0.0.0", 65535),
    ],
)
def test_an_address_is_a_host_and_a_port(text: str, host: str, port: int):
    assert parse_address(text) == Address(host, port)


@pytest.mark.parametrize(
    "text", ["", "localhost", "host:", "a:65536", "::1:80", "http://a:80", "²"]
)
def test_what_is_no_address_is_refused_in_a_line_that_shows_one(text: str):
    with pytest.raises(ValueError, match=r"--serve takes HOST:PORT, such as 127\.0\.0\.1:8787"):
        parse_address(text)


def test_only_addresses_of_this_machine_alone_count_as_loopback():
    local = ("127.0.0.1", "127.8.8.8", "::1", "localhost")
    remote = ("0.0.0.0", "::", "10.0.0.1", "localhost.evil.example", "myhost")
    assert all(Address(host, 1).is_loopback for host in local)
    assert not any(Address(host, 1).is_loopback for host in remote)


def test_a_host_header_is_read_strictly():
    assert host_name("A.b:80") == "a.b"
    assert host_name("[::1]:80") == "::1"
    assert [host_name(bad) for bad in ("a b", "a/b", "a@b", "a:b", "a?b")][1:] == [None] * 4
