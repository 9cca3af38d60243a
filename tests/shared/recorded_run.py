"""A recording of a real training run, and its replay as if it ran in this process now.

`python tests/shared/recorded_run.py RUN_DIR` records a run that is training: its status, history
and log as they are at that moment, and the names, sizes and times of its checkpoints.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from blobmaster.run.control.process import this_process
from blobmaster.run.files.layout import RunLayout

RECORDING = Path(__file__).parents[1] / "fixtures" / "recorded-run"
TIMES = ("heartbeat_at", "timestamp", "session_started_at", "progress_at")
"""Fields of the status that are seconds since the epoch."""


def record(run: Path, target: Path = RECORDING) -> None:
    """Copy the small files of a run, without its machine's paths, and list its checkpoints."""
    layout = RunLayout(run)
    target.mkdir(parents=True, exist_ok=True)
    for source in (layout.status, layout.history, layout.log):
        # The paths of the machine that recorded it mean nothing elsewhere.
        text = source.read_text().replace(str(run), "runs/blob")
        (target / source.name).write_text(re.sub(r"[\w./-]*/bin/blobmaster", "blobmaster", text))
    files = [
        (str(path.relative_to(run)), path.stat().st_size, path.stat().st_mtime)
        for folder in (layout.permanent, layout.cache)
        for path in sorted(folder.glob("*.pth"))
    ]
    (target / "checkpoints.json").write_text(json.dumps(files, indent=0) + "\n")


def replay(layout: RunLayout) -> dict[str, Any]:
    """Write the recorded run into a directory; return its status.

    All times move forward by the age of the recording, and the trainer's process is this one, so
    the run is alive. Checkpoints are holes of the recorded size.
    """
    status: dict[str, Any] = json.loads((RECORDING / "status.json").read_text())
    age = time.time() - status["heartbeat_at"]
    for folder in (layout.permanent, layout.cache):
        folder.mkdir()
    for name, size, saved_at in json.loads((RECORDING / "checkpoints.json").read_text()):
        with (layout.root / name).open("wb") as file:
            file.truncate(size)
        os.utime(layout.root / name, (saved_at + age, saved_at + age))
    shutil.copyfile(RECORDING / "history.jsonl", layout.history)
    shutil.copyfile(RECORDING / "train.log", layout.log)
    me = this_process()
    status |= {
        "pid": me.pid,
        "process_started_at": me.started_at,
        "process_start_ticks": me.start_ticks,
        "boot_id": me.boot_id,
        "host": me.host,
    }
    for field in TIMES:
        if isinstance(status.get(field), int | float):
            status[field] += age
    if status["step"] is not None:
        status["step"]["started_at"] += age
    if status["last_checkpoint"] is not None:
        status["last_checkpoint"]["saved_at"] += age
    layout.status.write_text(json.dumps(status))
    return status


if __name__ == "__main__":
    record(Path(sys.argv[1]))
