"""An optimizer step as a CUDA graph: captured once, then replayed.

A step launches about three hundred GPU kernels of a few microseconds each. Launching them from
Python takes several times as long as they run; replaying a graph is one call of the driver.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

_WARM_UPS = 3
"""Runs before the capture. In the first ones cuBLAS allocates its workspaces and the optimizer its
moments; neither is allowed during a capture."""


class CudaGraphStep:
    """A step that is captured on construction and replayed by a call."""

    def __init__(self, step: Callable[[], Tensor], changes: Callable[[], Iterable[Tensor]]) -> None:
        """Capture `step` without changing any tensor.

        Args:
            step: a function that reads and writes the same memory every time and never waits for
                the GPU: a graph replays fixed addresses, and a synchronization breaks the capture.
                The tensor that it returns is overwritten by the next call.
            changes: returns the tensors that the step changes. Tensors that its first run creates
                must start at 0.
        """
        # The default stream cannot be captured. The waits order the work of both streams.
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            warm_up(step, changes)
            stream.synchronize()
            self._graph = torch.cuda.CUDAGraph()
            # "thread_local": calls of other threads, such as pinning memory for the next batch,
            # are neither captured nor make the capture fail.
            self._graph.capture_begin(capture_error_mode="thread_local")
            self._answer = step()
            self._graph.capture_end()
        torch.cuda.current_stream().wait_stream(stream)

    def __call__(self) -> Tensor:
        """Launch the graph; the result is valid once the GPU has finished."""
        self._graph.replay()
        return self._answer


def warm_up(step: Callable[[], Tensor], changes: Callable[[], Iterable[Tensor]]) -> None:
    """Run `step` a few times and restore the tensors that it changed.

    Tensors are restored in place, because the graph keeps their addresses. Those that the first run
    created, the moments of the optimizer, are set to zero, their initial value.
    """
    before = {id(tensor): (tensor, tensor.detach().clone()) for tensor in changes()}
    for _ in range(_WARM_UPS):
        step()
    with torch.no_grad():
        for tensor in changes():
            if id(tensor) in before:
                tensor.copy_(before[id(tensor)][1])
            else:
                tensor.zero_()
