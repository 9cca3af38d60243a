"""The panels of the screen, one line each.

A new panel is a module in `panels/` with a function `draw`, and a line here. Its default size is an
equal share of its region; `style.py` may set another one by the panel's id.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from blobmaster.monitor.screen.drawing import Line
from blobmaster.monitor.screen.frame import Frame
from blobmaster.monitor.screen.panels import (
    checkpoints,
    cluster,
    footer,
    header,
    log,
    machine,
    notices,
    progress,
    training,
)

Draw = Callable[[Frame], list[Line]]
"""Draws a panel as lines; a pure function of view and size."""
Region = Literal["top", "left", "bottom", "end"]
"""Part of the screen: above the middle, in it beside the charts, below it, and the last line."""


class Panel(NamedTuple):
    """A panel and its place on the screen."""

    id: str
    draw: Draw
    region: Region
    title: str = ""
    fits_content: bool = False
    """True if the panel is as high as its lines."""


PANELS: Final = (
    Panel("header", header.draw, "top"),
    Panel("notices", notices.draw, "top", fits_content=True),
    Panel("progress", progress.draw, "top", title="run"),
    Panel("cluster", cluster.draw, "top", fits_content=True),
    Panel("figures", training.draw, "left", title="training"),
    Panel("machine", machine.draw, "left", title="machine"),
    Panel("checkpoints", checkpoints.draw, "bottom", title="checkpoints"),
    Panel("log", log.draw, "bottom", title="log"),
    Panel("footer", footer.draw, "end"),
)
"""In the order of the screen."""
