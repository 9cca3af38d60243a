"""What the monitor costs and how soon it answers, and what being watched costs the trainer.

The monitor runs as a person runs it: its own process on a terminal. Where more must be known than
can be seen from outside, a few lines of `_COUNTING` or `_HANGING` come before it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import psutil

from blobmaster.bench.common import Figures, folder_here, seconds
from blobmaster.run.checkpoints.store import RunIdentity
from blobmaster.run.control.process import this_process
from blobmaster.run.files.history import HistoryRow, append_rows, encode_row
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.session import RunSession
from blobmaster.run.status.publisher import StatusPublisher
from blobmaster.run.status.run_progress import RunProgress
from blobmaster.run.status.step_progress import StepProgress
from blobmaster.run.status.ticker import Ticker

COLUMNS, LINES = 120, 35
ROWS: Final = 500
MANY_ROWS: Final = 100_000
POLLS: Final = 10_000
STARTS: Final = 5
IDLE_S: Final = 30.0
"""Six looks at the default interval."""
SETTLE_S: Final = 6.0
HEARTBEAT_S: Final = 2.0
KEYS: Final = 200
KEY_PAUSE_S: Final = 0.05
"""In which a frame is finished, as between the keys of fast fingers."""
TRAINER_S: Final = 30.0
UNITS_A_SECOND: Final = 60
ITERATION_S: Final = 60.0
PATIENCE_S: Final = 300.0

_START: Final = (
    "import sys; sys.argv = ['blobmaster', 'monitor', *sys.argv[1:]]\n"
    "from blobmaster.cli.main import main; main()"
)
_HANGING: Final = (
    "import os, time; real, count = os.open, []\n"
    "def slow(path, *rest, **more):\n"
    "    if str(path).endswith('status.json'):\n"
    "        count.append(1)\n"
    "        if len(count) > 2: time.sleep(5)\n"
    "    return real(path, *rest, **more)\n"
    "os.open = slow\n"
)
"""Every look at the status hangs for 5 s, from the third on."""
_COUNTING: Final = (
    "import os, pathlib; from blobmaster.monitor import options\n"
    "from blobmaster.monitor.read.source import Source\n"
    "options.SHORTEST_INTERVAL_S = 0\n"
    "real, count = Source.look, [0]\n"
    "looks = pathlib.Path(os.environ['BENCH_LOOKS'])\n"
    "def look(self):\n"
    "    count[0] += 1\n"
    "    if count[0] % 100 == 0: looks.write_text(str(count[0]))\n"
    "    return real(self)\n"
    "Source.look = look\n"
)
"""The looks are counted in a file, by the hundred, and may follow each other at once."""


def measure_monitor() -> Figures:
    """First data, one page, idling, memory, and keys while the file system hangs."""
    with folder_here() as folder:
        run = _SampleRun(folder / "run", ROWS)
        _first_data(run)  # leaves its bytecode compiled, as the second start of an installed one
        first = [_first_data(run) for _ in range(STARTS)]
        once = [seconds(lambda: _page(run)) for _ in range(STARTS)]
        bare = [seconds(_bare_python) for _ in range(STARTS)]
        idle = _idle(run)
        keys = sorted(_keys(run))
        grown = _growth(_SampleRun(folder / "long", MANY_ROWS), folder / "looks")
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
    """What status, requests, the machine's load, history and counting cost a trainer."""
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
        counting = _cpu(session.advance, 10_000) * UNITS_A_SECOND
        history = folder / "history.jsonl"
        keeping = _cpu(lambda: append_rows(history, [_history_row(1)]), 100) / ITERATION_S
    share = ticking + counting + keeping
    return {
        "setting": f"{UNITS_A_SECOND} units a second, an iteration each {ITERATION_S:.0f} s, "
        f"{os.cpu_count()} cores",
        "ticker_percent_of_a_core": 100 * ticking,
        "counting_percent_of_a_core": 100 * counting,
        "history_percent_of_a_core": 100 * keeping,
        "share_of_the_machine_percent": 100 * share / (os.cpu_count() or 1),
    }


def _ticker_clock() -> int:
    """The processor time of the session's own thread."""
    (ticker,) = (thread for thread in threading.enumerate() if isinstance(thread, Ticker))
    assert ticker.ident is not None
    return time.pthread_getcpuclockid(ticker.ident)


def _cpu(work: Callable[[], object], times: int) -> float:
    """Processor seconds that `work` takes this thread."""
    began = time.thread_time()
    for _ in range(times):
        work()
    return (time.thread_time() - began) / times


class _SampleRun:
    """The files of a run of this very process, with the looks of one that is at work."""

    def __init__(self, root: Path, rows: int) -> None:
        self.layout = RunLayout(root)
        root.mkdir()
        self.layout.history.write_bytes(b"".join(map(_row, range(1, rows + 1))))
        self.layout.log.write_text("INFO iteration committed\n" * 300)
        self._progress = StepProgress(time.monotonic(), time.time())
        self._progress.start("self-play", 10**6, "rounds", time.monotonic(), time.time())
        self._board = StatusPublisher(self.layout, this_process(), self._progress, lambda: None)
        self._board.update(
            state="running", run_id="bench", metrics={"phase": "rounds", "elo": 1200.0}
        )
        progress = RunProgress(
            first=rows, total=2 * rows, elapsed_before_s=0.0, now=time.monotonic()
        )
        self._board.track(progress)
        self.beat()

    @property
    def environment(self) -> dict[str, str]:
        """A terminal's; and bytecode is kept, whatever this process's environment says."""
        inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        bytecode = str(self.layout.root.with_name("bytecode"))
        terminal = {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        return inherited | terminal | {"PYTHONPYCACHEPREFIX": bytecode}

    def beat(self) -> None:
        """What the trainer does every 2 s."""
        self._progress.advance(120, time.monotonic(), time.time())
        self._board.write()


class _Screen:
    """A monitor on a terminal of its own."""

    def __init__(self, run: _SampleRun, *options: str, before: str = "") -> None:
        self._near, far = pty.openpty()
        fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        folder = str(run.layout.root)
        self.process = subprocess.Popen(
            [sys.executable, "-c", before + _START, "--checkpoint-dir", folder, *options],
            stdin=far,
            stdout=far,
            stderr=far,
            start_new_session=True,
            env=run.environment,
        )
        os.close(far)

    def read(self, patience: float) -> bytes:
        """What comes within this time; empty where nothing does."""
        ready, _, _ = select.select([self._near], [], [], patience)
        return os.read(self._near, 1 << 16) if ready else b""

    def read_for(self, duration: float) -> int:
        """The number of bytes that come in this time."""
        until, count = time.monotonic() + duration, 0
        while (left := until - time.monotonic()) > 0:
            count += len(self.read(left))
        return count

    def wait_for(self, text: bytes) -> None:
        """Read until the text has come.

        Raises:
            RuntimeError: it does not.
        """
        seen, until = b"", time.monotonic() + PATIENCE_S
        while text not in seen:
            if time.monotonic() > until:
                raise RuntimeError(f"the monitor never showed {text!r}")
            seen = seen[-len(text) :] + self.read(1.0)

    def press(self, key: bytes) -> None:
        os.write(self._near, key)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._near)


@contextlib.contextmanager
def _screen(run: _SampleRun, *options: str, before: str = "") -> Iterator[_Screen]:
    screen = _Screen(run, *options, before=before)
    try:
        yield screen
    finally:
        screen.close()


def _first_data(run: _SampleRun) -> float:
    run.beat()
    began = time.perf_counter()
    with _screen(run) as screen:
        screen.wait_for(b"self-play")
        return time.perf_counter() - began


def _page(run: _SampleRun) -> None:
    folder = str(run.layout.root)
    command = [sys.executable, "-c", _START, "--once", "--checkpoint-dir", folder]
    subprocess.run(command, capture_output=True, check=True, env=run.environment)


def _bare_python() -> None:
    subprocess.run([sys.executable, "-c", "pass"], check=True)


def _idle(run: _SampleRun) -> Figures:
    """A screen that nobody touches, at the default interval, while the run goes on."""
    with _screen(run) as screen:
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


def _keys(run: _SampleRun) -> Iterator[float]:
    """From the key that asks for help to its text."""
    with _screen(run, "--refresh-interval", "1", before=_HANGING) as screen:
        screen.wait_for(b"self-play")
        screen.wait_for(b"does not answer")
        for _ in range(KEYS):
            began = time.perf_counter()
            screen.press(b"?")
            screen.wait_for(b"this help")
            yield time.perf_counter() - began
            screen.press(b"q")
            screen.read_for(KEY_PAUSE_S)


def _growth(run: _SampleRun, looks: Path) -> Figures:
    """Memory from the first hundreds of looks, all rows read, to the last, the run at work."""
    os.environ["BENCH_LOOKS"] = str(looks)
    with _screen(run, "--refresh-interval", "0.001", before=_COUNTING) as screen:
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


def _row(iteration: int) -> bytes:
    return encode_row(_history_row(iteration))


def _history_row(iteration: int) -> HistoryRow:
    metrics = {"loss": 2 - iteration / 1e6, "policy_loss": 1.2, "value_loss": 0.7}
    metrics |= {"elo": 1000.0 + iteration % 97, "rounds_per_minute": 3600.0 + iteration % 13}
    return HistoryRow(
        iteration=iteration,
        run_id="bench",
        timestamp="2026-01-01T00:00:00Z",
        elapsed_hours=iteration / 3,
        metrics=metrics,
    )
