"""Makes the README's picture.

`PYTHONPATH=tests python tests/monitor/make_picture.py docs/monitor.svg`

The run in it is a recorded sample: real files in a temporary folder, shown by the real screen.
"""

from __future__ import annotations

import asyncio
import html
import math
import os
import random
import re
import sys
import tempfile
import time
from functools import partialmethod
from pathlib import Path
from unittest.mock import patch

from monitor_terminal import BLOB_METRICS, make_status, put
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from textual.app import App

from blobmaster.monitor.options import MonitorOptions
from blobmaster.monitor.screen.app import MonitorApp
from blobmaster.monitor.screen.chart import DOTS
from blobmaster.run.files.history import HistoryRow, encode_row
from blobmaster.run.files.layout import CheckpointName, RunLayout
from blobmaster.run.status.schema import Disk, LastCheckpoint, Machine

ITERATIONS = 150
SIZE = (120, 38)
FONTS = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"
CELL = (12.2, 24.4)
"""Width and height of a letter in the SVG."""
_TEXT = re.compile(
    r'<text class="(?P<style>[^"]+)" x="(?P<x>[\d.]+)" y="(?P<y>[\d.]+)"[^>]*>'
    r"(?P<text>[^<]*)</text>"
)
CHECKPOINT_BYTES = 96_400_000
SAVED_AGO_S = 394.0
YARDSTICKS = {
    **{"points_vs_heuristic": 5.84, "gain_vs_heuristic": 2.71, "exact_vs_heuristic": 0.47},
    **{"points_vs_random": 8.52, "gain_vs_random": 3.38, "exact_vs_random": 0.61},
}
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


def write_sample(layout: RunLayout) -> None:
    """The files of a run in its 151st iteration."""
    chance = random.Random(7)
    layout.history.write_bytes(b"".join(_row(n, chance) for n in range(1, ITERATIONS + 1)))
    layout.permanent.mkdir()
    layout.cache.mkdir()
    for iteration in range(5, ITERATIONS + 1):
        if iteration % 5 == 0 or iteration > ITERATIONS - 5:
            _checkpoint(layout, iteration)
    layout.log.write_text("".join(_log_lines()))
    now = time.time()
    newest = _name(ITERATIONS)
    status = make_status(
        last_checkpoint=LastCheckpoint(
            name=newest,
            path=f"permanent/{newest}",
            iteration=ITERATIONS,
            bytes=CHECKPOINT_BYTES,
            saved_at=now - SAVED_AGO_S,
            permanent=True,
        ),
        disk=Disk(free_bytes=212 * 10**9, total_bytes=10**12, low=False, hours_left=None),
        machine=Machine(
            cpu_percent=96.0,
            cores=16,
            load1=15.6,
            memory_used_bytes=11_200_000_000,
            memory_total_bytes=67_400_000_000,
            rss_bytes=2_310_000_000,
            workers=16,
            gpu=None,
        ),
        metrics=BLOB_METRICS | {"elo": 1486.0, "elo_low": 1464.0, "elo_high": 1508.0} | YARDSTICKS,
    )
    put(layout, status)


def _row(iteration: int, chance: random.Random) -> bytes:
    fade, noise = math.exp(-iteration / 45), chance.gauss
    policy, value = 0.79 + 1.1 * fade + noise(0, 0.008), 0.41 + 0.5 * fade + noise(0, 0.005)
    metrics = {
        "loss": policy + value,
        "policy_loss": policy,
        "value_loss": value,
        "rounds_per_minute": (3900 if iteration < 50 else 3660) + noise(0, 12),
    }
    if iteration % 5 == 0:
        elo = 1000 + 530 * (1 - math.exp(-iteration / 60)) + noise(0, 7)
        metrics |= {"elo": elo, "elo_low": elo - 22, "elo_high": elo + 22}
        metrics |= {
            "points_vs_random": 5.1 + 3.6 * (1 - fade) + noise(0, 0.05),
            "points_vs_heuristic": 3.1 + 2.9 * (1 - fade) + noise(0, 0.05),
        }
    row = HistoryRow(
        iteration=iteration,
        run_id="20251113-a1b2c3",
        timestamp="2025-11-15T12:04:11Z",
        elapsed_hours=iteration * 0.33,
        metrics=metrics,
    )
    return encode_row(row)


def _name(iteration: int) -> str:
    elo = round(1000 + 530 * (1 - math.exp(-iteration / 60))) if iteration % 5 == 0 else None
    return CheckpointName(
        start_date="20251113",
        project="Blobmaster",
        architecture=1,
        millions="4.9",
        iteration=iteration - 1,
        elo=elo,
    ).format()


def _checkpoint(layout: RunLayout, iteration: int) -> None:
    folder = layout.cache if iteration % 5 else layout.permanent
    with (folder / _name(iteration)).open("wb") as file:
        file.truncate(CHECKPOINT_BYTES)  # a hole, not a hundred megabytes
    saved = time.time() - SAVED_AGO_S - (ITERATIONS - iteration) * 1188
    os.utime(folder / _name(iteration), (saved, saved))


def _log_lines() -> list[str]:
    return [
        f"2025-11-15 {10 + n // 60:02d}:{n % 60:02d}:07 INFO iteration {145 + n // 20} committed, "
        f"loss {1.262 - n / 4000:.3f}\n"
        for n in range(0, 120, 20)
    ]


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
    with tempfile.TemporaryDirectory() as folder, patch("socket.gethostname", lambda: "atlas"):
        layout = RunLayout(Path(folder))
        write_sample(layout)
        target.write_text(asyncio.run(draw(layout)), encoding="utf-8")


if __name__ == "__main__":
    make_picture(Path(sys.argv[1]))
