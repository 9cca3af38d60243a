"""`blobmaster watch`: reads runs like the monitor and delivers every event."""

from __future__ import annotations

import queue
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from blobmaster.monitor.exit_signals import exit_on_signals
from blobmaster.monitor.notify.events import Event, WatchState, detect_events
from blobmaster.monitor.notify.outbox import Outbox, drain
from blobmaster.monitor.notify.targets import Target
from blobmaster.monitor.options import MonitorOptions
from blobmaster.monitor.output import INTERRUPTED, refuse, report_error, write_out
from blobmaster.monitor.read.liveness import silence_limit
from blobmaster.monitor.read.poller import Poller
from blobmaster.monitor.read.readers import folder_problem, make_reader, resolve_folder
from blobmaster.monitor.text import plain
from blobmaster.monitor.view import View, out_of_contact

COMMAND: Final = "watch"
GRACE_S: Final = 3.0
"""Time for undelivered messages when a signal ends the watch."""


def run_watch(options: MonitorOptions, targets: Sequence[Target]) -> int:
    """Watch until every run has finished or a signal arrives; returns the process's exit status."""
    options = resolve_folder(options)
    if (reason := folder_problem(options)) is not None:
        return refuse(COMMAND, reason)
    outboxes = [Outbox(target, partial(report_error, COMMAND)) for target in targets]
    for outbox in outboxes:
        outbox.start()
    patience: float | None = GRACE_S
    try:
        exit_on_signals()
        write_out(f"telling {', '.join(target.name for target in targets)}\n")
        _watch(options, outboxes)
        patience = None
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        left = drain(outboxes, patience)
        if left:
            report_error(COMMAND, f"{left} messages were not delivered before the end")
    return 0


def _watch(options: MonitorOptions, outboxes: Sequence[Outbox]) -> None:
    found: queue.SimpleQueue[tuple[View, ...] | Exception] = queue.SimpleQueue()
    poller = Poller(make_reader(options), options.refresh_interval, found.put, found.put)
    poller.poll_now()  # read twice at once: a dead run is only reported at the second reading
    poller.start()
    views: tuple[View, ...] = ()
    told: dict[str, WatchState] = {}
    waiting: dict[str, str] = {}
    while not (views and all(view.state == "finished" for view in views)):
        try:
            taken = found.get(timeout=silence_limit(options.refresh_interval))
        except queue.Empty:
            taken = tuple(out_of_contact(view) for view in views)
        if isinstance(taken, Exception):
            raise taken
        views = taken
        waiting = _say_waiting(views, waiting)
        told = {view.source: told.get(view.source, WatchState()) for view in views}
        for view in views:
            told[view.source], news = detect_events(
                told[view.source], view, time.monotonic(), time.time()
            )
            for event in news:
                _tell(event, outboxes)
    poller.stop()


def _say_waiting(views: Sequence[View], said: Mapping[str, str]) -> dict[str, str]:
    """Say once of each run without a status what is waited for: a name may be mistyped."""
    lines = {view.source: plain.change_line(view) for view in views if not view.has_status}
    for source, line in lines.items():
        if said.get(source) != line:
            write_out(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {line}\n")
    return lines


def _tell(event: Event, outboxes: Sequence[Outbox]) -> None:
    for outbox in outboxes:
        outbox.put(event)
    write_out(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {event.run_id}: {event.message}\n")
