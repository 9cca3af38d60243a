"""`blobmaster watch`: looks at runs as the monitor does and has every event delivered."""

from __future__ import annotations

import os
import queue
import sys
import time
from collections.abc import Sequence
from functools import partial
from typing import Final

from blobmaster.monitor.answers import INTERRUPTED, complain, refuse, say
from blobmaster.monitor.leaving import leave_on_signals
from blobmaster.monitor.notify.events import Event, Told, step
from blobmaster.monitor.notify.outbox import Outbox, settle
from blobmaster.monitor.notify.targets import Target
from blobmaster.monitor.options import MonitorOptions
from blobmaster.monitor.read.liveness import silence_limit
from blobmaster.monitor.read.looking import looks, settled, why_no_folder
from blobmaster.monitor.read.poller import Poller
from blobmaster.monitor.view import View, out_of_contact

COMMAND: Final = "watch"
GRACE_S: Final = 3.0
"""What messages that still wait are given when a signal ends the watch."""


def run_watch(options: MonitorOptions, targets: Sequence[Target]) -> int:
    """Watch until every run has finished or a signal comes; returns the process's exit status."""
    options = settled(options)
    if (reason := why_no_folder(options)) is not None:
        return refuse(COMMAND, reason)
    outboxes = [Outbox(target, partial(complain, COMMAND)) for target in targets]
    for outbox in outboxes:
        outbox.start()
    patience: float | None = GRACE_S
    try:
        leave_on_signals()
        say(f"telling {', '.join(target.name for target in targets)}\n")
        _watch(options, outboxes)
        patience = None
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    finally:
        left = settle(outboxes, patience)
        if left:
            complain(COMMAND, f"{left} messages were not delivered before the end")
    return 0


def _watch(options: MonitorOptions, outboxes: Sequence[Outbox]) -> None:
    found: queue.SimpleQueue[tuple[View, ...]] = queue.SimpleQueue()
    poller = Poller(looks(options), options.refresh_interval, found.put)
    poller.nudge()  # the second look at once: only then is a death believed
    poller.start()
    views: tuple[View, ...] = ()
    told: dict[str, Told] = {}
    while not (views and all(view.state == "finished" for view in views)):
        try:
            views = found.get(timeout=silence_limit(options.refresh_interval))
        except queue.Empty:
            views = tuple(out_of_contact(view) for view in views)
        told = {view.source: told.get(view.source, Told()) for view in views}
        for view in views:
            told[view.source], news = step(told[view.source], view, time.monotonic(), time.time())
            for event in news:
                _tell(event, outboxes)
    poller.leave()


def _tell(event: Event, outboxes: Sequence[Outbox]) -> None:
    for outbox in outboxes:
        outbox.put(event)
    say(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {event.run_id}: {event.message}\n")
