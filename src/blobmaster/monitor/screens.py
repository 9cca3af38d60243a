"""The screens above the dashboard: the question before a pause, the help, the whole log."""

from __future__ import annotations

from typing import ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from blobmaster.monitor.view import LogLine

HELP: Final = """\
p  pause when this iteration is done (asks first)
P  pause now; finished blocks are kept (asks first)
c  continue: take back a pause not yet carried out
k  keep the next checkpoint for good
l  the log, by level
?  this help
q  quit the monitor; the run goes on

The run lives in a process of its own: closing this
screen or losing the connection never touches it.

stalled     alive, but nothing moves any more
dead        its process is gone without a word
no contact  on another machine, no news from it
"""
_LEVELS: Final = {"a": "all", "w": "warnings and errors", "e": "errors"}
_SHOWN: Final = {
    "a": ("info", "warning", "error"),
    "w": ("warning", "error"),
    "e": ("error",),
}


class Question(ModalScreen[bool]):
    """Asks before something is done; only `y` does it, every other answer is No."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,Y", "answer(True)"),
        Binding("n,N,enter,escape,q,space,ctrl+c", "answer(False)"),
    ]

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        text = Text.assemble(self._text, "\n\n", ("y", "cyan"), " yes   ", ("N", "cyan"), " no")
        yield Static(text, classes="box")

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)


class Help(ModalScreen[None]):
    """The keys and the words."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,escape,q,enter,ctrl+c", "dismiss(None)")
    ]

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="box"):
            yield Static(HELP, markup=False)


class Log(ModalScreen[None]):
    """The newest lines of the log, filtered by level."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l,escape,q,enter,ctrl+c", "dismiss(None)"),
        Binding("a", "show('a')"),
        Binding("w", "show('w')"),
        Binding("e", "show('e')"),
    ]

    def __init__(self, lines: tuple[LogLine, ...]) -> None:
        super().__init__()
        self._lines = lines

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="page"):
            yield Static(markup=False)

    def on_mount(self) -> None:
        self.action_show("a")

    def action_show(self, key: str) -> None:
        """Show the lines of these levels, the newest in sight."""
        lines = [line.text for line in self._lines if line.level in _SHOWN[key]]
        page = self.query_one(VerticalScroll)
        page.border_title = f"log: {_LEVELS[key]}"
        page.border_subtitle = "a all  w warnings  e errors  esc back"
        self.query_one(Static).update(Text("\n".join(lines) or "nothing"))
        page.scroll_end(animate=False)
