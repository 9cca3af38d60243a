"""A session of a run: the object through which a training loop keeps its run safe and visible."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from blobmaster.run.checkpoints.commits import Commits, last_committed
from blobmaster.run.checkpoints.growth import hours_left, measure_growth
from blobmaster.run.checkpoints.record import RunRecord
from blobmaster.run.checkpoints.retention import is_permanent
from blobmaster.run.checkpoints.retry import WriteRetry
from blobmaster.run.checkpoints.store import CheckpointMeta, CheckpointStore, RunIdentity
from blobmaster.run.control import keep_note
from blobmaster.run.control.lock import RunLock
from blobmaster.run.control.process import this_process
from blobmaster.run.control.requests import RequestKind, Requests
from blobmaster.run.control.signals import SignalWatch
from blobmaster.run.errors import RunLostError, WriteAbandonedError
from blobmaster.run.files.history import HistoryRow
from blobmaster.run.files.inflight import InflightStore
from blobmaster.run.files.layout import START, RunLayout
from blobmaster.run.loss_watch import LossWatch
from blobmaster.run.opening import acquire_directory, prepare_directory, restore_status
from blobmaster.run.status.cluster import ClusterReporter
from blobmaster.run.status.machine import ResourceSampler
from blobmaster.run.status.publisher import StatusPublisher
from blobmaster.run.status.run_progress import RunProgress, equal_work
from blobmaster.run.status.running_clock import RunningClock
from blobmaster.run.status.schema import ENDED, Host, Request, clean_metrics
from blobmaster.run.status.step_progress import StepProgress
from blobmaster.run.status.ticker import Ticker
from blobmaster.run.thread_failures import ThreadFailures

__all__ = ["RunIdentity", "RunSession"]

NO_LOCK = "no-lock"
"""Kind of the alert for a filesystem without locks."""

log = logging.getLogger(__name__)


class RunSession:
    """A context manager that holds a run directory from `open` to the end of the `with` block.

    Open it before importing heavy libraries. `begin` starts or resumes a run. Then the loop reports
    each iteration's work (`step`, `advance`) and commits it (`commit`), until `finish`, `paused` or
    `fail`. It checks `pause_requested` between iterations and `should_stop` between small steps of
    work. A `WriteAbandonedError` ends the block like a pause, a `RunLostError` as failed; neither
    is propagated.
    """

    layout: RunLayout
    store: CheckpointStore
    inflight: InflightStore
    clock: RunningClock
    """Returns seconds without the time in which the system stopped the process."""

    @classmethod
    def open(cls, root: Path, *, command: str) -> Self:
        """Lock the run directory and receive requests and signals from now on.

        To be called in the main thread.

        Args:
            root: the run directory; it is created if needed.
            command: the user's command line, recorded beside the lock.

        Raises:
            RunHeldError: another trainer holds the directory.
            RunDirectoryError: it cannot be created or written.
            ValueError: the caller is not the main thread.
        """
        return cls(root, command)

    def __init__(self, root: Path, command: str) -> None:
        self.layout = RunLayout(root)
        self._lock = RunLock(self.layout)
        self._watch = SignalWatch()
        self._requests = Requests()
        self.clock = RunningClock()
        self._progress = StepProgress(self.clock(), time.time())
        self._publisher = StatusPublisher(
            self.layout, this_process(), self._progress, self._watch.wake, self.clock
        )
        self._loss = LossWatch(self._lock, self._publisher, self.fail)
        self._retry = WriteRetry(
            self._publisher, self._requests, self._on_wait, self._loss.check, root=root
        )
        self._resources = ResourceSampler(self.layout, self._publisher)
        self._cluster = ClusterReporter(self._publisher, self._progress)
        self._resources.hours_left = self._hours_until_full
        self.store = CheckpointStore(self.layout)
        self.inflight = InflightStore(self.layout, self._retry.until_written)
        self._commits = Commits(self.layout, self._publisher, self._retry, self.inflight)
        self._record: RunRecord | None = None
        self._first = 0
        self._after_commit: str | None = None
        self._ticker = Ticker(
            watch=self._watch,
            layout=self.layout,
            requests=self._requests,
            publisher=self._publisher,
            sample=self._sample,
            close_status=self._close_status,
            is_held=self._loss.holds,
            fail=self.fail,
            exit_status=lambda: self.exit_status,
        )
        acquire_directory(self.layout, self._lock, command)
        with ExitStack() as undo:  # if a later part fails, the directory is free again
            undo.callback(self._lock.release)
            undo.callback(restore_status, self.layout)
            if self._lock.warning is not None:
                log.warning("%s", self._lock.warning)
                self._publisher.raise_alert(NO_LOCK, "warning", self._lock.warning)
            self._publisher.write()
            self._watch.install()
            undo.callback(self._watch.restore)
            self._failures = ThreadFailures(self._publisher)
            undo.callback(self._failures.close)
            self._ticker.start()
            undo.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        gave_up = isinstance(error, (WriteAbandonedError, RunLostError))
        try:
            if self._record:  # otherwise no run has started, so none has failed
                self._end_with(None if gave_up else error)
        finally:
            self._commits.close()
            self._ticker.stop()
            self._failures.close()
            self._close_status()
            self._publisher.close()
            self._watch.restore()
            self._lock.release()
        return gave_up

    @property
    def should_stop(self) -> threading.Event:
        """Set when running blocks are to be abandoned: exit within a second."""
        return self._requests.should_stop

    @property
    def pause_requested(self) -> bool:
        """True if the loop is to commit this iteration and then exit."""
        return self._requests.pause

    @property
    def identity(self) -> RunIdentity:
        """Identity of the run; known after `begin`."""
        return self._running().identity

    @property
    def first_iteration(self) -> int:
        """The first iteration of this session, 0-based; known after `begin`."""
        return self._first

    @property
    def exit_status(self) -> int:
        """The process's exit status: 0, 1 after a failure, or 128 + the signal's number."""
        state = self._publisher.status.state
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
        work: Callable[[int], Mapping[str, float]] = equal_work,
        checkpoint: Path | None = None,
        until_commit: str | None = None,
    ) -> Path | None:
        """Start a run, or resume one from a checkpoint.

        A fresh run moves the directory's earlier run to the archive. A resumed run keeps the
        checkpoint's identity and moves only later checkpoints to the archive.

        Args:
            identity: the run's identity, if it is not resumed.
            total_iterations: iterations of the whole run.
            resumed_from: metadata of the checkpoint; None for a fresh run.
            resume_command: the command line that resumes this run later.
            workers: number of workers, shown in the status.
            gpu: returns a GPU's figures; called every 2 s, it must not block (see `status.gpu`).
            work: returns the cost of an iteration's steps relative to the same step of other
                iterations, for the ETA; steps not named cost the same in every iteration.
            checkpoint: the file of `resumed_from`: if it is not in the run's own folders, the run
                takes over the history that lies beside it.
            until_commit: the command line that resumes until this session's first commit, if it
                differs: only a commit saves changed settings, or brings a checkpoint here.

        Returns:
            The folder that an earlier run was moved to; None if there was none.

        Raises:
            WriteAbandonedError: the run was asked to exit while the disk accepted no write.
        """
        identity = resumed_from.identity if resumed_from else identity
        moved: list[Path | None] = []
        self._retry.until_written(
            lambda: moved.append(
                prepare_directory(self.layout, identity, resumed_from, checkpoint)
            ),
            "run's folders",
        )
        self._after_commit = None if until_commit is None else resume_command
        self._first = 0 if resumed_from is None else resumed_from.iteration + 1
        before = 0.0 if resumed_from is None else resumed_from.elapsed_seconds
        self._resources.workers, self._resources.gpu = workers, gpu
        progress = RunProgress(
            first=self._first,
            total=total_iterations,
            elapsed_before_s=before,
            now=self.clock(),
            work=work,
        )
        self._record = RunRecord(identity, progress, self.clock)
        self._publisher.track(progress)
        self._publisher.update(
            run_id=identity.run_id,
            resume_command=resume_command if until_commit is None else until_commit,
            last_checkpoint=last_committed(self.store),
        )
        if keep_note.recall(self.layout, identity.run_id, self._requests):
            self._publisher.update(request=Request(text=RequestKind.CHECKPOINT, at=time.time()))
        self._refresh_state()
        return moved[-1]

    @property
    def resume_command(self) -> str | None:
        """The command line that resumes the run now; None before `begin`."""
        return self._publisher.status.resume_command

    def step(self, name: str, total: int = 0, unit: str = "", *, done: int = 0) -> None:
        """Start a step of `total` units of work (0: unknown).

        An earlier session completed `done` of them: they count as progress, not as speed.
        """
        now = self.clock()
        self._progress.start(name, total, unit, now, time.time(), done=done)
        if self._record is not None:
            self._record.progress.start_step(name, now)
            if done:
                self._record.progress.mark_resumed()

    def advance(self, units: int = 1) -> None:
        """Count units of the step as done. Cheap and thread-safe."""
        self._progress.advance(units, self.clock())

    def show_hosts(self, hosts: Sequence[Host], lost_blocks: int, repeated_blocks: int) -> None:
        """Show the hosts of a cluster that work for the run, and their alerts.

        Args:
            hosts: all of them, however many.
            lost_blocks: units of distributed work that failed or were lost in this session.
            repeated_blocks: those that were given to one more worker.
        """
        self._cluster.show(hosts, lost_blocks, repeated_blocks)

    def publish(self, metrics: Mapping[str, Any]) -> None:
        """Set some of the loop's own metrics in the status; the others keep their values."""
        together = self._publisher.status.metrics | clean_metrics(dict(metrics))
        self._publisher.update(urgent=False, metrics=together)

    def complete(self, iteration: int, metrics: Mapping[str, Any]) -> None:
        """End an iteration (0-based) without a commit; the next commit writes its history row."""
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
        """End an iteration (0-based) and start to commit it, once the previous commit is on disk.

        Args:
            iteration: the iteration, 0-based.
            write: writes a snapshot to a file as a zip archive, as `torch.save` does. It runs in
                another thread while the loop continues, so the snapshot must not change any more.
            metrics: the iteration's metrics, for history and status.
            elo: rating of the network, for the name of a permanent checkpoint.
            config: the loop's settings, for the checkpoint's metadata.
            extra: other data for the checkpoint's metadata.

        Raises:
            Exception: what the previous commit's `write` raised.
        """
        self.wait_for_commit()
        self.complete(iteration, metrics)
        keep = self._requests.take_keep()
        if keep and not self._requests.pause:
            self._publisher.update(request=None)
        record = self._running()
        meta = record.make_meta(iteration, elo, config, extra)
        permanent = keep or is_permanent(iteration)

        def on_disk(rows: Sequence[HistoryRow]) -> None:
            record.rows_written(rows)
            if self._after_commit is not None:
                self._publisher.update(urgent=False, resume_command=self._after_commit)
                self._after_commit = None
            if keep and not self._requests.keep:
                keep_note.remove(self.layout)

        self._commits.submit(meta, write, permanent=permanent, rows_written=on_disk)

    def commit_start(
        self,
        write: Callable[[BinaryIO], None],
        *,
        config: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """Commit a fresh run's initial state, so that the run can be resumed from its start.

        `write`, `config` and `extra` are as for `commit`. The first iteration's commit deletes this
        checkpoint.
        """
        meta = self._running().make_meta(START, None, config, extra)
        self._commits.submit(meta, write, permanent=False)

    def wait_for_commit(self) -> bool:
        """Wait until the last commit is on disk; returns False if it was abandoned to exit.

        Raises:
            Exception: what the checkpoint's writer raised.
        """
        return self._commits.wait()

    def finish(self) -> None:
        """End the run: its last iteration was committed."""
        self._end("finished")

    def paused(self) -> None:
        """End the session; the run can be resumed later."""
        self._end("paused")

    def fail(self, error: BaseException | str, *, resume_command: str | None = None) -> None:
        """End the run with an error; the last checkpoint stays valid.

        Args:
            error: the reason.
            resume_command: the command line that resumes this run, where the usual one would fail
                again.
        """
        text = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
        line = " ".join(text.split())
        log.error("the run failed: %s", line)
        self._requests.should_stop.set()  # a commit in progress tries once more and does not wait
        if resume_command is not None:
            self._after_commit = None  # a commit in progress must not bring the usual one back
            self._publisher.update(urgent=False, resume_command=resume_command)
        self._publisher.update(urgent=False, error=line)
        self._publisher.set_state("failed")

    def _running(self) -> RunRecord:
        if self._record is None:
            raise RuntimeError("call begin() before the first iteration")
        return self._record

    def _end_with(self, error: BaseException | None) -> None:
        if isinstance(error, Exception):
            self.fail(error)
        if self._publisher.status.state in ENDED:
            return
        try:
            self._end("paused")
        except BaseException as failure:  # raised by the last commit
            self.fail(failure)
            raise

    def _end(self, state: str) -> None:
        committed = self.wait_for_commit()
        self._publisher.update(urgent=False, request=None)
        self._publisher.set_state(state if committed else "paused")

    def _on_wait(self, waiting: bool) -> None:
        now = self.clock()
        if self._record is not None:
            progress = self._record.progress
            (progress.pause_clock if waiting else progress.resume_clock)(now)
        self._refresh_state()

    def _refresh_state(self) -> None:
        if self._requests.pause:
            self._publisher.set_state("pausing")
        elif self._retry.waiting:
            self._publisher.set_state("waiting")
        else:
            self._publisher.set_state("running" if self._record else "starting")

    def _sample(self) -> None:
        self.clock()  # the ticker reads it often, so that a stop shows as a gap
        self._refresh_state()
        self._resources.sample(time.monotonic())

    def _hours_until_full(self, disk: int, free_bytes: int) -> float | None:
        last = self._publisher.status.last_checkpoint
        if self._record is None or last is None:
            return None
        progress = self._record.progress.sample(self.clock())
        prefix = self._record.identity.checkpoint_name(0).prefix
        growth = measure_growth(disk, self.layout, self.store, prefix, last, progress)
        return None if growth is None else hours_left(growth, free_bytes)

    def _close_status(self) -> None:
        """Write this session's last status, or restore the earlier one if no run has started."""
        if self._record or self._loss.is_lost:
            failure = self._commits.failure
            if failure is not None and self._publisher.status.state not in ENDED:
                self.fail(failure)
            self._publisher.set_state("paused")
            self._publisher.write()
        else:
            restore_status(self.layout)
