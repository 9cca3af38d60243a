"""Headless Chromium, driven by the DevTools protocol over a pipe: no port, no package.

https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM = next((path for name in NAMES if (path := shutil.which(name))), None)
TIMEOUT = 120.0
BLANK = "about:blank"

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason=f"no Chromium on PATH (looked for {', '.join(NAMES)})"
)

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
    "--remote-debugging-pipe",
)


class Browser:
    """A browser process; `page` opens a page in it."""

    def __init__(self, profile: Path, *flags: str) -> None:
        """Start a browser with a folder for its profile, and with further flags."""
        assert CHROMIUM is not None
        command_out, self._commands = os.pipe()
        self._answers, answer_in = os.pipe()
        # Chromium reads commands from descriptor 3 and answers on 4. A shell puts them there.
        script = f'exec "$0" "$@" 3<&{command_out} 4>&{answer_in}'
        self._process = subprocess.Popen(
            [
                "bash",
                "-c",
                script,
                CHROMIUM,
                *FLAGS,
                *flags,
                f"--user-data-dir={profile}",
                BLANK,
            ],
            pass_fds=(command_out, answer_in),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(command_out)
        os.close(answer_in)
        self._buffer = b""
        self._number = 0
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its result."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._commands, data) :]
        while (answer := self._receive()).get("id") != self._number:
            self.events.append(answer)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def wait_for(self, event: dict[str, Any]) -> None:
        """Wait until an event has come that holds these values, and perhaps others."""
        seen = 0
        while not any(_matches(found, event) for found in self.events[seen:]):
            seen = len(self.events)
            self.events.append(self._receive())

    def _receive(self) -> dict[str, Any]:
        deadline = time.monotonic() + TIMEOUT
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._answers], [], [], deadline - time.monotonic())
            assert ready, "the browser does not answer"
            read = os.read(self._answers, 1 << 20)
            assert read, "the browser has ended"
            self._buffer += read
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    def page(
        self, address: str = BLANK, *, width: int = 360, height: int = 740, dark: bool = False
    ) -> Page:
        """Open an address in a new tab of that size, and wait until it has loaded.

        The tab is a browser context of its own: it shares no storage and no cookies.
        """
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url=BLANK, browserContextId=context)
        session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        page = Page(self, session["sessionId"], context)
        for domain in ("Page", "Runtime", "Network", "Log"):
            page.call(f"{domain}.enable")
        page.call("Page.setLifecycleEventsEnabled", enabled=True)
        page.resize(width, height)
        page.prefer(color_scheme="dark" if dark else "light", reduced_motion="reduce")
        if address != BLANK:
            page.open(address)
        return page

    def close(self) -> None:
        """End the browser and all its processes."""
        os.close(self._commands)
        os.close(self._answers)
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def _matches(found: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return all(
        _matches(found.get(key, {}), value) if isinstance(value, dict) else found.get(key) == value
        for key, value in wanted.items()
    )


class Page:
    """A tab of a browser."""

    def __init__(self, browser: Browser, session: str, context: str) -> None:
        self._browser = browser
        self._session = session
        self._context = context

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command to this tab and return its result."""
        return self._browser.call(method, self._session, **parameters)

    def open(self, address: str) -> None:
        """Go to an address and wait until it has loaded."""
        loader = self.call("Page.navigate", url=address)["loaderId"]
        # The answer may come while the tab still shows the document before, which is complete, too.
        self._browser.wait_for(
            {
                "method": "Page.lifecycleEvent",
                "sessionId": self._session,
                "params": {"loaderId": loader, "name": "load"},
            }
        )

    def close(self) -> None:
        """Close the tab, and forget what its pages have stored."""
        self._browser.call("Target.disposeBrowserContext", browserContextId=self._context)

    def resize(self, width: int, height: int) -> None:
        """Show the page as on a screen of this size, in CSS pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )

    def prefer(self, **features: str) -> None:
        """Set what the reader prefers: `color_scheme="dark"`, `reduced_motion="reduce"`."""
        named = {f"prefers-{name.replace('_', '-')}": value for name, value in features.items()}
        self.call(
            "Emulation.setEmulatedMedia",
            features=[{"name": name, "value": value} for name, value in named.items()],
        )

    def value(self, expression: str) -> Any:
        """Return the value of an expression; a promise's once it is there."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, condition: str) -> None:
        """Wait until an expression is true, an element for example."""
        deadline = time.monotonic() + TIMEOUT
        while not self._holds(condition):
            assert time.monotonic() < deadline, f"never true: {condition}\n{self.text()}"
            time.sleep(0.005)

    def _holds(self, condition: str) -> bool:
        try:
            return bool(self.value(f"Boolean({condition})"))
        except AssertionError:  # a page that is being left has no context to evaluate in
            return False

    def click(self, selector: str) -> None:
        """Press the first element that a selector finds."""
        self.value(f"document.querySelector({json.dumps(selector)}).click()")

    def choose(self, name: str, value: str) -> None:
        """Choose a value of the select of that name."""
        field = f"document.querySelector('select[name={name}]')"
        self.value(
            f"{field}.value = {json.dumps(value)}; {field}.dispatchEvent(new Event('change'))"
        )

    def key(self, name: str, text: str = "") -> None:
        """Press and release a key, such as `Tab` or `Enter`."""
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowRight": 39, "ArrowLeft": 37}
        codes |= {"ArrowDown": 40, "ArrowUp": 38}
        keys = {"key": name, "code": name, "windowsVirtualKeyCode": codes.get(name, 0)}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **keys)
        self.call("Input.dispatchKeyEvent", type="keyUp", **keys)

    def text(self, selector: str = "body") -> str:
        """Return the text that an element shows."""
        return self.value(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def picture(self, path: Path, *, whole: bool = True) -> None:
        """Save a picture of the page, as PNG or what else the file's ending says."""
        options: dict[str, Any] = {}
        if whole:
            size = self.call("Page.getLayoutMetrics")["cssContentSize"]
            options = {"clip": {**size, "scale": 1}}
        options["format"] = path.suffix.removeprefix(".")
        data = self.call("Page.captureScreenshot", captureBeyondViewport=whole, **options)["data"]
        path.write_bytes(base64.b64decode(data))

    def events(self, method: str) -> list[dict[str, Any]]:
        """Return the parameters of this tab's events of one kind, so far."""
        return [
            event["params"]
            for event in self._browser.events
            if event.get("method") == method and event.get("sessionId") == self._session
        ]

    def complaints(self) -> list[str]:
        """Return uncaught errors, and what the browser logged, such as breaches of a policy."""
        thrown = [event["exceptionDetails"] for event in self.events("Runtime.exceptionThrown")]
        logged = [event["entry"]["text"] for event in self.events("Log.entryAdded")]
        return [str(details.get("exception", details)) for details in thrown] + logged
