"""The actor: a process on some host that plays blocks of the jobs that it is sent."""

from __future__ import annotations

import pickle
import time
from typing import Any, NamedTuple

from blobmaster.cluster.hosts import HostFacts, host_facts
from blobmaster.cluster.library import load_ray
from blobmaster.inference.evaluator import use_one_thread
from blobmaster.inference.stepping import never
from blobmaster.selfplay.pool import Job


class SentJob(NamedTuple):
    """A job in the object store, where all actors of a host read it."""

    version: int
    content: list[Any]
    """The reference of the pickled job, in a list: else Ray would fetch it anew for every block."""


class Answer(NamedTuple):
    """A finished block."""

    result: bytes
    """Packed."""
    units: int
    """Rounds or deals."""
    core_seconds: float
    """CPU time that it took."""


class BlockActor:
    """Plays blocks in a process of its own, on one core. It keeps the newest job."""

    def __init__(self) -> None:
        use_one_thread()
        self._version = -1
        self._job: Job[Any] | None = None

    def facts(self) -> HostFacts:
        """Return the facts of the actor's host."""
        return host_facts()

    def play(self, sent: SentJob, block: int) -> Answer:
        """Play one block."""
        units = 0

        def count(more: int) -> None:
            nonlocal units
            units += more

        began = time.process_time()
        result = self._taken(sent).play(block, should_stop=never, on_units=count)
        return Answer(packed(result), units, time.process_time() - began)

    def _taken(self, sent: SentJob) -> Job[Any]:
        if self._job is None or sent.version != self._version:
            self._job = None  # its networks go before the next ones come
            # The reference is not kept: it would hold the job in the object store.
            self._job = unpacked(load_ray().get(sent.content[0]))
            self._version = sent.version
        return self._job


def packed(value: object) -> bytes:
    """Pickle a value.

    As bytes, not as an object that Ray serializes: an array that Ray returns lies in the object
    store, and would hold its memory there for as long as the array is used.
    """
    return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)


def unpacked(content: bytes) -> Any:
    """Unpickle a value that `packed` pickled, in the trainer or in one of its actors."""
    return pickle.loads(content)  # noqa: S301 (whoever can send it controls Ray, and thus the host)
