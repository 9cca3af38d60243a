"""The life of a run in one thread, for tests that break it at every step of its input and output.

It is made of the parts that a session is made of, in the order in which a session uses them.
"""

import contextlib
import time
from functools import partial
from pathlib import Path

from victim import IDENTITY, learn, load, play, read_state, write_state

from blobmaster.run.checkpoints.commits import Commits
from blobmaster.run.checkpoints.retention import is_permanent
from blobmaster.run.checkpoints.retry import WriteRetry
from blobmaster.run.checkpoints.store import CheckpointMeta, CheckpointStore
from blobmaster.run.control import requests as control
from blobmaster.run.control.lock import RunLock
from blobmaster.run.control.process import this_process
from blobmaster.run.control.requests import Requests
from blobmaster.run.errors import ControlError
from blobmaster.run.files import history
from blobmaster.run.files.history import HistoryRow
from blobmaster.run.files.inflight import InflightStore
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.opening import acquire_directory, prepare_directory
from blobmaster.run.status.publisher import StatusPublisher
from blobmaster.run.status.schema import read_status
from blobmaster.run.status.step_progress import StepProgress

BLOCKS = 2


class Life:
    """One session of a run in `root`, from where its newest checkpoint left it."""

    def __init__(self, root: Path, *, identity=IDENTITY, fresh: bool = False) -> None:
        self.layout = RunLayout(root)
        self.store = CheckpointStore(self.layout)
        self.committed = 0
        """Iterations whose commit was reported as done in this session."""
        self._identity = identity
        self._fresh = fresh

    def live(self, iterations: int, resume: Path | None = None) -> bytes:
        """Train up to `iterations` and return the weights."""
        lock = RunLock(self.layout)
        try:
            acquire_directory(self.layout, lock, "small life")
            state = self._train(iterations, resume)
            lock.release()
            return state
        finally:
            lock.close()  # the end of a process frees it

    def _train(self, iterations: int, resume: Path | None) -> bytes:
        state, meta = (b"first weights", None) if self._fresh else load(self.store)
        if resume is not None:
            file, meta = self.store.read(resume)
            state = read_state(file)
        publisher = StatusPublisher(
            self.layout, this_process(), StepProgress(time.monotonic(), time.time()), lambda: None
        )
        requests = Requests()
        retry = WriteRetry(publisher, requests, lambda _: None, root=self.layout.root)
        inflight = InflightStore(self.layout, retry.until_written)
        commits = Commits(self.layout, publisher, retry, inflight)
        identity = meta.identity if meta else self._identity
        prepare_directory(self.layout, identity, meta)
        publisher.update(run_id=identity.run_id, state="running")
        try:
            for iteration in range(meta.iteration + 1 if meta else 0, iterations):
                state = self._iterate(state, iteration, identity, publisher, inflight, commits)
        finally:
            commits.close()
        publisher.update(state="finished")
        publisher.write()
        publisher.close()
        return state

    def _iterate(self, state, iteration, identity, publisher, inflight, commits) -> bytes:
        blocks = inflight.get_all(iteration, state.hex())
        for index in range(BLOCKS):
            if index not in blocks:
                blocks[index] = play(state, iteration, index)
                inflight.put(iteration, index, blocks[index], state.hex())
        state = learn(state, blocks)
        publisher.write()
        if iteration == 1:
            with contextlib.suppress(ControlError):  # a full disk: the person who asked is told
                control.send(self.layout.control, "CHECKPOINT")
            control.take(self.layout.control, self.layout.control_taken)
        meta = CheckpointMeta(
            identity=identity,
            iteration=iteration,
            elo=1000.0 + iteration,
            elapsed_seconds=0.0,
            saved_at=time.time(),
            config={},
            extra={},
            rows=[_row(identity.run_id, iteration, state)],
        )
        commits.submit(meta, partial(write_state, state, 100), permanent=is_permanent(iteration))
        commits.wait()
        self.committed = iteration + 1
        return state


def _row(run_id: str, iteration: int, state: bytes) -> HistoryRow:
    return HistoryRow(
        iteration=iteration + 1,
        run_id=run_id,
        timestamp="",
        elapsed_hours=0.0,
        metrics={"loss": state[0] / 256},
    )


def files(root: Path) -> dict[str, bytes]:
    """The files of a run, equal however often it was interrupted: the weights of every
    checkpoint, by path, and the history."""
    found = {
        str(path.relative_to(root)): read_state(CheckpointStore.read(path)[0])
        for path in sorted(root.rglob("*.pth"))
    }
    return found | {"history": (root / "history.jsonl").read_bytes()}


def assert_whole(root: Path) -> None:
    """Check that every file under its final name is complete."""
    for path in root.rglob("*.pth"):
        CheckpointStore.read(path)
    for path in root.rglob("status*.json"):
        read_status(path)
    for path in root.rglob("history.jsonl"):
        lines = path.read_bytes().splitlines(keepends=True)
        whole = [line for line in lines if line.endswith(b"\n")]
        assert len(lines) - len(whole) <= 1
        assert all(history.decode_row(line) for line in whole)
