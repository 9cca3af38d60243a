"""All panels of the screen as text, and a check that a view can be shown in every form."""

from __future__ import annotations

import json

import pytest

from blobmaster.monitor.prometheus.exposition import exposition
from blobmaster.monitor.screen.drawing import UNICODE, Glyphs
from blobmaster.monitor.screen.frame import Frame
from blobmaster.monitor.screen.registry import PANELS
from blobmaster.monitor.text import plain
from blobmaster.monitor.view import View

ALL = tuple(panel.draw for panel in PANELS)
BOUNDED = tuple(panel.draw for panel in PANELS if not panel.fits_content)


def frame(shown: View, width: int, height: int, glyphs: Glyphs = UNICODE) -> Frame:
    return Frame(
        view=shown,
        glyphs=glyphs,
        now=1.7e9,
        can_write=True,
        interval=5.0,
        width=width,
        height=height,
    )


def drawn(shown: View, width: int, height: int, glyphs: Glyphs = UNICODE) -> str:
    """Return all panels' text; fail if one exceeds its height."""
    text = []
    for panel in ALL:
        lines = panel(frame(shown, width, height, glyphs))
        assert panel not in BOUNDED or len(lines) <= max(1, height)
        text.extend("".join(span.text for span in line) for line in lines)
    return "\n".join(text)


def check_what_is_shown(shown: View) -> None:
    """Check that a view is drawn and printed in every form, without control codes."""
    page, line, text = plain.page(shown), plain.change_line(shown), drawn(shown, 100, 30)
    for said in (*page.splitlines(), line, *text.splitlines()):
        assert said.isprintable(), repr(said)
    as_read = json.loads(plain.as_json(shown), parse_constant=pytest.fail)
    assert as_read["schema"] == 1
    assert exposition([shown], now=1.7e9)
