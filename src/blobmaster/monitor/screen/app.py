"""The screen of one run: panels that show its view, keys that send requests, no blocking call."""

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

from blobmaster.monitor.following import Following, silence_limit_s
from blobmaster.monitor.options import MonitorOptions
from blobmaster.monitor.read.poller import Poller, Sender
from blobmaster.monitor.read.run_reader import RunReader
from blobmaster.monitor.screen import style
from blobmaster.monitor.screen.drawing import glyphs_for
from blobmaster.monitor.screen.frame import Frame
from blobmaster.monitor.screen.overlays import Overlay
from blobmaster.monitor.screen.widgets import ChartGrid, OverlayWidget, PanelWidget, panel_widgets
from blobmaster.monitor.view import SILENT, Reading, View
from blobmaster.run.control.requests import RequestKind
from blobmaster.terminal.screen import guarded_terminal

REQUESTS: Final = {
    "p": RequestKind.PAUSE,
    "P": RequestKind.PAUSE_NOW,
    "c": RequestKind.CONTINUE,
    "k": RequestKind.CHECKPOINT,
}


class RunRead(Message):
    """The run of these options was read."""

    def __init__(self, options: MonitorOptions, reading: Reading) -> None:
        super().__init__()
        self.options = options
        self.reading = reading


class ReadingFailed(Message):
    """The program could not read a run: a fault of its own."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


class RequestSent(Message):
    """A request was sent to the trainer, or could not be."""

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
        self._following = Following(options=options)
        self._glyphs = glyphs_for()
        self._poller: Poller[Reading] | None = None
        self._sender: Sender | None = None
        self._followed_at = 0.0
        self.shown = View(state="waiting", source=str(options.status_file))

    def compose(self) -> ComposeResult:
        yield from panel_widgets("top")
        with Horizontal(id="middle"):
            with Vertical(id="left"):
                yield from panel_widgets("left")
            yield ChartGrid(id="charts")
        with Horizontal(id="bottom"):
            yield from panel_widgets("bottom")
        yield from panel_widgets("end")
        yield OverlayWidget()

    def on_mount(self) -> None:
        self.screen.set_class(self._glyphs.plain_ascii, "-ascii")
        # Textual paints what changes: after `fg` the screen would stay empty until something does.
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))
        self.begin()
        self.set_interval(self._options.refresh_interval, self.check_silence)
        # The objects that exist now live as long as the process. Frozen, the garbage collector does
        # not scan them again, which would delay keys: the slowest of a hundred frames took 26 to
        # 30 ms instead of 48 to 187.
        self.call_after_refresh(gc.freeze)

    def begin(self) -> None:
        """Start to follow the run."""
        self.follow(self._options)

    def follow(self, options: MonitorOptions, known: View | None = None) -> None:
        """Switch to a run; `known` is shown until its first reading arrives."""
        self._options, self._followed_at = options, time.monotonic()
        self._following = Following(options=options)
        self._poller = Poller(
            RunReader(options),
            options.refresh_interval,
            lambda reading: self._post(RunRead(options, reading)),
            lambda error: self._post(ReadingFailed(error)),
        )
        self._poller.start()
        self._sender = Sender(options.control, lambda error: self._post(RequestSent(error)))
        self._sender.start()
        if known is not None:
            self._show_view(known)

    def leave_run(self) -> None:
        """Stop following the run; readings of it that still arrive are ignored."""
        if self._poller is not None:
            self._poller.stop()
        if self._sender is not None:
            self._sender.stop()
        self._poller = self._sender = None
        self._following = Following(options=self._options)
        self.shown = View(state="waiting", source="")

    def leave(self, status: int) -> None:
        """End the app with an exit status; may be called in a signal handler."""
        self.call_later(self.exit, None, status)

    def _post(self, message: Message) -> None:
        self.post_message(message)

    def on_run_read(self, message: RunRead) -> None:
        if message.options is not self._options or self._poller is None:
            return
        self._following = self._following.with_reading(message.reading)
        self._poller.poll_faster(self._following.pending is not None)
        self._show()

    def on_reading_failed(self, message: ReadingFailed) -> None:
        """End the app with the error; Textual restores the terminal first."""
        raise message.error

    def on_request_sent(self, message: RequestSent) -> None:
        self._following = self._following.with_answer_of_sending(message.error)
        if self._poller is not None:
            self._poller.poll_now()
        self._show()

    def check_silence(self) -> None:
        """Show it if the file system has not answered for two readings."""
        now = time.monotonic()
        if self._following.is_silent(now):
            self._show()
        elif self._following.reading is None and self._poller is not None:
            silent = now - self._followed_at
            if silent > self.silence_limit_s and self.shown.has_status:
                self._show_view(replace(self.shown, problem=SILENT, frame_age_s=silent))

    @property
    def silence_limit_s(self) -> float:
        """Seconds after which the file system counts as hanging."""
        return silence_limit_s(self._options)

    def _show(self) -> None:
        shown = self._following.view(time.monotonic())
        if shown is not None:
            self._show_view(shown)

    def _show_view(self, shown: View) -> None:
        self.shown = shown
        frame = self.frame(shown)
        self.query_one(ChartGrid).make_room(frame)
        for panel in self.query(PanelWidget):
            panel.show(frame)

    def frame(self, shown: View) -> Frame:
        """Return the frame for the panels; each widget adds its own size."""
        return Frame(
            view=shown,
            glyphs=self._glyphs,
            now=time.time(),
            can_write=self._following.can_write,
            from_list=bool(self._options.folders),
            interval=self._options.refresh_interval,
            width=0,
            height=0,
        )

    def on_key(self, event: Key) -> None:
        """Handle keys in the order typed; overlays are widgets, as a new screen would lose keys."""
        self.handle_key(event)

    def handle_key(self, event: Key) -> None:
        """Perform a key's action."""
        overlay = self.query_one(OverlayWidget)
        if overlay.consume_key(event.key):
            if event.character in ("y", "Y") and overlay.requested:
                self._send(overlay.requested)
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
        """Send a request to the trainer; a pause is sent only after the user confirms it."""
        if not self._following.can_write or not self.shown.accepts_requests:
            return
        if kind in (RequestKind.PAUSE, RequestKind.PAUSE_NOW):
            overlay.open(Overlay(kind="question", request=kind))
        else:
            self._send(kind)

    def _send(self, kind: RequestKind) -> None:
        self._following = self._following.with_request(kind.value, time.monotonic())
        if self._poller is not None:
            self._poller.poll_faster(True)
        if self._sender is not None:
            self._sender.send(kind.value)
        self._show()


def run_screen(app: MonitorApp) -> int:
    """Show the screen until the user quits, and restore the terminal."""
    with guarded_terminal(app.leave):
        # Without mouse support the terminal's own text selection works, to copy commands.
        app.run(mouse=False)
    if app.shown.next_command is not None:
        sys.stdout.write(f"{app.shown.state}; resume with: {app.shown.next_command}\n")
    return app.return_code or 0
