"""A trainer whose second save raises: `failing_save.py ROOT`."""

import sys
from functools import partial
from pathlib import Path

from victim import IDENTITY, write_state

from blobmaster.run.session import RunSession


def refuse(file) -> None:
    raise FloatingPointError("weights are not finite")


try:
    with RunSession.open(Path(sys.argv[1]), command="failing") as session:
        session.begin(IDENTITY, 3, None, "failing --resume")
        session.commit(0, partial(write_state, b"good", 0), metrics={})
        session.commit(1, refuse, metrics={})
        session.finish()
except FloatingPointError:
    sys.exit(session.exit_status)
