"""The input of every panel: what there is to show, and the room for it."""

from __future__ import annotations

from dataclasses import dataclass

from blobmaster.monitor.screen.drawing import Glyphs
from blobmaster.monitor.view import View


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The data that a panel draws, and the panel's size."""

    view: View
    glyphs: Glyphs
    now: float
    """The reader's wall clock, for dates only."""
    can_write: bool
    """True if requests may be sent."""
    from_list: bool = False
    """True if Esc leads back to a list of runs."""
    interval: float
    """Seconds between readings."""
    width: int
    """Columns of the panel."""
    height: int
    """Lines of the panel at most."""
