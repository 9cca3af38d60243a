"""Measure the monitor's cost and response time, and the cost of being watched for the trainer.

The monitor runs in its own process on a terminal, as for a person. To see what is not visible from
outside, the code in `_COUNTING` or `_HANGING` runs in that process first.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import psutil

from blobmaster.bench.common import Figures, folder_here, seconds
from blobmaster.bench.watched_run import (
    COLUMNS,
    LINES,
    MONITOR_START,
    SampleRun,
    open_screen,
    sample_row,
)
from blobmaster.run.checkpoints.store import RunIdentity
from blobmaster.run.files.history import append_rows
from blobmaster.run.session import RunSession
from blobmaster.run.status.ticker import Ticker

ROWS: Final = 500
MANY_ROWS: Final = 100_000
POLLS: Final = 10_000
STARTS: Final = 5
IDLE_S: Final = 30.0
"""Six polls at the default interval."""
SETTLE_S: Final = 6.0
HEARTBEAT_S: Final = 2.0
KEYS: Final = 200
KEY_PAUSE_S: Final = 0.05
"""Pause between keys, as of a fast typist; the monitor finishes a frame in it."""
TRAINER_S: Final = 30.0
UNITS_PER_SECOND: Final = 60
ITERATION_S: Final = 60.0

_HANGING: Final = (
    "import os, time; real, count = os.open, []\n"
    "def slow(path, *rest, **more):\n"
    "    if str(path).endswith('status.json'):\n"
    "        count.append(1)\n"
    "        if len(count) > 2: time.sleep(5)\n"
    "    return real(path, *rest, **more)\n"
    "os.open = slow\n"
)
"""Every read of the status takes 5 s from the third on, as on a file system that hangs."""
_COUNTING: Final = (
    "import os, pathlib; from blobmaster.monitor import options\n"
    "from blobmaster.monitor.read.run_reader import RunReader\n"
    "options.SHORTEST_INTERVAL_S = 0\n"
    "real, count = RunReader.read, [0]\n"
    "looks = pathlib.Path(os.environ['BENCH_LOOKS'])\n"
    "def read(self):\n"
    "    count[0] += 1\n"
    "    if count[0] % 100 == 0: looks.write_text(str(count[0]))\n"
    "    return real(self)\n"
    "RunReader.read = read\n"
)
"""Count the polls in a file, in hundreds, and let them follow each other without a pause."""


def measure_monitor() -> Figures:
    """Measure start, one page, idling, memory, and key response while the file system hangs."""
    with folder_here() as folder:
        run = SampleRun(folder / "run", ROWS)
        _first_data(run)  # leaves its bytecode compiled, as the second start of an installed one
        first = [_first_data(run) for _ in range(STARTS)]
        once = [_page(run) for _ in range(STARTS)]
        bare = [seconds(_bare_python) for _ in range(STARTS)]
        idle = _idle(run)
        keys = sorted(_keys(run))
        grown = _growth(SampleRun(folder / "long", MANY_ROWS), folder / "looks")
    return {
        "setting": f"{COLUMNS}×{LINES} terminal, {ROWS} history rows, {os.cpu_count()} cores",
        "first_data_ms": 1e3 * statistics.median(first),
        "once_ms": 1e3 * statistics.median(once),
        "bare_python_ms": 1e3 * statistics.median(bare),
        **idle,
        "key_to_frame_p50_ms": 1e3 * statistics.median(keys),
        "key_to_frame_p99_ms": 1e3 * statistics.quantiles(keys, n=100)[-1],
        **grown,
    }


def measure_watched() -> Figures:
    """Measure what status, requests, machine load, history and progress cost a trainer."""
    with folder_here() as folder, RunSession.open(folder / "run", command="bench") as session:
        identity = RunIdentity(
            run_id="bench", project="Bench", architecture=1, parameters=1, seed=0
        )
        session.begin(identity, 1000, None, "")
        session.step("self-play", total=10**9, unit="rounds")
        time.sleep(HEARTBEAT_S)
        ticker = _ticker_clock()
        began, used = time.monotonic(), time.clock_gettime(ticker)
        while time.monotonic() - began < TRAINER_S:
            time.sleep(HEARTBEAT_S)
            session.advance()
        ticking = (time.clock_gettime(ticker) - used) / (time.monotonic() - began)
        counting = _cpu(session.advance, 10_000) * UNITS_PER_SECOND
        history = folder / "history.jsonl"
        keeping = _cpu(lambda: append_rows(history, [sample_row(1)]), 100) / ITERATION_S
    share = ticking + counting + keeping
    return {
        "setting": f"{UNITS_PER_SECOND} units per second, an iteration every {ITERATION_S:.0f} s, "
        f"{os.cpu_count()} cores",
        "ticker_percent_of_a_core": 100 * ticking,
        "counting_percent_of_a_core": 100 * counting,
        "history_percent_of_a_core": 100 * keeping,
        "share_of_the_machine_percent": 100 * share / (os.cpu_count() or 1),
    }


def _ticker_clock() -> int:
    """Return the clock of the CPU time of the session's ticker thread."""
    (ticker,) = (thread for thread in threading.enumerate() if isinstance(thread, Ticker))
    assert ticker.ident is not None
    return time.pthread_getcpuclockid(ticker.ident)


def _cpu(work: Callable[[], object], times: int) -> float:
    """Return the CPU seconds of one call of `work` in this thread."""
    began = time.thread_time()
    for _ in range(times):
        work()
    return (time.thread_time() - began) / times


def _first_data(run: SampleRun) -> float:
    run.beat()
    began = time.perf_counter()
    with open_screen(run) as screen:
        screen.wait_for(b"self-play")
        return time.perf_counter() - began


def _page(run: SampleRun) -> float:
    run.beat()  # a run that is silent for 30 s is stalled, and its page ends with status 10
    folder = str(run.layout.root)
    command = [sys.executable, "-c", MONITOR_START, "--once", "--checkpoint-dir", folder]
    return seconds(
        lambda: subprocess.run(command, capture_output=True, check=True, env=run.environment)
    )


def _bare_python() -> None:
    subprocess.run([sys.executable, "-c", "pass"], check=True)


def _idle(run: SampleRun) -> Figures:
    """Measure a screen without input, at the default interval, while the run goes on."""
    with open_screen(run) as screen:
        screen.wait_for(b"self-play")
        screen.read_for(SETTLE_S)
        process = psutil.Process(screen.process.pid)
        before, written = process.cpu_times(), 0
        began = time.monotonic()
        while time.monotonic() - began < IDLE_S:
            run.beat()
            written += screen.read_for(HEARTBEAT_S)
        took, after = time.monotonic() - began, process.cpu_times()
        used = (after.user - before.user) + (after.system - before.system)
        return {
            "idle_cpu_percent": 100 * used / took,
            "idle_bytes_per_s": written / took,
            "resident_mib": process.memory_info().rss / 2**20,
        }


def _keys(run: SampleRun) -> Iterator[float]:
    """Yield the seconds from the key that asks for help to the help text."""
    with open_screen(run, "--refresh-interval", "1", before=_HANGING) as screen:
        screen.wait_for(b"self-play")
        screen.wait_for(b"does not answer")
        for _ in range(KEYS):
            began = time.perf_counter()
            screen.press(b"?")
            screen.wait_for(b"this help")
            yield time.perf_counter() - began
            screen.press(b"q")
            screen.read_for(KEY_PAUSE_S)


def _growth(run: SampleRun, looks: Path) -> Figures:
    """Measure memory growth from an early poll, with all rows read, to the last one."""
    os.environ["BENCH_LOOKS"] = str(looks)
    with open_screen(run, "--refresh-interval", "0.001", before=_COUNTING) as screen:
        screen.wait_for(b"self-play")
        process = psutil.Process(screen.process.pid)
        resident = []
        for count in (POLLS // 20, POLLS):
            while _number_in(looks) < count:
                run.beat()
                screen.read_for(0.05)
            resident.append(process.memory_info().rss / 2**20)
    return {
        "resident_mib_with_100000_rows": resident[-1],
        "growth_mib_over_10000_polls": resident[-1] - resident[0],
    }


def _number_in(file: Path) -> int:
    text = file.read_text() if file.exists() else ""
    return int(text or 0)
