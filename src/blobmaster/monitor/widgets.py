"""Widgets that show panels: a line is sent to the terminal only when it has changed."""

from __future__ import annotations

from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from blobmaster.monitor import chart
from blobmaster.monitor.drawing import Line, Role, to_ascii
from blobmaster.monitor.panels import Frame, Panel

STYLES: Final[dict[Role, Style]] = {
    "text": Style(),
    "dim": Style(dim=True),
    "strong": Style(bold=True),
    "accent": Style(color="cyan"),
    "second": Style(color="blue"),
    "third": Style(color="magenta"),
    "good": Style(color="green"),
    "warning": Style(color="yellow"),
    "error": Style(color="red", bold=True),
}


class PanelWidget(Widget):
    """Draws one panel's lines in whatever room the layout gives it."""

    def __init__(self, panel: Panel, *, id: str, title: str = "") -> None:  # noqa: A002
        super().__init__(id=id)
        self._panel = panel
        self.border_title = title
        self._frame: Frame | None = None
        self._lines: list[Line] = []

    def show(self, frame: Frame) -> None:
        """Take a new frame and redraw what differs."""
        self._frame = frame
        before, self._lines = self._lines, self.draw(frame)
        if self.styles.height is not None and self.styles.height.is_auto:
            if len(before) != len(self._lines):
                self.refresh(layout=True)
        changed = [
            Region(0, y, self.size.width, 1)
            for y in range(max(len(before), len(self._lines)))
            if before[y : y + 1] != self._lines[y : y + 1]
        ]
        if changed:
            self.refresh(*changed)

    def draw(self, frame: Frame) -> list[Line]:
        """The panel's lines in this widget's present size."""
        return self._panel(frame, self.size.width, self.size.height)

    def on_resize(self) -> None:
        if self._frame is not None:
            self._lines = self.draw(self._frame)
            self.refresh()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines)

    def render_line(self, y: int) -> Strip:
        line = self._lines[y] if y < len(self._lines) else ()
        ascii_only = self._frame is not None and self._frame.glyphs.plain_ascii
        segments = [
            Segment(to_ascii(span.text) if ascii_only else span.text, STYLES[span.role])
            for span in line
        ]
        return Strip(segments).adjust_cell_length(self.size.width, STYLES["text"])


class ChartPanel(PanelWidget):
    """The run's chart number `index`; hidden where there are fewer."""

    def __init__(self, index: int) -> None:
        super().__init__(self._draw_chart, id=f"chart{index}")
        self._index = index
        self._drawn_for: tuple[int, int, int] | None = None
        self._drawn: list[Line] = []

    def _draw_chart(self, frame: Frame, width: int, height: int) -> list[Line]:
        found = chart.charts(frame.view.curves)
        if self._index >= len(found):
            return []
        return chart.draw(found[self._index], width, height, frame.glyphs)

    def draw(self, frame: Frame) -> list[Line]:
        """Drawn anew only when the curves or the size have changed."""
        cause = (id(frame.view.curves), self.size.width, self.size.height)
        if cause != self._drawn_for:
            self._drawn_for, self._drawn = cause, super().draw(frame)
            self._retitle(frame)
        return self._drawn

    def _retitle(self, frame: Frame) -> None:
        found = chart.charts(frame.view.curves)
        self.display = self._index < len(found)
        if self.display:
            shown = found[self._index]
            newest = "".join(span.text for span in chart.legend(shown, frame.glyphs))
            self.border_title = f"{shown.title} {newest}"
