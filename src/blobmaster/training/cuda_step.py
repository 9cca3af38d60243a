"""A learning step on a GPU, recorded once and replayed: a CUDA graph.

A step asks the GPU for some three hundred kernels of a few microseconds each. From Python that
takes several times as long as the GPU does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

_WARM_UPS = 3
"""Runs before one is recorded: libraries set themselves up in the first."""


class CudaGraphStep:
    """What `step` does to tensors that stay where they are, from one call of the driver."""

    def __init__(self, step: Callable[[], Tensor], changes: Callable[[], Iterable[Tensor]]) -> None:
        """Record `step`, which leaves everything as it is.

        Args:
            step: reads and writes the same memory every time, and never waits for the GPU. What it
                returns is overwritten by the next call.
            changes: the tensors that it changes; new ones, where its first run makes some, begin
                at 0.
        """
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            warm_up(step, changes)
            stream.synchronize()
            self._graph = torch.cuda.CUDAGraph()
            # What other threads do meanwhile is no part of it, and no mistake.
            self._graph.capture_begin(capture_error_mode="thread_local")
            self._answer = step()
            self._graph.capture_end()
        torch.cuda.current_stream().wait_stream(stream)

    def __call__(self) -> Tensor:
        """Run it; what it returns is there once the GPU is asked."""
        self._graph.replay()
        return self._answer


def warm_up(step: Callable[[], Tensor], changes: Callable[[], Iterable[Tensor]]) -> None:
    """Run `step` a few times, and give back to all that it changes the values of before."""
    before = {id(tensor): (tensor, tensor.detach().clone()) for tensor in changes()}
    for _ in range(_WARM_UPS):
        step()
    with torch.no_grad():
        for tensor in changes():
            if id(tensor) in before:
                tensor.copy_(before[id(tensor)][1])
            else:
                tensor.zero_()
