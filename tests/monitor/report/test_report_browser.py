"""The report in headless Chromium: it is drawn, in light and dark, and asks the network nothing."""

from __future__ import annotations

import http.server
import re
import shutil
import struct
import subprocess
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_up_run import write_run

from blobmaster.monitor.options import MonitorOptions
from blobmaster.monitor.report.command import run_report
from blobmaster.run.files.layout import RunLayout

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM = next((path for name in NAMES if (path := shutil.which(name))), None)
LIGHT = {"page": (0xF6, 0xF7, 0xF9), "card": (0xFF, 0xFF, 0xFF), "curve": (0xC2, 0x57, 0x0C)}
DARK = {"page": (0x12, 0x15, 0x1B), "card": (0x1A, 0x1F, 0x27), "curve": (0xF5, 0x9E, 0x58)}

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason=f"no Chromium on PATH (looked for {', '.join(NAMES)})"
)


@pytest.fixture
def page(layout: RunLayout, tmp_path: Path) -> Path:
    """A report."""
    write_run(layout, state="finished", metrics={"loss": 1.0})
    target = tmp_path / "report.html"
    assert run_report(MonitorOptions(status_file=layout.status), target) == 0
    return target


@pytest.fixture
def pending() -> Iterator[tuple[int, list[str]]]:
    """A proxy without answers: its port, and the requested addresses."""
    requests: list[str] = []

    class Proxy(http.server.BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            requests.append(self.rfile.readline(1000).decode("latin-1").strip())
            self.close_connection = True

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_port, requests
        server.shutdown()


def browse(page: Path, *flags: str) -> str:
    """Open the page in a fresh browser; what it prints."""
    assert CHROMIUM is not None
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += ["--disable-background-networking", "--disable-component-update", "--no-first-run"]
    command += ["--disable-sync", "--disable-extensions", f"--user-data-dir={page.parent}/profile"]
    found = subprocess.run(
        [*command, *flags, page.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    return found.stdout


def colours(png: Path) -> set[tuple[int, int, int]]:
    """The colours of a picture with eight bits a channel, without alpha or with it."""
    data = png.read_bytes()
    width, depth, kind = struct.unpack(">I4xBB", data[16:26])
    assert depth == 8
    channels = {2: 3, 6: 4}[kind]
    packed, at = b"", 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        packed += data[at + 8 : at + 8 + length] if data[at + 4 : at + 8] == b"IDAT" else b""
        at += 12 + length
    lines, stride = zlib.decompress(packed), 1 + width * channels
    above, found = bytes(stride - 1), set[bytes]()
    for start in range(0, len(lines), stride):
        above = unfiltered(lines[start], lines[start + 1 : start + stride], above, channels)
        found.update(above[x : x + 3] for x in range(0, len(above), channels))
    return {(pixel[0], pixel[1], pixel[2]) for pixel in found}


def unfiltered(kind: int, line: bytes, above: bytes, channels: int) -> bytes:
    """A line of a picture from its differences to the left and above (PNG, 9.2)."""
    out = bytearray(channels) + line
    for x, up in enumerate(above, channels):
        left = out[x - channels]
        if kind == 4:
            corner = above[x - 2 * channels] if x >= 2 * channels else 0
            guess = left + up - corner
            near = (abs(guess - left), abs(guess - up), abs(guess - corner))
            out[x] = (out[x] + (left, up, corner)[near.index(min(near))]) % 256
        elif kind:
            out[x] = (out[x] + (left, up, (left + up) // 2)[kind - 1]) % 256
    return bytes(out[channels:])


@pytest.mark.parametrize(("flags", "theme"), [((), LIGHT), (("--force-dark-mode",), DARK)])
def test_it_is_drawn_as_the_readers_system_is_set(
    page: Path, flags: tuple[str, ...], theme: dict[str, tuple[int, int, int]]
):
    picture = page.with_suffix(".png")
    browse(page, *flags, "--window-size=420,1100", f"--screenshot={picture}")
    assert set(theme.values()) <= colours(picture)


def test_it_asks_the_network_nothing(page: Path, pending: tuple[int, list[str]]):
    port, requests = pending
    proxy = (f"--proxy-server=127.0.0.1:{port}", "--proxy-bypass-list=<-loopback>")
    shown = browse(page, *proxy, "--dump-dom")
    assert len(re.findall("<figure>", shown)) == 4
    assert [r for r in requests if not re.search(r"google(apis)?\.com|gvt1\.com", r)] == []
    evil = '<body><img src="http://evil.example/x.png"/>'
    page.write_text(page.read_text("utf-8").replace("<body>", evil), "utf-8")
    browse(page, *proxy, "--dump-dom")
    assert not any("evil.example" in request for request in requests), "its policy forbids it"
    page.write_text(page.read_text("utf-8").replace("Content-Security-Policy", ""), "utf-8")
    browse(page, *proxy, "--dump-dom")
    assert any("evil.example" in request for request in requests), "the proxy would have seen it"
