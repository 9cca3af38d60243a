"""Console output of commands that take long: log lines and progress bars."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from io import TextIOWrapper
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self, TypeVar

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from blobmaster.run.errors import StatusError
from blobmaster.run.status.schema import Status, Step, read_status

LOOK_SECONDS = 0.5
INTERRUPT_SECONDS = 0.1
LINE_SECONDS = 5.0
"""Interval between lines of progress where there is no terminal for a bar."""

Result = TypeVar("Result")

log = logging.getLogger(__name__)

LOG_FORMAT = "%(asctime)s %(levelname)s %(message)s"


def log_to_terminal(console: Console) -> None:
    """Send the package's log to the console: above the bar on a terminal, plain lines in a pipe."""
    handler: logging.Handler
    if console.is_terminal:
        handler = RichHandler(console=console, show_path=False, show_level=False, markup=False)
        handler.setFormatter(logging.Formatter("%(message)s"))
    else:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(logging.Formatter(LOG_FORMAT))
    root = logging.getLogger("blobmaster")
    root.setLevel(logging.INFO)
    root.addHandler(handler)


class _RunLog(logging.FileHandler):
    """A log file that ignores disk errors: the lines are on the terminal, and an alert is raised.

    logging would print a traceback for each line that a full disk does not accept, and raise where
    the file cannot be opened.
    """

    def _open(self) -> TextIOWrapper:
        # Opened without waiting: a fifo that nobody reads would stop the run.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK
        return open(
            self.baseFilename,
            "a",
            encoding=self.encoding,
            opener=lambda path, _: os.open(path, flags, 0o666),
        )

    def emit(self, record: logging.LogRecord) -> None:
        try:
            super().emit(record)
        except OSError as error:  # the file cannot be opened
            self._warn(error)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        error = sys.exception()
        if isinstance(error, OSError):  # the line cannot be written
            self._warn(error)
        else:
            super().handleError(record)

    _has_failed = False

    def _warn(self, error: OSError) -> None:
        if not self._has_failed:  # once, on the terminal, through logging's other handlers
            self._has_failed = True
            log.warning(
                "cannot write %s: %s; the run continues without it",
                self.baseFilename,
                error.strerror,
            )


def log_to_file(path: Path) -> None:
    """Add the package's log to the run's `train.log`."""
    # A path that is not UTF-8 is logged with escapes.
    handler = _RunLog(path, encoding="utf-8", errors="backslashreplace", delay=True)
    handler.setFormatter(logging.Formatter(LOG_FORMAT))
    logging.getLogger("blobmaster").addHandler(handler)


class ProgressBar:
    """Shows the current step on a terminal, read from the status file like a monitor.

    It runs in a thread of its own, so a slow terminal does not slow down the training.
    """

    def __init__(self, console: Console, status_file: Path) -> None:
        self._status_file = status_file
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="progress-bar", daemon=True)
        self._shown: tuple[int | None, str] | None = None
        self._task: TaskID | None = None
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._thread.join()
        self._progress.stop()

    def _follow(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                status = read_status(self._status_file)
            except StatusError:
                continue
            if status.step is not None:
                self._show(status, status.step)

    def _show(self, status: Status, step: Step) -> None:
        if self._shown != (status.iteration, step.name):
            if self._task is not None:
                self._progress.remove_task(self._task)
            where = f"iteration {status.iteration}/{status.total_iterations} {step.name}"
            self._task = self._progress.add_task(where, total=None, speed="")
            self._shown = (status.iteration, step.name)
        if self._task is not None:
            speed = f"{step.rate:.0f} {step.unit}/s" if step.rate else ""
            self._progress.update(
                self._task, completed=step.done, total=step.total or None, speed=speed
            )


class Tally:
    """Counts threads' completed work: a bar on a terminal, a line every few seconds elsewhere.

    SIGTERM and SIGHUP raise SystemExit meanwhile, with status 128 + number, in the main thread: the
    bar hides the cursor, and a command that just died would leave the terminal without one.
    """

    def __init__(self, console: Console, unit: str, total: int) -> None:
        self._console = console
        self._unit = unit
        self._total = total
        self._done = 0
        self._printed_at = time.monotonic()
        self._lock = threading.Lock()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
            # rich would print a command's answer on the bar's console, which is stderr: with
            # `> FILE` the answer has to reach the file.
            redirect_stdout=sys.stdout.isatty(),
        )
        self._task = self._progress.add_task(unit, total=total)
        self._caught: list[int] = []

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            numbers = (signal.SIGTERM, signal.SIGHUP)
            # What is ignored stays ignored, as nohup asks for.
            self._caught = [n for n in numbers if signal.getsignal(n) is signal.SIG_DFL]
        self._progress.start()
        for number in self._caught:  # not before: half a start cannot be stopped
            signal.signal(number, _leave)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()
        for number in self._caught:
            signal.signal(number, signal.SIG_DFL)

    def name(self, work: str) -> None:
        """Name the work that begins now: beside the bar, or in a line where there is none."""
        self._progress.update(self._task, description=work)
        if not self._console.is_terminal:
            self.say(work)

    def advance(self, count: int) -> None:
        """Add completed units; thread-safe."""
        self._progress.advance(self._task, count)
        with self._lock:
            self._done += count
            if self._console.is_terminal or time.monotonic() - self._printed_at < LINE_SECONDS:
                return
            self._printed_at = time.monotonic()
            self.say(f"{self._done} of {self._total} {self._unit}")

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def _leave(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)


def call_interruptibly(function: Callable[[], Result]) -> Result:
    """Call a function in another thread and return its result; raise KeyboardInterrupt at Ctrl+C.

    The function goes on after the exception, so the caller tells it to stop.
    """
    # Python raises KeyboardInterrupt in the main thread. Not in a wait without a timeout: SIGINT
    # may be delivered to another thread, and then it does not end the main thread's wait (seen in
    # one of five tries on two busy cores).
    calling = ThreadPoolExecutor(1).submit(function)
    while not wait([calling], INTERRUPT_SECONDS).done:
        pass
    return calling.result()
