"""The pages of a server: one run, or a list of runs and a page for each."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import quote

from blobmaster.monitor.following import Following
from blobmaster.monitor.options import MonitorOptions
from blobmaster.monitor.read.poller import Sender
from blobmaster.monitor.read.run_reader import RunReader
from blobmaster.monitor.read.runs import MultiRunReader, find_runs
from blobmaster.monitor.report.markup import text
from blobmaster.monitor.serve import curves
from blobmaster.monitor.serve.live import Channel, Parts
from blobmaster.monitor.serve.parts import RUN_PARTS, Part, Shown, state_badge, title
from blobmaster.monitor.text import listing
from blobmaster.monitor.view import SILENT, Reading, View
from blobmaster.run.control.requests import RequestKind

LIST_PARTS: Final = (Part("runs", lambda _: ""),)


class RunPage:
    """The live page of one run; it is written to only by `send`."""

    parts = RUN_PARTS

    def __init__(self, options: MonitorOptions) -> None:
        self._lock = threading.Lock()
        self._following = Following(options=options)
        self._curves: object = None
        self._charts = ""
        self.channel = Channel(RunReader(options), options.refresh_interval, self._take, self._draw)
        self._sender = Sender(options.control, self._sent)

    def send(self, kind: RequestKind) -> str | None:
        """Send a request to the trainer; returns why it is not sent."""
        with self._lock:
            shown = self._following.view(time.monotonic())
            if shown is None or not shown.accepts_requests:
                return "there is no trainer that could take it"
            if not self._following.can_write:
                return f"{self._following.options.control.parent} is not writable"
            self._following = self._following.with_request(kind.value, time.monotonic())
            if self._sender.ident is None:
                self._sender.start()
        self._sender.send(kind.value)
        self.channel.show(self._draw())
        self.channel.read_often(True)
        return None

    def _sent(self, error: str | None) -> None:
        with self._lock:
            self._following = self._following.with_answer_of_sending(error)
        self.channel.show(self._draw())
        self.channel.read_now()

    def _take(self, reading: Reading) -> Parts:
        with self._lock:
            self._following = self._following.with_reading(reading)
            self.channel.read_often(self._following.pending is not None)
        return self._draw()

    def _draw(self) -> Parts:
        with self._lock:
            following = self._following
            view = following.view(time.monotonic())
            if view is None:
                return {"notices": _silence()}
            shown = Shown(
                view=view,
                now=time.time(),
                interval=following.options.refresh_interval,
                can_write=following.can_write,
            )
            parts = {part.id: part.draw(shown) for part in RUN_PARTS}
            return parts | {"charts": self._drawn_charts(view), "title": title(view)}

    def _drawn_charts(self, view: View) -> str:
        """Draw the charts again only if the history has grown: it is the costly part."""
        if self._curves is not view.curves:
            self._curves, self._charts = view.curves, curves.draw(view.curves)
        return self._charts


class ListPage:
    """The live list of the runs below some folders, each with a link to its page."""

    parts = LIST_PARTS

    def __init__(self, options: MonitorOptions) -> None:
        self.channel = Channel(
            MultiRunReader(options, extent="status"),
            options.refresh_interval,
            _list_parts,
            lambda: {"runs": _silence()},
        )


class Pages:
    """All pages of a server, made when they are first asked for."""

    def __init__(self, options: MonitorOptions, *, allows_control: bool) -> None:
        self._options = replace(options, readonly=not allows_control)
        self._lock = threading.Lock()
        self._runs: dict[str, RunPage] = {}
        self._list = ListPage(options) if options.folders else None

    def find(self, run: str) -> RunPage | ListPage | None:
        """Return the page of a run by the id in its link, or without one the first page."""
        if not run:
            return self._list or self._page("", self._options)
        folder = self._folder(run)
        return None if folder is None else self._page(run, self._options.for_run(folder))

    @property
    def has_list(self) -> bool:
        """True if there is a list to go back to."""
        return self._list is not None

    def _folder(self, run: str) -> Path | None:
        # Only folders that the search finds can be opened: an id is never part of a path.
        for folder in find_runs(self._options.folders):
            if link_id(folder) == run:
                return folder
        return None

    def _page(self, run: str, options: MonitorOptions) -> RunPage:
        with self._lock:
            if run not in self._runs:
                self._runs[run] = RunPage(options)
            return self._runs[run]


def link_id(folder: Path) -> str:
    """Return a run's id in links: a digest of its path, so that no other run changes it."""
    return hashlib.sha256(bytes(folder.absolute())).hexdigest()[:16]


def _list_parts(views: Sequence[View]) -> Parts:
    headings, *rows = listing.table(views)
    heads = "".join(f'<th scope="col"{_align(n)}>{text(h)}</th>' for n, h in enumerate(headings))
    body = "".join(_row(view, row) for view, row in zip(views, rows, strict=True))
    amount = "1 run" if len(views) == 1 else f"{len(views)} runs"
    return {
        "title": f"{amount} – BlobMaster",
        "runs": f'<header><div><p class="kicker">BlobMaster</p><h1>{amount}</h1></div></header>'
        f'<div class="card scroll"><table class="runs"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>",
    }


def _row(view: View, cells: listing.Row) -> str:
    name, state, *figures = cells
    link = quote(link_id(Path(view.source).parent))
    remark = "" if view.problem is None else f'<br><span class="dim">{text(state)}</span>'
    drawn = "".join(
        f'<td data-head="{head}">{text(cell)}</td>'
        for head, cell in zip(listing.HEADINGS[2:], figures, strict=True)
    )
    return (
        f'<tr><th scope="row" class="word"><a href="/?run={link}">{text(name)}</a></th>'
        f'<td class="word">{state_badge(view)}{remark}</td>{drawn}</tr>'
    )


def _align(column: int) -> str:
    return ' class="word"' if column < 2 else ""


def _silence() -> str:
    return f'<ul class="notices"><li class="error">{text(SILENT)}</li></ul>'
