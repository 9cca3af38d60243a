"""A session of a run: the one object by which a training loop keeps its run safe and visible."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from blobmaster.run.checkpoints.commits import Commits, last_committed
from blobmaster.run.checkpoints.retention import PERMANENT_EVERY, is_permanent
from blobmaster.run.checkpoints.store import CheckpointMeta, CheckpointStore, RunIdentity
from blobmaster.run.control.lock import RunLock
from blobmaster.run.control.process import this_process
from blobmaster.run.control.requests import Requests
from blobmaster.run.control.signals import SignalWatch
from blobmaster.run.errors import GivenUpError
from blobmaster.run.files.inflight import InflightStore
from blobmaster.run.files.layout import START, RunLayout
from blobmaster.run.files.ledger import Ledger
from blobmaster.run.files.retry import Patience
from blobmaster.run.opening import make_way, take_directory, take_status_back
from blobmaster.run.status.course import Course, same_work
from blobmaster.run.status.machine import Surroundings
from blobmaster.run.status.progress import Progress
from blobmaster.run.status.publisher import StatusPublisher
from blobmaster.run.status.schema import ENDED, clean_metrics
from blobmaster.run.status.ticker import Ticker

__all__ = ["RunIdentity", "RunSession"]

log = logging.getLogger(__name__)


class RunSession:
    """From `open`, before anything heavy is imported, to the end of the `with` block.

    `begin` says which run it is; then iteration after iteration is worked on (`step`, `advance`)
    and committed (`commit`), until `finish`, `paused` or `fail`. A loop looks at `pause_requested`
    between iterations and at `should_stop` between small steps of work. A `GivenUpError` ends
    the block like a pause and goes no further.
    """

    layout: RunLayout
    store: CheckpointStore
    inflight: InflightStore

    @classmethod
    def open(cls, root: Path, *, command: str) -> Self:
        """Take the run directory and hear requests and signals from here on.

        For the main thread. `command` is what a person typed, for whoever finds the run held.

        Raises: RunHeldError, RunDirectoryError; one line each.
        """
        return cls(root, command)

    def __init__(self, root: Path, command: str) -> None:
        self.layout = RunLayout(root)
        self._lock = RunLock(self.layout)
        take_directory(self.layout, self._lock, command)
        self._watch = SignalWatch()
        self._requests = Requests()
        self._progress = Progress(time.monotonic(), time.time())
        self._publisher = StatusPublisher(
            self.layout, this_process(), self._progress, self._watch.wake
        )
        self._patience = Patience(self._publisher, self._requests, self._hold)
        self._surroundings = Surroundings(root, self._publisher)
        self.store = CheckpointStore(self.layout)
        self.inflight = InflightStore(self.layout, self._patience.insist)
        self._commits = Commits(self.layout, self._publisher, self._patience, self.inflight)
        self._ledger: Ledger | None = None
        self._first = 0
        self._ticker = Ticker(
            watch=self._watch,
            layout=self.layout,
            requests=self._requests,
            publisher=self._publisher,
            sample=self._sample,
            close_status=self._close_status,
        )
        self._publisher.write()
        self._watch.install()
        self._ticker.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        gave_up = isinstance(error, GivenUpError)
        try:
            if self._ledger:  # else no run has begun, so none has failed
                self._end_with(None if gave_up else error)
        finally:
            self._commits.close()
            self._ticker.stop()
            self._close_status()
            self._publisher.close()
            self._watch.restore()
            self._lock.release()
        return gave_up

    @property
    def should_stop(self) -> threading.Event:
        """Set when running blocks are to be given up: leave within a second."""
        return self._requests.should_stop

    @property
    def pause_requested(self) -> bool:
        """Commit this iteration, then leave."""
        return self._requests.pause

    @property
    def identity(self) -> RunIdentity:
        """Which run this is; known once it has begun."""
        return self._running().identity

    @property
    def first_iteration(self) -> int:
        """Where this session goes on, 0-based; known once it has begun."""
        return self._first

    @property
    def exit_status(self) -> int:
        """What the process should end with: 0, 1 after a failure, 128 + the signal's number."""
        state = self._publisher.facts.state
        if state == "failed":
            return 1
        return 128 + self._requests.signal if self._requests.signal and state != "finished" else 0

    def begin(
        self,
        identity: RunIdentity,
        total_iterations: int,
        resumed_from: CheckpointMeta | None,
        resume_command: str,
        *,
        workers: int | None = None,
        gpu: Callable[[], dict[str, Any] | None] | None = None,
        work: Callable[[int], Mapping[str, float]] = same_work,
    ) -> Path | None:
        """Begin the run or go on with it; returns where an earlier run was moved to, if one was.

        A fresh run moves aside the run that the directory holds. A resumed one keeps its identity,
        whatever `identity` says, and moves aside only what lies after the checkpoint.
        `gpu()` tells a card's figures; it is asked every 2 s and must not wait (see `run.gpu`).
        `work(iteration)` is what each of its steps costs beside other iterations' same step, for
        the ETA; steps that it does not name cost the same every time.

        Raises: GivenUpError when asked to leave while the disk takes nothing.
        """
        identity = resumed_from.identity if resumed_from else identity
        moved: list[Path | None] = []
        self._patience.insist(
            lambda: moved.append(make_way(self.layout, identity, resumed_from)), "run's folders"
        )
        self._first = 0 if resumed_from is None else resumed_from.iteration + 1
        before = 0.0 if resumed_from is None else resumed_from.elapsed_seconds
        self._surroundings.workers, self._surroundings.gpu = workers, gpu
        course = Course(
            first=self._first,
            total=total_iterations,
            elapsed_before_s=before,
            now=time.monotonic(),
            work=work,
        )
        self._ledger = Ledger(identity, course)
        self._publisher.follow(course)
        self._publisher.put(
            run_id=identity.run_id,
            resume_command=resume_command,
            last_checkpoint=last_committed(self.store),
        )
        self._refresh_state()
        return moved[-1]

    def step(self, name: str, total: int = 0, unit: str = "", *, done: int = 0) -> None:
        """Say what the loop does now, and of how many units (0: not known).

        `done` of them an earlier session did: they count as progress, not as speed.
        """
        now = time.monotonic()
        self._progress.start(name, total, unit, now, time.time(), done=done)
        if self._ledger is not None:
            self._ledger.course.enter(name, now)
            if done:
                self._ledger.course.enter_midway()

    def advance(self, units: int = 1) -> None:
        """Count units of the step as done. Cheap; any thread may."""
        self._progress.advance(units, time.monotonic(), time.time())

    def publish(self, metrics: Mapping[str, Any]) -> None:
        """Set the loop's own metrics for the status; those not named stay as they are."""
        together = self._publisher.facts.metrics | clean_metrics(dict(metrics))
        self._publisher.put(soon=False, metrics=together)

    def complete(self, iteration: int, metrics: Mapping[str, Any]) -> None:
        """End an iteration (0-based) without a commit; its history waits for the next one."""
        plain = clean_metrics(dict(metrics))
        self._running().complete(iteration, plain)
        self.publish(plain)

    def commit(
        self,
        iteration: int,
        write: Callable[[BinaryIO], None],
        *,
        metrics: Mapping[str, Any],
        elo: float | None = None,
        config: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """End an iteration (0-based) and commit it; returns when the commit before is on disk.

        `write(file)` runs in another thread, while the loop goes on: it must write a snapshot that
        nothing changes any more, as a zip archive (`torch.save` makes one).

        Raises: what the writer of the commit before raised.
        """
        self.settle()
        self.complete(iteration, metrics)
        keep = self._requests.take_keep()
        if keep and not self._requests.pause:
            self._publisher.put(request=None)
        meta = self._running().close(iteration, elo, config, extra)
        self._commits.submit(meta, write, permanent=keep or is_permanent(iteration))

    def commit_start(
        self,
        write: Callable[[BinaryIO], None],
        *,
        config: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """Commit the state that a fresh run starts from, so that it can be resumed at once.

        `write` as for `commit`. The checkpoint goes when the first iteration is committed.
        """
        meta = self._running().close(START, None, config, extra)
        self._commits.submit(meta, write, permanent=False)

    def settle(self) -> bool:
        """Wait until what was committed is on disk; False if that was given up, to leave.

        Raises: what the checkpoint's writer raised.
        """
        return self._commits.settle()

    def finish(self) -> None:
        """The last iteration was committed."""
        self._end("finished")

    def paused(self) -> None:
        """The loop leaves, to be resumed later."""
        self._end("paused")

    def fail(self, error: BaseException | str) -> None:
        """The run cannot go on; the last checkpoint stays good."""
        text = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
        line = " ".join(text.split())
        log.error("the run failed: %s", line)
        self._requests.should_stop.set()  # a commit in progress gets one more try, not a wait
        self._publisher.put(soon=False, error=line)
        self._publisher.put_state("failed")

    def _running(self) -> Ledger:
        if self._ledger is None:
            raise RuntimeError("begin() comes before the first iteration")
        return self._ledger

    def _end_with(self, error: BaseException | None) -> None:
        if isinstance(error, Exception):
            self.fail(error)
        if self._publisher.facts.state in ENDED:
            return
        try:
            self._end("paused")
        except BaseException as failure:  # the last commit's
            self.fail(failure)
            raise

    def _end(self, state: str) -> None:
        whole = self.settle()
        self._publisher.put(soon=False, request=None)
        self._publisher.put_state(state if whole else "paused")

    def _hold(self, waiting: bool) -> None:
        now = time.monotonic()
        if self._ledger is not None:
            course = self._ledger.course
            (course.stop_clock if waiting else course.start_clock)(now)
        self._refresh_state()

    def _refresh_state(self) -> None:
        if self._requests.pause:
            self._publisher.put_state("pausing")
        elif self._patience.waiting:
            self._publisher.put_state("waiting")
        else:
            self._publisher.put_state("running" if self._ledger else "starting")

    def _sample(self) -> None:
        self._refresh_state()
        last = self._publisher.facts.last_checkpoint
        seconds = self._ledger.course.seconds_per_iteration() if self._ledger else None
        if last is not None and seconds:
            self._surroundings.own_bytes_per_s = last.bytes / PERMANENT_EVERY / seconds
        self._surroundings.sample(time.monotonic())

    def _close_status(self) -> None:
        """Write the last status of this session, or bring back the one that it found."""
        if self._ledger:
            self._publisher.put_state("paused")
            self._publisher.write()
        else:
            take_status_back(self.layout)
