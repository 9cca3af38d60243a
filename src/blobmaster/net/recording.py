"""Forward passes on a GPU, recorded once and replayed: CUDA graphs.

A pass of our networks takes a GPU some ten microseconds, and Python ten times as long to ask for
kernel by kernel, while all other workers wait for the interpreter. Replaying a recording asks for
everything at once: the rows' way to the GPU, the pass, and the outputs' way back.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from blobmaster.net.formats import Forward

_RECORDING = threading.Lock()
"""One recording at a time: torch's allocator takes no two."""

_WARM_UPS = 2
"""Passes before one is recorded: libraries set themselves up in the first."""


class Recorder:
    """The passes of one evaluator, on a stream of its own. Not for several threads at once."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        # A thread that waits for it sleeps: another one's trees need the core.
        self._done = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        self._pool: Any = None
        self._recorded: dict[
            tuple[int, int], tuple[torch.cuda.CUDAGraph, npt.NDArray[np.float32]]
        ] = {}

    def run(self, part: Forward, rows: torch.Tensor) -> npt.NDArray[np.float32]:
        """What `part` says of `rows`.

        Args:
            part: it and its weights' memory must stay where they are.
            rows: pinned; for each number of rows the same memory every time.

        Returns:
            Pinned memory, overwritten by the next call for as many rows.
        """
        key = id(part), len(rows)
        if key not in self._recorded:
            self._recorded[key] = self._record(part, rows)
        graph, outputs = self._recorded[key]
        with torch.cuda.stream(self._stream):
            graph.replay()
            self._done.record()
        self._done.synchronize()
        return outputs

    def _record(
        self, part: Forward, rows: torch.Tensor
    ) -> tuple[torch.cuda.CUDAGraph, npt.NDArray[np.float32]]:
        with _RECORDING, torch.inference_mode(), torch.cuda.stream(self._stream):
            for _ in range(_WARM_UPS):
                answer = part(rows.to(self._device))
            outputs = torch.empty(answer.shape, pin_memory=True)
            self._stream.synchronize()
            graph = torch.cuda.CUDAGraph()
            # What other threads do meanwhile is no part of it, and no mistake.
            graph.capture_begin(self._pool, capture_error_mode="thread_local")
            outputs.copy_(part(rows.to(self._device, non_blocking=True)), non_blocking=True)
            graph.capture_end()
            self._pool = graph.pool()
            return graph, outputs.numpy()
