"""Snapshots of the screen in its states and sizes.

`PYTHONPATH=tests:tests/monitor python tests/monitor/snapshots.py` draws all of them anew into
`tests/monitor/snapshots`; whoever changes one looks at it.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
from make_picture import COLOURS, as_svg
from monitor_terminal import make_status, put
from rich.terminal_theme import TerminalTheme
from sample_run import write_sample
from textual.app import App
from textual.pilot import Pilot

from blobmaster.monitor.options import MonitorOptions
from blobmaster.monitor.read.liveness import Verdict
from blobmaster.monitor.screen.app import MonitorApp, RunRead
from blobmaster.monitor.screen.runs_app import RunsApp
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.status.schema import Alert, Disk, Request, read_status

FOLDER = Path(__file__).with_name("snapshots")
SETTLED = 4
"""Equal pictures in a row that count as a screen at rest."""
RUN = Path("runs/long")
NOW = 1_763_208_000.0
"""15 November 2025, 12:00 UTC."""
UTF8, ASCII = {"LC_ALL": "C.UTF-8"}, {"LC_ALL": "C"}
LIGHT = TerminalTheme(
    background=(252, 252, 250),
    foreground=(36, 41, 47),
    normal=[
        *((36, 41, 47), (207, 34, 46), (17, 99, 41), (125, 78, 0)),
        *((9, 105, 218), (130, 80, 223), (27, 124, 131), (110, 119, 129)),
    ],
    bright=[
        *((87, 96, 106), (164, 14, 38), (26, 127, 55), (99, 60, 1)),
        *((33, 139, 255), (164, 117, 249), (49, 146, 170), (140, 149, 159)),
    ],
)
RUNNING = Verdict(state="running")


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A snapshot's input: size, colours and locale of the terminal, status, keys."""

    size: tuple[int, int] = (120, 35)
    colours: TerminalTheme = COLOURS
    locale: tuple[tuple[str, str], ...] = tuple(UTF8.items())
    verdict: Verdict = RUNNING
    status: tuple[tuple[str, Any], ...] = ()
    reading: tuple[tuple[str, Any], ...] = ()
    keys: tuple[str, ...] = ()
    has_run: bool = True
    is_list: bool = False


def says(**status: Any) -> tuple[tuple[str, Any], ...]:
    return tuple(status.items())


SNAPSHOTS: dict[str, Snapshot] = {
    **{
        f"running-{columns}x{lines}": Snapshot(size=(columns, lines))
        for columns, lines in ((40, 10), (60, 20), (80, 24), (120, 35), (160, 50), (250, 70))
    },
    "running-light": Snapshot(colours=LIGHT, size=(100, 30)),
    "running-ascii": Snapshot(locale=tuple(ASCII.items()), size=(100, 30)),
    "waiting": Snapshot(has_run=False, size=(80, 24)),
    "starting": Snapshot(
        size=(80, 24),
        verdict=Verdict(state="starting"),
        status=says(
            state="starting", iteration=1, progress=0.0, eta_hours=None, eta_days=None, step=None
        ),
    ),
    "pausing": Snapshot(
        size=(100, 30),
        verdict=Verdict(state="pausing"),
        status=says(state="pausing", request=Request(text="PAUSE", at=NOW)),
    ),
    "paused": Snapshot(
        size=(80, 24), verdict=Verdict(state="paused"), status=says(state="paused", step=None)
    ),
    "finished": Snapshot(
        size=(80, 24),
        verdict=Verdict(state="finished"),
        status=says(state="finished", iteration=500, progress=1.0, eta_hours=0.0, step=None),
    ),
    "failed": Snapshot(
        size=(100, 30),
        verdict=Verdict(state="failed"),
        status=says(state="failed", error="LossError: the loss is nan after iteration 151"),
    ),
    "waiting-for-disk": Snapshot(
        size=(100, 30),
        verdict=Verdict(state="waiting for disk"),
        status=says(
            state="waiting",
            disk=Disk(free_bytes=90_000_000, total_bytes=10**12, low=True, hours_left=0.4),
            alerts=[
                Alert(
                    kind="save-failed",
                    level="error",
                    message="cannot write the checkpoint: the disk is full: free some space; "
                    "the run waits and tries again by itself",
                    since=NOW,
                )
            ],
        ),
    ),
    "stalled": Snapshot(
        size=(100, 30),
        verdict=Verdict(
            state="stalled",
            why="process 4711 is alive, but nothing has moved for 12 min; its slowest so far was "
            "3 s",
        ),
    ),
    "dead": Snapshot(
        size=(100, 30),
        verdict=Verdict(state="dead", why="process 4711 is gone without a word; it said “running”"),
    ),
    "no-contact": Snapshot(
        size=(100, 30),
        verdict=Verdict(state="no contact", why="nothing new from atlas for 4 min"),
    ),
    "unconfirmed": Snapshot(
        size=(80, 24),
        verdict=Verdict(
            state="running", sure=False, why="as written by atlas; not seen to move yet"
        ),
    ),
    "unreadable-now": Snapshot(
        size=(80, 24),
        reading=says(problem="status file is not valid JSON; it may be half copied"),
    ),
    "help": Snapshot(size=(80, 24), keys=("?",)),
    "help-40x10": Snapshot(size=(40, 10), keys=("?",)),
    "question": Snapshot(size=(80, 24), keys=("p",)),
    "question-now-40x10": Snapshot(size=(40, 10), keys=("P",)),
    "log": Snapshot(size=(100, 30), keys=("l", "w")),
    "list": Snapshot(size=(100, 24), is_list=True),
    "list-40x10": Snapshot(size=(40, 10), is_list=True),
}


def draw(name: str) -> str:
    """The snapshot as SVG; nothing in it depends on the machine, the moment or the place."""
    with _environment(dict(SNAPSHOTS[name].locale)):
        return asyncio.run(_draw(SNAPSHOTS[name]))


@contextmanager
def _environment(locale: dict[str, str]) -> Iterator[None]:
    before = Path.cwd()
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.object(time, "time", lambda: NOW),
        patch("blobmaster.run.control.process.host_name", lambda: "atlas"),
        patch.dict(os.environ, {"TZ": "UTC", "LANG": "", "LC_CTYPE": "", **locale}),
    ):
        time.tzset()
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)
    time.tzset()


async def _draw(snapshot: Snapshot) -> str:
    RUN.mkdir(parents=True)
    layout = RunLayout(RUN)
    if snapshot.has_run:
        write_sample(layout)
        put(layout, msgspec.structs.replace(read_status(layout.status), host="atlas"))
    # The screen looks once; what it is to show comes after that, and no second look over it.
    options = MonitorOptions(status_file=layout.status, refresh_interval=3600.0)
    if snapshot.is_list:
        return await _draw_list(snapshot, options)
    app = MonitorApp(options)
    async with app.run_test(size=snapshot.size) as pilot:
        while app._following.reading is None or (
            snapshot.has_run and not app._following.reading.curves
        ):
            await pilot.pause(0.02)
        if app._following.reading.status is not None:
            status = msgspec.structs.replace(app._following.reading.status, **dict(snapshot.status))
            reading = replace(
                app._following.reading,
                status=status,
                verdict=snapshot.verdict,
                **dict(snapshot.reading),
            )
            app.post_message(RunRead(options, reading))
            await pilot.pause()
        await pilot.press(*snapshot.keys)
        return await _settled(app, pilot, snapshot)


async def _settled(app: App[None], pilot: Pilot[None], snapshot: Snapshot) -> str:
    """Return the picture once the screen does not change any more.

    A changed view is laid out and drawn in several messages, and a busy machine takes its time.
    """
    pictures = [""]
    while len(pictures) < SETTLED or len(set(pictures[-SETTLED:])) > 1:
        await pilot.pause(0.05)
        pictures.append(as_svg(app, snapshot.colours))
    return pictures[-1]


async def _draw_list(snapshot: Snapshot, options: MonitorOptions) -> str:
    for name, changes in {
        "baseline": {"state": "finished", "progress": 1.0, "iteration": 500, "step": None},
        "wide-network": {"state": "paused", "iteration": 212, "progress": 0.422},
        "seed-2": {"pid": 1, "process_start_ticks": 5},
    }.items():
        folder = RunLayout(RUN.with_name(name))
        folder.root.mkdir()
        put(folder, make_status(run_id=name, host="atlas", **changes))
    app = RunsApp(replace(options, folders=(RUN.parent,)))
    async with app.run_test(size=snapshot.size) as pilot:
        while not app._runs.list.views:
            await pilot.pause(0.02)
        await pilot.press("down")
        return await _settled(app, pilot, snapshot)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name in SNAPSHOTS:
        (FOLDER / f"{name}.svg").write_text(draw(name), encoding="utf-8")


if __name__ == "__main__":
    main()
