"""`blobmaster` that stands still at one place: `held.py STEP TIME UNITS RELEASE ARGUMENT...`.

The TIME-th time that the run comes to STEP, its work waits after UNITS units, however fast the
machine is, until the file RELEASE exists or the run is told to leave. A test has all the time that
it needs to look, ask and kill there.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from blobmaster.cli.main import main
from blobmaster.run.session import RunSession


def hold(step: str, nth: int, units: int, release: Path) -> None:
    """Make `RunSession.advance` wait at that place; workers call it between two rounds."""
    lock = threading.Lock()
    seen = counted = 0
    here = False
    original_step, original_advance = RunSession.step, RunSession.advance

    def step_held(session: RunSession, name: str, *args: object, **kwargs: object) -> None:
        nonlocal seen, here
        seen += name == step
        here = name == step and seen == nth
        original_step(session, name, *args, **kwargs)

    def advance_held(session: RunSession, units_now: int = 1) -> None:
        nonlocal counted
        with lock:
            stands = here and counted >= units
            counted += units_now if here else 0
        while stands and not (session.should_stop.is_set() or release.exists()):
            time.sleep(0.01)
        original_advance(session, units_now)

    RunSession.step, RunSession.advance = step_held, advance_held


if __name__ == "__main__":
    step, nth, units, release, *arguments = sys.argv[1:]
    hold(step, int(nth), int(units), Path(release))
    sys.argv = ["blobmaster", *arguments]
    main()
