"""The screen of several runs: a list, and each run on a screen of its own."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from textual.app import ComposeResult
from textual.events import Key
from textual.message import Message

from blobmaster.monitor.options import MonitorOptions
from blobmaster.monitor.read.poller import Poller
from blobmaster.monitor.read.runs import MultiRunReader
from blobmaster.monitor.screen import list_panel
from blobmaster.monitor.screen.app import MonitorApp, ReadingFailed
from blobmaster.monitor.screen.drawing import Line
from blobmaster.monitor.screen.frame import Frame
from blobmaster.monitor.screen.list_panel import RunList
from blobmaster.monitor.screen.overlays import Overlay
from blobmaster.monitor.screen.widgets import OverlayWidget, PanelWidget
from blobmaster.monitor.view import View

_MOVES: Final = {"up": -1, "down": 1, "pageup": -10, "pagedown": 10, "home": -999, "end": 999}


class RunsRead(Message):
    """All runs were read."""

    def __init__(self, views: tuple[View, ...]) -> None:
        super().__init__()
        self.views = views
        self.at = time.monotonic()


class RunListWidget(PanelWidget):
    """The list of runs; covers the screen of a single run while none is open."""

    def __init__(self) -> None:
        super().__init__(self._draw_list, id="runs")
        self.list = RunList()

    def put(self, shown: RunList, frame: Frame) -> None:
        """Show this list."""
        self.list = shown
        self.show(frame)

    def _draw_list(self, frame: Frame) -> list[Line]:
        return list_panel.draw(self.list, frame)


class RunsApp(MonitorApp):
    """A list of runs; Enter opens one, Esc goes back to the list."""

    def __init__(self, options: MonitorOptions) -> None:
        super().__init__(options)
        self._of_all = options
        self._listed_at = 0.0

    def compose(self) -> ComposeResult:
        yield RunListWidget()
        yield from super().compose()

    def begin(self) -> None:
        """Start with the list."""
        self._listed_at = time.monotonic()
        self._put(RunList())
        looks = MultiRunReader(self._of_all, extent="status")
        Poller(
            looks,
            self._of_all.refresh_interval,
            lambda views: self._post(RunsRead(views)),
            lambda error: self._post(ReadingFailed(error)),
        ).start()

    @property
    def _runs(self) -> RunListWidget:
        return self.query_one(RunListWidget)

    def on_runs_read(self, message: RunsRead) -> None:
        self._listed_at = message.at
        self._put(replace(self._runs.list, views=message.views, silent_s=None))

    def check_silence(self) -> None:
        """Show it in the list too if the file system has not answered for two readings."""
        super().check_silence()
        silent = time.monotonic() - self._listed_at
        if silent > self.silence_limit_s:
            self._put(replace(self._runs.list, silent_s=silent))

    def handle_key(self, event: Key) -> None:
        overlay = self.query_one(OverlayWidget)
        if overlay.display:
            super().handle_key(event)
        elif not self._runs.display:
            if event.key == "escape":
                self._back()
            else:
                super().handle_key(event)
        elif event.key in _MOVES:
            self._move(_MOVES[event.key])
        elif event.key == "enter":
            self._open()
        elif event.character in ("?", "h"):
            overlay.open(Overlay(kind="help"))
        elif event.character == "q":
            self.exit()

    def _move(self, steps: int) -> None:
        shown = self._runs.list
        if shown.views:
            index = max(0, min(len(shown.views) - 1, shown.index + steps))
            self._put(replace(shown, source=shown.views[index].source))

    def _open(self) -> None:
        shown = self._runs.list
        if shown.views:
            chosen = shown.views[shown.index]
            self._put(replace(shown, source=chosen.source))
            self._runs.display = False
            self.follow(self._of_all.for_run(Path(chosen.source).parent), chosen)

    def _back(self) -> None:
        self.leave_run()
        self._runs.display = True

    def _put(self, shown: RunList) -> None:
        frame = self.frame(self.shown)
        self._runs.put(shown, frame)
        self.query_one(OverlayWidget).show(frame)
