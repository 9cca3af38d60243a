"""Lend evaluators of one network to the blocks in play; each serves many, one after another."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch

from blobmaster.inference.cuda_graphs import cuda_graphs_for
from blobmaster.inference.evaluator import Evaluator, NetworkEvaluator
from blobmaster.model.layers import Parts
from blobmaster.selfplay.frozen_opponents import FrozenOpponents

EvaluatorMaker = Callable[..., NetworkEvaluator]
"""Makes an evaluator from the arguments of `NetworkEvaluator`."""


class LentEvaluators:
    """The evaluators of a network, and of the frozen opponents beside it."""

    def __init__(
        self,
        parts: Parts,
        frozen: Parts | None,
        device: torch.device,
        make: EvaluatorMaker = NetworkEvaluator,
    ) -> None:
        """Args:
        parts: the network, on `device`.
        frozen: holds the seats of network opponents; None for the network itself.
        device: where both run.
        make: makes evaluators.
        """
        self.parts = parts
        self._frozen = frozen
        self._device = device
        self._make = make
        self._spare: dict[int, list[Evaluator]] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        # Without the evaluators: their plans are addresses in this process.
        return LentEvaluators, (self.parts, self._frozen, self._device, self._make)

    @contextlib.contextmanager
    def lend(self, rows: int) -> Iterator[Evaluator]:
        """Lend an evaluator with room for exactly `rows` rows.

        A larger one would do, but capacity decides the padded batch sizes, and these the last bits.
        """
        # No lock: `setdefault`, `pop` and `append` are atomic. An evaluator whose block raised an
        # error is not put back, as its buffers may be half written.
        spare = self._spare.setdefault(rows, [])
        try:
            evaluator = spare.pop()
        except IndexError:
            evaluator = self._new(rows)
        yield evaluator
        spare.append(evaluator)

    def _new(self, rows: int) -> Evaluator:
        learner = self._of(self.parts, rows)
        if self._frozen is None:
            return learner
        return FrozenOpponents(learner, self._of(self._frozen, rows), rows)

    def _of(self, parts: Parts, rows: int) -> Evaluator:
        return self._make(parts, rows, self._device, backend=cuda_graphs_for(self._device))
