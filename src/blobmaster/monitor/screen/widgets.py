"""Widgets that show panels; a line is sent to the terminal only when it has changed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.containers import Grid
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from blobmaster.monitor.charts import charts
from blobmaster.monitor.read.curves import Curve
from blobmaster.monitor.screen import overlays
from blobmaster.monitor.screen.chart import draw, legend
from blobmaster.monitor.screen.drawing import Line, Role
from blobmaster.monitor.screen.frame import Frame
from blobmaster.monitor.screen.overlays import LogFilter, Overlay
from blobmaster.monitor.screen.registry import PANELS, Draw
from blobmaster.monitor.screen.registry import Region as ScreenRegion
from blobmaster.monitor.text import fmt
from blobmaster.run.control.requests import RequestKind

MOST_CHARTS: Final = 9
CHART_WIDTH: Final = 34
CHART_HEIGHT: Final = 7
"""Least useful height of a chart, with its border."""

_LOG_FILTERS: Final[dict[str, LogFilter]] = {"a": "all", "w": "warnings", "e": "errors"}
_SCROLLS: Final = {"up": 1, "down": -1, "pageup": 10, "pagedown": -10, "home": 999, "end": -999}

STYLES: Final[dict[Role, Style]] = {
    "text": Style(),
    "dim": Style(dim=True),
    "strong": Style(bold=True),
    "accent": Style(color="cyan"),
    "second": Style(color="magenta"),
    "third": Style(color="bright_blue"),
    "good": Style(color="green"),
    "warning": Style(color="yellow"),
    "error": Style(color="red", bold=True),
}


class PanelWidget(Widget):
    """Shows one panel in the room that the layout gives it."""

    def __init__(self, draw: Draw, *, id: str, title: str = "") -> None:
        super().__init__(id=id)
        self._draw_lines = draw
        self.border_title = title
        self._frame: Frame | None = None
        self._lines: list[Line] = []

    def show(self, frame: Frame) -> None:
        """Take a new frame and redraw the lines that differ."""
        self._frame = frame
        before, self._lines = self._lines, self.draw(frame)
        changed = [
            Region(0, y, self.size.width, 1)
            for y in range(max(len(before), len(self._lines)))
            if before[y : y + 1] != self._lines[y : y + 1]
        ]
        if changed:
            self.refresh(*changed)

    def draw(self, frame: Frame) -> list[Line]:
        """Return the panel's lines in this widget's current size."""
        return self._draw_lines(replace(frame, width=self.size.width, height=self.size.height))

    def on_resize(self) -> None:
        if self._frame is not None:
            self._lines = self.draw(self._frame)
            self.refresh()

    def render_line(self, y: int) -> Strip:
        line = self._lines[y] if y < len(self._lines) else ()
        ascii_only = self._frame is not None and self._frame.glyphs.plain_ascii
        segments = [
            Segment(fmt.to_ascii(span.text) if ascii_only else span.text, STYLES[span.role])
            for span in line
        ]
        return Strip(segments).adjust_cell_length(self.size.width, STYLES["text"])


class FittedPanelWidget(PanelWidget):
    """A panel that is as high as its lines."""

    def draw(self, frame: Frame) -> list[Line]:
        """Return the lines, after making room for them."""
        lines = super().draw(frame)
        self.styles.height = len(lines)
        return lines


def panel_widgets(region: ScreenRegion) -> Iterator[PanelWidget]:
    """Yield the widgets of a region's panels, in their order."""
    for panel in PANELS:
        if panel.region == region:
            kind = FittedPanelWidget if panel.fits_content else PanelWidget
            yield kind(panel.draw, id=panel.id, title=panel.title)


class ChartPanel(PanelWidget):
    """The run's chart number `index`; redrawn only if the history or the size has changed."""

    def __init__(self, index: int) -> None:
        super().__init__(self._draw_chart, id=f"chart{index}")
        self._index = index
        self._drawn_size = Size(0, 0)
        self._drawn_curves: Mapping[str, Curve] | None = None
        self._drawn: list[Line] = []

    def draw(self, frame: Frame) -> list[Line]:
        """Return the last drawing, or a new one if the curves or the size have changed."""
        if self._drawn_curves is not frame.view.curves or self._drawn_size != self.size:
            self._drawn_curves, self._drawn_size = frame.view.curves, self.size
            self._drawn = super().draw(frame)
        return self._drawn

    def _draw_chart(self, frame: Frame) -> list[Line]:
        found = charts(frame.view.curves)
        if self._index >= len(found):
            return []
        shown = found[self._index]
        title = Text(shown.title + " ")
        for span in legend(shown):
            title.append(span.text, STYLES[span.role])
        self.border_title = fmt.to_ascii(title.plain) if frame.glyphs.plain_ascii else title
        return draw(shown, frame.width, frame.height, frame.glyphs)


class ChartGrid(Grid):
    """As many charts as fit, in equal rows."""

    def __init__(self, *, id: str) -> None:
        super().__init__(*(ChartPanel(index) for index in range(MOST_CHARTS)), id=id)
        self._frame: Frame | None = None

    def make_room(self, frame: Frame) -> None:
        """Show the charts that fit and hide the others."""
        self._frame = frame
        columns = max(1, self.size.width // CHART_WIDTH)
        rows = max(1, self.size.height // CHART_HEIGHT)
        count = min(len(charts(frame.view.curves)), columns * rows, MOST_CHARTS)
        if count:
            self.styles.grid_size_columns = math.ceil(count / math.ceil(count / columns))
        for index, panel in enumerate(self.query(ChartPanel)):
            panel.display = index < count

    def on_resize(self) -> None:
        if self._frame is not None:
            self.make_room(self._frame)


class OverlayWidget(PanelWidget):
    """The overlay over the dashboard; while it is open, it handles keys first."""

    def __init__(self) -> None:
        super().__init__(lambda frame: overlays.draw(self._overlay, frame), id="overlay")
        self._overlay = overlays.NONE
        self.display = False

    @property
    def requested(self) -> RequestKind | None:
        """The request in the open question; None without a question."""
        return self._overlay.request if self._overlay.kind == "question" else None

    def open(self, overlay: Overlay) -> None:
        """Show an overlay instead of any other."""
        self._overlay = overlay
        self._update()

    def close(self) -> None:
        """Show the dashboard alone."""
        self.open(overlays.NONE)

    def consume_key(self, key: str) -> bool:
        """Handle a key for the open overlay; returns False if there is none."""
        kind = self._overlay.kind
        if kind == "none" or self._frame is None:
            return False
        if kind == "log" and key in _LOG_FILTERS:
            self.open(Overlay(kind="log", levels=_LOG_FILTERS[key]))
        elif kind in ("log", "help") and key in _SCROLLS:
            self.open(overlays.scroll(self._overlay, _SCROLLS[key], self._frame))
        elif key.upper() not in ("Y", "SHIFT+Y") or kind != "question":
            self.close()
        return True

    def draw(self, frame: Frame) -> list[Line]:
        """Return the lines, after setting the size to fit them."""
        if self._overlay.kind == "log":
            self.styles.width = self.styles.height = "100%"
        else:
            columns, lines = overlays.size(self._overlay, frame)
            self.styles.width, self.styles.height = columns + 4, lines + 2
        return super().draw(frame)

    def _update(self) -> None:
        is_log = self._overlay.kind == "log"
        self.border_title = overlays.TITLES[self._overlay.levels] if is_log else ""
        self.border_subtitle = overlays.LOG_KEYS if is_log else ""
        if self._frame is not None:
            self.show(self._frame)
        self.display = self._overlay.kind != "none"
