"""The screen: panels around one view, keys that leave requests, and nothing that blocks."""

from __future__ import annotations

import gc
import sys
import time
from dataclasses import replace
from typing import ClassVar, Final

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Key
from textual.message import Message

from blobmaster.monitor.options import MonitorOptions
from blobmaster.monitor.read.poller import Poller, Sender
from blobmaster.monitor.read.source import Source
from blobmaster.monitor.screen import panels, style
from blobmaster.monitor.screen.drawing import glyphs_for
from blobmaster.monitor.screen.overlays import Overlay
from blobmaster.monitor.screen.panels import Frame
from blobmaster.monitor.screen.widgets import ChartGrid, Notices, OverlayWidget, PanelWidget
from blobmaster.monitor.view import SILENT, Asked, Reading, View, answered, view
from blobmaster.run.control.requests import RequestKind
from blobmaster.terminal.screen import guarded_terminal

REQUESTS: Final = {
    "p": RequestKind.PAUSE,
    "P": RequestKind.PAUSE_NOW,
    "c": RequestKind.CONTINUE,
    "k": RequestKind.CHECKPOINT,
}


class Looked(Message):
    """A reading of the run with these options has come in."""

    def __init__(self, options: MonitorOptions, reading: Reading) -> None:
        super().__init__()
        self.options = options
        self.reading = reading


class Sent(Message):
    """A request was left for the trainer, or could not be."""

    def __init__(self, error: str | None) -> None:
        super().__init__()
        self.error = error


class MonitorApp(App[None]):
    """One run on one screen."""

    CSS = style.CSS
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = style.WIDTHS
    VERTICAL_BREAKPOINTS = style.HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c,ctrl+q", "quit", priority=True),
        Binding("ctrl+z", "suspend_process", priority=True),
    ]

    def __init__(self, options: MonitorOptions) -> None:
        super().__init__()
        self.theme = "ansi-dark"  # the terminal's own sixteen colours, on its own background
        self.animation_level = "none"
        self._options = options
        self._reading: Reading | None = None
        self._asked: Asked | None = None
        self._complaint: str | None = None
        self._glyphs = glyphs_for()
        self._poller: Poller[Reading] | None = None
        self._sender: Sender | None = None
        self._followed_at = 0.0
        self.shown = View(state="waiting", source=str(options.status_file))

    def compose(self) -> ComposeResult:
        yield PanelWidget(panels.header, id="header")
        yield Notices(panels.notices, id="notices")
        yield PanelWidget(panels.progress, id="progress", title="run")
        with Horizontal(id="middle"):
            with Vertical(id="left"):
                yield PanelWidget(panels.figures, id="figures", title="training")
                yield PanelWidget(panels.machine, id="machine", title="machine")
            yield ChartGrid(id="charts")
        with Horizontal(id="bottom"):
            yield PanelWidget(panels.checkpoints, id="checkpoints", title="checkpoints")
            yield PanelWidget(panels.log, id="log", title="log")
        yield PanelWidget(panels.footer, id="footer")
        yield OverlayWidget()

    def on_mount(self) -> None:
        self.screen.set_class(self._glyphs.plain_ascii, "-ascii")
        self.begin()
        self.set_interval(self._options.refresh_interval, self.notice_silence)
        # What is there now stays: without looking through it again and again, the collector holds
        # up no key (the slowest in a hundred frames took 26 to 30 ms, not 48 to 187).
        self.call_after_refresh(gc.freeze)

    def begin(self) -> None:
        """Start with the run."""
        self.follow(self._options)

    def follow(self, options: MonitorOptions, known: View | None = None) -> None:
        """Turn to a run; what is `known` of it is shown until the first look comes in."""
        self._options, self._followed_at = options, time.monotonic()
        self._poller = Poller(
            Source(options),
            options.refresh_interval,
            lambda reading: self._post(Looked(options, reading)),
        )
        self._poller.start()
        self._sender = Sender(options.control, lambda error: self._post(Sent(error)))
        self._sender.start()
        if known is not None:
            self._show_view(known)

    def leave_run(self) -> None:
        """Turn away from the run: nothing of it is shown any more, not even what still comes in."""
        if self._poller is not None:
            self._poller.leave()
        if self._sender is not None:
            self._sender.leave()
        self._poller = self._sender = self._reading = self._asked = self._complaint = None
        self.shown = View(state="waiting", source="")

    def leave(self, status: int) -> None:
        """End the screen with an exit status; may be called from a signal handler."""
        self.call_later(self.exit, None, status)

    def _post(self, message: Message) -> None:
        self.post_message(message)

    def on_looked(self, message: Looked) -> None:
        if message.options is not self._options or self._poller is None:
            return
        self._reading = message.reading
        if self._asked is not None and message.reading.status is not None:
            if answered(self._asked, message.reading.status):
                self._asked = None
            self._poller.await_answer(self._asked is not None)
        self._show()

    def on_sent(self, message: Sent) -> None:
        self._complaint = message.error
        if message.error is not None:
            self._asked = None
        if self._poller is not None:
            self._poller.nudge()
        self._show()

    def notice_silence(self) -> None:
        """Say so when the file system has not answered for two looks."""
        now = time.monotonic()
        if self._reading is not None and now - self._reading.now > self.patience:
            self._show()
        elif self._reading is None and self._poller is not None:
            silent = now - self._followed_at
            if silent > self.patience and self.shown.run_id:
                self._show_view(replace(self.shown, problem=SILENT, frame_age_s=silent))

    @property
    def patience(self) -> float:
        """Seconds after which the file system counts as silent."""
        return 2 * self._options.refresh_interval + 1

    def _show(self) -> None:
        if self._reading is None:
            return
        reading, now = self._reading, time.monotonic()
        if now - reading.now > self.patience:
            reading = replace(reading, now=now, problem=SILENT)
        shown = view(reading, self._options.status_file, self._asked)
        if self._complaint is not None:
            shown = replace(shown, request=self._complaint)
        self._show_view(shown)

    def _show_view(self, shown: View) -> None:
        self.shown = shown
        frame = self.frame(shown)
        self.query_one(ChartGrid).make_room(frame)
        for panel in self.query(PanelWidget):
            panel.show(frame)

    def frame(self, shown: View) -> Frame:
        """What panels are drawn for; each knows its own size."""
        return Frame(
            view=shown,
            glyphs=self._glyphs,
            now=time.time(),
            can_write=self._can_write,
            from_list=bool(self._options.folders),
            interval=self._options.refresh_interval,
            width=0,
            height=0,
        )

    @property
    def _can_write(self) -> bool:
        return not self._options.readonly and self._reading is not None and self._reading.writable

    def on_key(self, event: Key) -> None:
        """Every key is obeyed in the order typed: overlays are no screens that come and go."""
        self.obey(event)

    def obey(self, event: Key) -> None:
        """Do what a key asks for."""
        overlay = self.query_one(OverlayWidget)
        if overlay.obeys(event.key):
            if event.character in ("y", "Y") and overlay.asks:
                self._send(overlay.asks)
                overlay.close()
        elif event.character == "q":
            self.exit()
        elif event.character in ("?", "h"):
            overlay.open(Overlay(kind="help"))
        elif event.character == "l":
            overlay.open(Overlay(kind="log"))
        elif event.character in REQUESTS:
            self._request(REQUESTS[event.character], overlay)

    def _request(self, kind: RequestKind, overlay: OverlayWidget) -> None:
        """Ask the trainer for something; for a pause only after the person has confirmed it."""
        if not self._can_write or not self.shown.can_be_asked:
            return
        if kind in (RequestKind.PAUSE, RequestKind.PAUSE_NOW):
            overlay.open(Overlay(kind="question", asks_for=kind))
        else:
            self._send(kind)

    def _send(self, kind: RequestKind) -> None:
        self._complaint = None
        self._asked = Asked(text=kind.value, at=time.monotonic(), seq=self.shown.seq)
        if self._poller is not None:
            self._poller.await_answer(True)
        if self._sender is not None:
            self._sender.send(kind.value)
        self._show()


def run_screen(app: MonitorApp) -> int:
    """Show the screen until the person leaves; the terminal is as before then."""
    with guarded_terminal(app.leave):
        # Without the mouse the terminal's own selection works: commands are there to be copied.
        app.run(mouse=False)
    if app.shown.next_command is not None:
        sys.stdout.write(f"{app.shown.state}; resume with: {app.shown.next_command}\n")
    return app.return_code or 0
