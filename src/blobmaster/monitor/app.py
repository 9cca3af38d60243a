"""The screen: panels around one view, keys that leave requests, and nothing that blocks."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message

from blobmaster.monitor import panels, style
from blobmaster.monitor.drawing import glyphs_for
from blobmaster.monitor.options import MonitorOptions
from blobmaster.monitor.panels import Frame
from blobmaster.monitor.poller import Poller, send_in_background
from blobmaster.monitor.screens import Help, Log, Question
from blobmaster.monitor.source import Source
from blobmaster.monitor.terminal import guarded_terminal
from blobmaster.monitor.view import Asked, Reading, View, answered, view
from blobmaster.monitor.widgets import ChartGrid, Notices, PanelWidget
from blobmaster.run.control import RequestKind


class Looked(Message):
    """A reading has come in."""

    def __init__(self, reading: Reading) -> None:
        super().__init__()
        self.reading = reading


class Sent(Message):
    """A request was left for the trainer, or could not be."""

    def __init__(self, text: str, error: str | None) -> None:
        super().__init__()
        self.text, self.error = text, error


class MonitorApp(App[None]):
    """One run on one screen."""

    CSS = style.CSS
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = style.WIDTHS
    VERTICAL_BREAKPOINTS = style.HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "request('PAUSE')"),
        Binding("P,shift+p", "request('PAUSE NOW')"),
        Binding("c", "request('CONTINUE')"),
        Binding("k", "request('CHECKPOINT')"),
        Binding("l", "log"),
        Binding("question_mark,h", "help"),
        Binding("q,ctrl+c,ctrl+q", "quit"),
        Binding("ctrl+z", "suspend_process"),
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
        self._can_write = not options.readonly and os.access(options.control.parent, os.W_OK)
        self._poller = Poller(
            Source(options), options.refresh_interval, lambda r: self._post(Looked(r))
        )
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

    def on_mount(self) -> None:
        self.screen.set_class(self._glyphs.plain_ascii, "-ascii")
        self._poller.start()
        self.set_interval(self._options.refresh_interval, self._notice_silence)

    def leave(self, status: int) -> None:
        """End the screen with an exit status; may be called from a signal handler."""
        self.call_later(self.exit, None, status)

    def _post(self, message: Message) -> None:
        self.post_message(message)

    def on_looked(self, message: Looked) -> None:
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
        self._poller.nudge()
        self._show()

    def _notice_silence(self) -> None:
        """Say so when the file system has not answered for two looks."""
        if self._reading is None or time.monotonic() - self._reading.now < self._patience:
            return
        self._show()

    @property
    def _patience(self) -> float:
        return 2 * self._options.refresh_interval + 1

    def _show(self) -> None:
        if self._reading is None:
            return
        reading, now = self._reading, time.monotonic()
        if now - reading.now > self._patience:
            reading = replace(reading, now=now, problem="the file system does not answer")
        shown = view(reading, self._options.status_file, self._asked)
        if self._complaint is not None:
            shown = replace(shown, request=self._complaint)
        self.shown = shown
        frame = Frame(
            view=shown,
            glyphs=self._glyphs,
            now=time.time(),
            can_write=self._can_write,
            interval=self._options.refresh_interval,
            width=0,
            height=0,
        )
        dashboard = self.screen_stack[0]
        dashboard.query_one(ChartGrid).make_room(frame)
        for panel in dashboard.query(PanelWidget):
            panel.show(frame)

    def action_request(self, text: str) -> None:
        """Ask the trainer for something; a pause only after the person has confirmed it."""
        if not self._can_write or not self.shown.can_be_asked:
            return
        if text in (RequestKind.PAUSE, RequestKind.PAUSE_NOW):
            self.push_screen(Question(self._question(text)), self._confirmed(text))
        else:
            self._send(text)

    def _question(self, text: str) -> str:
        if text == RequestKind.PAUSE_NOW:
            return "Pause the run now? Running blocks are given up, finished ones kept."
        return f"Pause the run when iteration {self.shown.iteration} is done?"

    def _confirmed(self, text: str) -> Callable[[bool | None], None]:
        def send_if(yes: bool | None) -> None:
            if yes:
                self._send(text)

        return send_if

    def _send(self, text: str) -> None:
        self._complaint = None
        self._asked = Asked(text=text, at=time.monotonic(), seq=self.shown.seq)
        self._poller.await_answer(True)
        send_in_background(self._options.control, text, lambda error: self._post(Sent(text, error)))
        self._show()

    def action_help(self) -> None:
        self.push_screen(Help())

    def action_log(self) -> None:
        self.push_screen(Log(self.shown.log))


def run_screen(options: MonitorOptions) -> int:
    """Show the screen until the person leaves; the terminal is as before then."""
    app = MonitorApp(options)
    with guarded_terminal(app.leave):
        # Without the mouse the terminal's own selection works: commands are there to be copied.
        app.run(mouse=False)
    if app.shown.next_command is not None:
        sys.stdout.write(f"{app.shown.state}; resume with: {app.shown.next_command}\n")
    return app.return_code or 0
