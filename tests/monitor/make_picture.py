"""Makes the README's picture: a recorded real run, replayed and shown by the real screen.

`make picture` writes docs/monitor.svg. `recorded_run.py` says how the run was recorded.
"""

from __future__ import annotations

import asyncio
import html
import re
import sys
import tempfile
from functools import partialmethod
from pathlib import Path
from unittest.mock import patch

from recorded_run import replay
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from textual.app import App

from blobmaster.monitor.options import MonitorOptions
from blobmaster.monitor.screen.app import MonitorApp
from blobmaster.monitor.screen.chart import DOTS
from blobmaster.run.files.layout import RunLayout

HOST = "blobmaster.run.control.process.host_name"
SIZE = (120, 38)
FONTS = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"
CELL = (12.2, 24.4)
"""Width and height of a letter in the SVG."""
_TEXT = re.compile(
    r'<text class="(?P<style>[^"]+)" x="(?P<x>[\d.]+)" y="(?P<y>[\d.]+)"[^>]*>'
    r"(?P<text>[^<]*)</text>"
)
COLOURS = TerminalTheme(
    background=(22, 24, 29),
    foreground=(208, 211, 218),
    normal=[
        *((40, 44, 52), (224, 108, 117), (152, 195, 121), (229, 192, 123)),
        *((97, 175, 239), (198, 140, 221), (86, 182, 194), (208, 211, 218)),
    ],
    bright=[
        *((82, 88, 101), (224, 108, 117), (152, 195, 121), (229, 192, 123)),
        *((97, 175, 239), (198, 140, 221), (86, 182, 194), (255, 255, 255)),
    ],
)


async def draw(layout: RunLayout) -> str:
    """The screen of this run as SVG."""
    app = MonitorApp(MonitorOptions(status_file=layout.status))
    async with app.run_test(size=SIZE) as pilot:
        while app.shown.iteration == 0 or len(app.shown.curves) == 0:
            await pilot.pause(0.05)
        await pilot.pause(0.5)
        return as_svg(app)


def as_svg(app: App[None], colours: TerminalTheme = COLOURS) -> str:
    """What is on the screen, drawn so that it looks the same everywhere."""
    with patch.object(Console, "export_svg", partialmethod(Console.export_svg, theme=colours)):
        picture = app.export_screenshot(title="blobmaster monitor")
    return _with_drawn_dots(_without_web_fonts(picture))


def _without_web_fonts(svg: str) -> str:
    """A picture in a README loads nothing: the reader's own monospaced font has to do."""
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    return svg.replace("Fira Code, monospace", FONTS)


def _with_drawn_dots(svg: str) -> str:
    """Braille as squares: few monospaced fonts have it, and a fallback's dots are out of place."""

    def draw_dots(found: re.Match[str]) -> str:
        text = html.unescape(found["text"])
        if not any(is_braille(letter) for letter in text):
            return found[0]
        left, top = float(found["x"]), float(found["y"]) - CELL[1] + 7
        dots = [
            f"M{left + column * CELL[0] + across:.1f} {top + down:.1f}h2.6v2.6h-2.6z"
            for column, letter in enumerate(text)
            for across, down in dot_places(letter)
        ]
        rest = "".join("\xa0" if is_braille(letter) else letter for letter in text)
        kept = "" if not rest.strip("\xa0 ") else found[0].replace(found["text"], rest)
        return f'<path class="{found["style"]}" d="{"".join(dots)}"/>{kept}'

    return _TEXT.sub(draw_dots, svg)


def is_braille(letter: str) -> bool:
    return 0x2800 <= ord(letter) <= 0x28FF


def dot_places(letter: str) -> list[tuple[float, float]]:
    """Where the dots of a letter lie in its cell; none for one that is not braille."""
    bits = ord(letter) - 0x2800 if is_braille(letter) else 0
    return [
        (CELL[0] * (0.15 + 0.5 * across), CELL[1] * (0.05 + 0.25 * down))
        for down, row in enumerate(DOTS)
        for across, bit in enumerate(row)
        if bits & bit
    ]


def make_picture(target: Path) -> None:
    """Write the picture."""
    with tempfile.TemporaryDirectory() as folder, patch(HOST, lambda: "atlas"):
        layout = RunLayout(Path(folder))
        replay(layout)
        target.write_text(asyncio.run(draw(layout)), encoding="utf-8")


if __name__ == "__main__":
    make_picture(Path(sys.argv[1]))
