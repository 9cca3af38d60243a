"""CUDA graphs: forward passes on a GPU, recorded once and replayed without Python.

A pass of our networks takes a GPU about ten microseconds. Started kernel by kernel from Python it
takes ten times as long, and all other workers wait for the interpreter meanwhile. A graph holds the
copy of the rows to the GPU, the pass and the copy of the outputs back, and compiled code replays it
with one call of the driver.
"""

from __future__ import annotations

import ctypes
import threading
import weakref
from typing import Any

import numpy as np
import torch

from blobmaster.inference.backend import check
from blobmaster.model.layers import Forward

_DRIVER = "libcuda.so.1"
_NON_BLOCKING = 1
"""CU_STREAM_NON_BLOCKING: the stream does not wait for the default stream."""

_RECORDING = threading.Lock()
"""Serializes recordings: torch's allocator supports one capture at a time."""

_ATTACHED = threading.local()
"""Marks the threads that have made a CUDA call through torch. The driver has no current context in
a thread before that, and a launch there fails. Thread-local and not a set of thread ids, since a
new thread may get the id of one that ended."""

SIZES = 12
"""The most batch sizes that are recorded. Each graph takes memory of the card, and a GPU has speed
to spare for padding rows."""

STEPS = 16
"""Steps between two returns to Python: a step takes a GPU at most a millisecond, the return about a
tenth of one."""

_WARM_UPS = 2
"""Passes before the recorded one: cuBLAS and others allocate their workspaces in the first, which
fails during a capture."""

_STREAMS: list[torch.cuda.Stream] = []
"""Streams that no backend uses now. None is ever destroyed: torch's allocators remember which
streams used a buffer, and query them when it is freed."""


def cuda_graphs_for(device: torch.device) -> CudaGraphs | None:
    """Make the backend of a GPU; None for other devices, see `blobmaster.inference.cpu_plans`."""
    return CudaGraphs(device) if device.type == "cuda" else None


class CudaGraphs:
    """A `Backend` that records passes on a stream of its own."""

    sizes_at_most = SIZES
    steps_at_once = STEPS

    def __init__(self, device: torch.device) -> None:
        self._device = device
        driver = ctypes.CDLL(_DRIVER)
        self._stream = _STREAMS.pop() if _STREAMS else _new_stream(driver, device)
        weakref.finalize(self, _STREAMS.append, self._stream).atexit = False
        # A blocking event lets the waiting thread sleep instead of spin: other threads' searches
        # need the core.
        self._done = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        self._done.record(self._stream)  # torch creates the event here
        calls = (driver.cuGraphLaunch, driver.cuEventRecord, driver.cuEventSynchronize)
        self.handles = np.array(
            [
                *(ctypes.cast(found, ctypes.c_void_p).value for found in calls),
                self._stream.cuda_stream,
                self._done.cuda_event,
            ],
            np.int64,
        )
        self._graphs: list[torch.cuda.CUDAGraph] = []
        self._pool: Any = None

    def attach(self) -> None:
        """See `Backend`."""
        if not hasattr(_ATTACHED, "once"):
            self._stream.query()
            _ATTACHED.once = True

    def plan(self, part: Forward, rows: torch.Tensor, outputs: torch.Tensor) -> int:
        """See `Backend`; `rows` and `outputs` are pinned. Returns the driver's `CUgraphExec`."""
        with _RECORDING, torch.inference_mode(), torch.cuda.stream(self._stream):
            for _ in range(_WARM_UPS):
                part(rows.to(self._device))
            self._stream.synchronize()
            graph = torch.cuda.CUDAGraph()
            # thread_local: CUDA calls of other threads are neither captured nor errors. In torch's
            # default mode, global, a worker that allocates meanwhile would break the capture.
            graph.capture_begin(self._pool, capture_error_mode="thread_local")
            outputs.copy_(part(rows.to(self._device, non_blocking=True)), non_blocking=True)
            graph.capture_end()
            # All graphs share one memory pool. They run one after another on one stream, so no two
            # use it at the same time.
            self._pool = graph.pool()
            self._graphs.append(graph)
            return int(graph.raw_cuda_graph_exec())


def _new_stream(driver: ctypes.CDLL, device: torch.device) -> torch.cuda.Stream:
    """Create a stream that nobody else uses.

    torch hands out 32 streams and then the same ones again; to wait for a stream on which another
    thread records is an error.
    """
    # The lock: a synchronization would invalidate another thread's capture.
    with _RECORDING, torch.cuda.device(device):
        torch.cuda.synchronize()  # makes the device's context current, which the driver needs
        handle = ctypes.c_void_p()
        check(driver.cuStreamCreate(ctypes.byref(handle), _NON_BLOCKING))
        return torch.cuda.ExternalStream(handle.value, device)  # type: ignore[no-untyped-call]
