"""Batches of one part of a network: its buffers, the sizes it is evaluated in, and its plans."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from blobmaster.game.cards import SUITS
from blobmaster.inference.backend import NOTHING, Backend, check, replay
from blobmaster.inference.compiled import UNPLANNED, PartPasses, plan_of
from blobmaster.model.layers import Forward

Outputs = npt.NDArray[np.float32]

BATCH_MULTIPLE = 8
"""Padded batches are multiples of this: vector units and GPU tiles work on as many rows anyway."""


class BatchedPart:
    """A part of a network, with buffers for up to `capacity` rows."""

    def __init__(
        self,
        forward: Forward,
        shape: tuple[int, int, int],
        sizes: int | None,
        device: torch.device,
        backend: Backend | None,
    ) -> None:
        """Args:
        forward: the part.
        shape: the capacity in rows, the inputs and the outputs.
        sizes: the most batch sizes; None for every size.
        device: where the part runs.
        backend: plans its passes, or None to run it from Python.
        """
        rows, inputs, outputs = shape
        # A CUDA graph can only copy from and to pinned memory.
        pinned = device.type == "cuda"
        self._forward = forward
        self._device = device
        self._backend = backend
        self._rows = torch.zeros(rows, inputs, pin_memory=pinned)
        self._batches: dict[int, torch.Tensor] = {}
        self._inference = torch.inference_mode()
        # A plan writes to fixed outputs; a pass from Python returns its own.
        planned = rows if backend else 0
        self._outputs = torch.zeros(planned, outputs, pin_memory=pinned)
        step = 1 if sizes is None else step_of(rows, sizes)
        plans = np.full(1 + -(-planned // step), UNPLANNED, np.int64)
        plans[0] = NOTHING
        self.passes = PartPasses(
            step=step,
            plans=plans,
            rows=self._rows.numpy(),
            slots=np.zeros((rows, SUITS), np.int64),
            outputs=self._outputs.numpy(),
            counts=np.zeros(2, np.int64),
        )

    def plan(self, count: int) -> int:
        """Return the plan for `count` rows; make it the first time."""
        plan = plan_of(self.passes, count)
        if plan == UNPLANNED:
            assert self._backend is not None
            size = padded(count, self.passes.step, len(self._rows))
            plan = self._backend.plan(self._forward, self._rows[:size], self._outputs[:size])
            self.passes.plans[-(-count // self.passes.step)] = plan
        return plan

    def evaluate(self, count: int) -> Outputs:
        """Evaluate the first `count` rows; return their outputs, overwritten by the next call."""
        self.passes.counts[0] += count
        self.passes.counts[1] += count > 0
        if self._backend is not None:
            self._backend.attach()
            check(replay(self._backend.handles, self.plan(count)))
            return self.passes.outputs[:count]
        if count == 0:
            return np.zeros((0, self._outputs.shape[1]), np.float32)
        batch = self._batch(count).to(self._device, non_blocking=True)
        with self._inference:
            outputs: Outputs = self._forward(batch).cpu().numpy()
        return outputs[:count]

    def _batch(self, count: int) -> torch.Tensor:
        """Return the padded batch of `count` rows; sliced once per size, which takes torch long."""
        # Padding rows hold what earlier batches left there: rows do not affect each other.
        size = padded(count, self.passes.step, len(self._rows))
        batch = self._batches.get(size)
        if batch is None:
            batch = self._batches[size] = self._rows[:size]
        return batch


def step_of(capacity: int, sizes: int) -> int:
    """Return the rows between two batch sizes, of at most `sizes` sizes up to `capacity`."""
    return BATCH_MULTIPLE * max(-(-capacity // (sizes * BATCH_MULTIPLE)), 1)


def padded(count: int, step: int, capacity: int) -> int:
    """Return the size of the batch in which `count` rows are evaluated."""
    return min(-(-count // step) * step, capacity)
