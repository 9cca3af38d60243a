"""`blobmaster` that pauses at one point: `paused_trainer.py STEP NTH UNITS RELEASE ARGUMENT...`.

When the run reaches STEP for the NTH time, it waits after UNITS units of work until the file
RELEASE exists or the run has to stop. So a test can inspect, signal or kill a trainer at an exact
point, whatever the speed of the machine.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from blobmaster.cli.main import main
from blobmaster.run.session import RunSession


def pause_at(step: str, nth: int, units: int, release: Path) -> None:
    """Make `RunSession.advance`, which workers call between rounds, wait at that point."""
    lock = threading.Lock()
    seen = counted = 0
    here = False
    original_step, original_advance = RunSession.step, RunSession.advance

    def step_and_count(session: RunSession, name: str, *args: object, **kwargs: object) -> None:
        nonlocal seen, here
        seen += name == step
        here = name == step and seen == nth
        original_step(session, name, *args, **kwargs)

    def advance_or_wait(session: RunSession, units_now: int = 1) -> None:
        nonlocal counted
        with lock:
            waits = here and counted >= units
            counted += units_now if here else 0
        while waits and not (session.should_stop.is_set() or release.exists()):
            time.sleep(0.01)
        original_advance(session, units_now)

    RunSession.step, RunSession.advance = step_and_count, advance_or_wait


if __name__ == "__main__":
    step, nth, units, release, *arguments = sys.argv[1:]
    pause_at(step, int(nth), int(units), Path(release))
    sys.argv = ["blobmaster", *arguments]
    main()
