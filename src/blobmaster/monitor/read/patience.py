"""Looks at many things one after another, so that one whose file system hangs holds up no other.

A thread does the looking. If a look takes too long the thread is left to it, a daemon, and another
goes on with the rest; what hangs is not asked again until it has answered.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Final, Generic, TypeVar

PATIENCE_S: Final = 1.0
"""For one look."""
BUDGET_S: Final = 2.0
"""For all looks that hang anew in one round: a mount may hold many runs."""
_LEAST_S: Final = 0.05

Key = TypeVar("Key", bound=Hashable)
Found = TypeVar("Found")


@dataclass(frozen=True)
class Answer(Generic[Found]):
    """What a look found; `silent_s` is None, or since when it has been the last one to answer."""

    found: Found
    silent_s: float | None


class PatientLooks(Generic[Key, Found]):
    """Remembers what each thing looked like; for one thread to call."""

    def __init__(self) -> None:
        self._thread = _Looking()
        self._hung: dict[Key, Future[Found]] = {}
        self._last: dict[Key, tuple[Found, float]] = {}

    def look(self, looks: Mapping[Key, Callable[[], Found]]) -> dict[Key, Answer[Found] | None]:
        """Look at each; None where nothing was ever found. What is not named is forgotten.

        Raises: what a look raises.
        """
        for known in (self._hung, self._last):
            for key in known.keys() - looks.keys():
                del known[key]
        left = BUDGET_S
        for key, look in looks.items():
            began = time.monotonic()
            if not self._take(key, look, min(PATIENCE_S, max(left, _LEAST_S))):
                left -= time.monotonic() - began
        return {key: self._answer(key) for key in looks}

    def _take(self, key: Key, look: Callable[[], Found], patience: float) -> bool:
        """Whether the look, or the one that hung, has answered."""
        future = self._hung.pop(key, None)
        if future is not None and not future.done():
            self._hung[key] = future
            return False
        future = self._thread.ask(look)
        try:
            found = future.result(patience)
        except TimeoutError:
            if future.done():  # the look's own
                raise
            self._hung[key] = future
            self._thread.leave()
            self._thread = _Looking()
            return False
        self._last[key] = (found, time.monotonic())
        return True

    def _answer(self, key: Key) -> Answer[Found] | None:
        if key not in self._last:
            return None
        found, at = self._last[key]
        return Answer(found, time.monotonic() - at if key in self._hung else None)


class _Looking:
    """A thread that does one look after another; it begins with the first."""

    def __init__(self) -> None:
        self._asked: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="looking", daemon=True)

    def ask(self, look: Callable[[], Found]) -> Future[Found]:
        future: Future[Found] = Future()

        def answer() -> None:
            try:
                future.set_result(look())
            except Exception as error:  # noqa: BLE001 (raised again by `result`)
                future.set_exception(error)

        self._asked.put(answer)
        if self._thread.ident is None:
            self._thread.start()
        return future

    def leave(self) -> None:
        """End after the look that hangs."""
        self._asked.put(None)

    def _run(self) -> None:
        while (answer := self._asked.get()) is not None:
            answer()
