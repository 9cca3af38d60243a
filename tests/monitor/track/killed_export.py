"""`killed_export.py CALLS track ...`: `blobmaster track`, killed after so many function calls.

The calls of one update are counted, from before the store is opened. With CALLS 0 it is not killed.
It prints how many calls there were when the store was open, and in all.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from blobmaster.cli.main import main
from blobmaster.monitor.track.command import _Followed
from blobmaster.monitor.track.replay import Replay

limit, count, opened = int(sys.argv[1]), 0, 0
update, replay = _Followed.update, Replay.update


def call(frame: Any, event: str, argument: Any) -> None:
    global count
    count += 1
    if count == limit:
        os.kill(os.getpid(), signal.SIGKILL)


def counted(self: _Followed) -> None:
    sys.setprofile(call)
    try:
        update(self)
    finally:
        sys.setprofile(None)


def replayed(self: Replay, rows: Any) -> int:
    global opened
    opened = opened or count
    return replay(self, rows)


_Followed.update, Replay.update = counted, replayed  # type: ignore[method-assign]
try:
    main(sys.argv[2:])
finally:
    sys.stdout.write(f"calls: {opened} {count}\n")
