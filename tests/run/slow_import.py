"""A trainer whose libraries take a while to load: `slow_import.py ROOT ITERATIONS SECONDS`."""

import sys
import time
from pathlib import Path

from victim import IDENTITY

from blobmaster.run.session import RunSession

with RunSession.open(Path(sys.argv[1]), command="slow") as session:
    time.sleep(float(sys.argv[3]))
    session.begin(IDENTITY, int(sys.argv[2]), None, "slow --resume")
    if not session.pause_requested:
        time.sleep(1000)
sys.exit(session.exit_status)
