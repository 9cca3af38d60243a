"""Headless Chromium, driven over its DevTools protocol through a pair of pipes.

`pytestmark = browser.NEEDS_CHROMIUM` skips a file where there is none. The protocol is described at
https://chromedevtools.github.io/devtools-protocol/.
"""

from __future__ import annotations

import base64
import collections
import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM = next((path for name in NAMES if (path := shutil.which(name))), None)
NEEDS_CHROMIUM = pytest.mark.skipif(
    CHROMIUM is None, reason=f"no Chromium on PATH (looked for {', '.join(NAMES)})"
)
PATIENCE_S = 300.0
"""Timeout of all waits: far more than needed, so that no test depends on speed."""
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-extensions", "--disable-dev-shm-usage", "--remote-debugging-pipe"),
)


class Browser:
    """A browser with a fresh profile; `open_browser` starts and ends it."""

    def __init__(self, profile: Path, *flags: str) -> None:
        assert CHROMIUM is not None
        # The browser reads commands from descriptor 3 and writes answers to 4. Ours lie above both,
        # or one move in the child would overwrite the other.
        theirs_in, self._out = _pipe()
        self._in, theirs_out = _pipe()
        command = [CHROMIUM, *FLAGS, *flags, f"--user-data-dir={profile}", "about:blank"]
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        moves = [(null, 0), (null, 1), (null, 2), (theirs_in, 3), (theirs_out, 4)]
        self.pid = os.posix_spawn(
            CHROMIUM, command, os.environ, setsid=True,
            file_actions=[(os.POSIX_SPAWN_DUP2, ours, its) for ours, its in moves],
        )  # fmt: skip
        for descriptor in (null, theirs_in, theirs_out):
            os.close(descriptor)
        self._read = b""
        self._number = 0
        self.events: collections.deque[dict[str, Any]] = collections.deque(maxlen=10_000)
        """Events that no call has consumed, oldest first."""

    def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result.

        Raises:
            AssertionError: the browser answers with an error, or not at all.
        """
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._out, data) :]
        while (answer := self._next()).get("id") != self._number:
            self.events.append(answer)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def new_page(self, url: str = "about:blank") -> Page:
        """Open a page in a new tab."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, target, session)
        if url != "about:blank":
            page.open(url)
        return page

    def end(self) -> None:
        """Kill the browser with all its processes."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._in)
        os.close(self._out)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._read:
            assert select.select([self._in], [], [], PATIENCE_S)[0], "the browser does not answer"
            data = os.read(self._in, 1 << 20)
            assert data, "the browser has ended"
            self._read += data
        message, _, self._read = self._read.partition(b"\0")
        return json.loads(message)


class Page:
    """A tab."""

    def __init__(self, browser: Browser, target: str, session: str) -> None:
        self._browser, self._target, self._session = browser, target, session
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol for this page."""
        return self._browser.call(method, self._session, **params)

    def open(self, url: str) -> None:
        """Go to an address and wait until the document is there."""
        self.call("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'")

    def run(self, script: str) -> Any:
        """Evaluate JavaScript, also a promise, and return its value.

        Raises:
            AssertionError: the script throws.
        """
        found = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True,
            userGesture=True,
        )  # fmt: skip
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait_for(self, condition: str) -> Any:
        """Poll until a JavaScript expression is true, and return its value."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            # While a page is being replaced, there is no context to evaluate in.
            with contextlib.suppress(AssertionError):
                if found := self.run(f"(e => e instanceof Node || e)({condition})"):
                    return found
            time.sleep(0.02)
        raise AssertionError(f"never true: {condition}; the page says {self.text()!r}")

    def text(self, selector: str = "body") -> str:
        """Return the visible text of an element."""
        return self.run(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def click(self, selector: str) -> None:
        """Click on an element as a person does: with the mouse, at its middle."""
        place = self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect();"
            "return {x: r.x + r.width / 2, y: r.y + r.height / 2}; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **place)

    def resize(self, width: int, height: int, *, mobile: bool = False) -> None:
        """Set the size of the view in CSS pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=mobile,
        )  # fmt: skip

    def prefer(self, **features: str) -> None:
        """Set what the reader prefers: `color_scheme="dark"`, `reduced_motion="reduce"`."""
        self.call(
            "Emulation.setEmulatedMedia",
            features=[
                {"name": f"prefers-{name.replace('_', '-')}", "value": value}
                for name, value in features.items()
            ],
        )

    def screenshot(self, target: Path, *, whole: bool = False) -> None:
        """Save a picture of the view, or of the whole page, as the file's ending says."""
        kind = target.suffix.removeprefix(".")
        quality = {} if kind == "png" else {"quality": 85}
        found = self.call(
            "Page.captureScreenshot", format=kind, captureBeyondViewport=whole, **quality
        )
        target.write_bytes(base64.b64decode(found["data"]))

    def happened(self, method: str) -> list[dict[str, Any]]:
        """Return the parameters of all events so far, such as of `Log.entryAdded`."""
        self.run("0")  # takes in what has been sent
        return [
            event["params"]
            for event in self._browser.events
            if event.get("method") == method and event.get("sessionId") == self._session
        ]

    def complaints(self) -> list[str]:
        """Return uncaught errors, and what the console reports as an error or a violation."""
        thrown = self.happened("Runtime.exceptionThrown")
        logged = [entry["entry"] for entry in self.happened("Log.entryAdded")]
        return [
            *(str(each["exceptionDetails"]) for each in thrown),
            *(each["text"] for each in logged if each["level"] == "error"),
        ]

    def close(self) -> None:
        """Close the tab."""
        self._browser.call("Target.closeTarget", targetId=self._target)


@contextlib.contextmanager
def open_browser(*flags: str) -> Iterator[Browser]:
    """Start a browser for the time of the context."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(Path(profile), *flags)
        try:
            yield browser
        finally:
            browser.end()


def _pipe() -> tuple[int, int]:
    """Return the reading and the writing end of a pipe, both above the usual descriptors."""
    low = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in low]
    for end in low:
        os.close(end)
    return high[0], high[1]
