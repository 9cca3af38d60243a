"""The end of an iteration: commits its state as a checkpoint when one is due."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, BinaryIO

import torch

from blobmaster.config.compose import as_tables
from blobmaster.config.config import Config
from blobmaster.run.checkpoints.retention import is_permanent
from blobmaster.run.session import RunSession
from blobmaster.training.sinks import HistorySink
from blobmaster.training.snapshot import copied


class Committer:
    """Commits the state of a run, each `save_every` iterations and where it must.

    The loop waits only while the state is copied. A thread of the session writes the copy.
    """

    def __init__(self, config: Config, session: RunSession, history: HistorySink) -> None:
        self._config = config
        self._session = session
        self._history = history
        self._copy: dict[str, Any] = {}
        self._has_committed = False

    def commit_start(self, state: dict[str, Any]) -> None:
        """Commit the initial state, so that a run killed in its first iteration can resume."""
        self._session.commit_start(self._snapshot(state), config=as_tables(self._config))

    def end(self, iteration: int, state: dict[str, Any], elo: float | None) -> None:
        """End an iteration (0-based), whose metrics the sinks have, and commit it if due.

        Args:
            iteration: 0-based.
            state: the live state of the run.
            elo: the rating, which becomes part of the checkpoint's name; None if not rated.
        """
        session = self._session
        self._has_committed = self._is_due(iteration)
        if not self._has_committed:
            session.complete(iteration, self._history.take())
            return
        session.step("saving", total=1, unit="checkpoint")
        session.commit(
            iteration,
            self._snapshot(state),
            metrics=self._history.take(),
            elo=elo,
            config=as_tables(self._config),
        )
        session.advance()

    def pauses_after(self, iteration: int) -> bool:
        """Return True if the run is to pause after an iteration that has ended.

        A pause that was requested after `end` had decided not to commit waits for the next
        iteration: pausing now would lose this one.
        """
        is_last = iteration + 1 == self._config.run.iterations
        return self._has_committed and self._session.pause_requested and not is_last

    def _is_due(self, iteration: int) -> bool:
        run = self._config.run
        return (
            (iteration + 1) % run.save_every == 0
            or is_permanent(iteration)
            or iteration + 1 == run.iterations
            or self._session.pause_requested
        )

    def _snapshot(self, state: dict[str, Any]) -> Callable[[BinaryIO], None]:
        """Copy the state, and return a function that writes the copy to a file."""
        # The memory of the last copy is used again: wait until that one is on disk.
        self._session.wait_for_commit()
        # `ReplayWindow` replaces its arrays and never changes them: they need no copy.
        window = state["window"]
        rest = {key: value for key, value in state.items() if key != "window"}
        self._copy = copied(rest, into=self._copy)
        snapshot = {**self._copy, "window": window}

        def write(file: BinaryIO) -> None:
            torch.save(snapshot, file)

        return write
