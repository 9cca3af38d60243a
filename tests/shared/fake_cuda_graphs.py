"""A stand-in for a GPU's driver, whose plans the CPU runs."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np
import torch

from blobmaster.inference.cpu_plans import bind_rows
from blobmaster.inference.cuda_graphs import SIZES, STEPS

_CALL = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
STREAM, DONE = 7, 11
"""Made-up handles; the fake driver checks that it gets them back."""

OUT_OF_MEMORY = 2
"""The CUDA status `cudaErrorMemoryAllocation`."""


class FakeBackend:
    """A `Backend` whose plans run at the wait: outputs read before it are wrong, as on a GPU."""

    sizes_at_most = SIZES
    steps_at_once = STEPS

    def __init__(self) -> None:
        self.sizes: list[int] = []
        """Size of each planned batch."""
        self.fails_at = -1
        """The number of the launch that fails, from 0."""
        self.launches = 0
        self._passes: dict[int, Callable[[], None]] = {}
        self._launched: list[int] = []
        self._attached = False
        self._calls = [_CALL(found) for found in (self._launch, self._record, self._wait)]
        addresses = [ctypes.cast(found, ctypes.c_void_p).value for found in self._calls]
        self.handles = np.array([*addresses, STREAM, DONE], np.int64)

    def attach(self) -> None:
        self._attached = True

    def plan(self, part, rows: torch.Tensor, outputs: torch.Tensor) -> int:
        assert len(rows) == len(outputs)

        answered = bind_rows(part, rows)

        def run() -> None:
            with torch.inference_mode():
                outputs.copy_(answered())

        self.sizes.append(len(rows))
        number = 1000 + len(self._passes)
        self._passes[number] = run
        return number

    def _launch(self, graph: int, stream: int) -> int:
        assert self._attached
        assert stream == STREAM
        self.launches += 1
        if self.launches - 1 == self.fails_at:
            return OUT_OF_MEMORY
        self._launched.append(graph)
        return 0

    def _record(self, event: int, stream: int) -> int:
        return 0 if (event, stream) == (DONE, STREAM) else 1

    def _wait(self, event: int, _: int | None) -> int:
        for graph in self._launched:
            self._passes[graph]()
        self._launched.clear()
        return 0 if event == DONE else 1
