"""Forward passes on a GPU, recorded once and replayed without Python: CUDA graphs.

A pass of our networks takes a GPU some ten microseconds. Asked for kernel by kernel from Python it
takes ten times as long, and all other workers wait for the interpreter meanwhile; handing that from
thread to thread takes longer still. A recording holds the rows' way to the GPU, the pass, and the
outputs' way back, and is replayed by a call of the driver from within compiled code.
"""

from __future__ import annotations

import ctypes
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from blobmaster.kernels.compile import kernel
from blobmaster.kernels.intrinsics import call

Forward = Callable[[torch.Tensor], torch.Tensor]
"""`[rows, inputs]` float32 to `[rows, outputs]` float32 logits, on the network's device."""

_DRIVER = "libcuda.so.1"
_NON_BLOCKING = 1
"""A stream that does not wait for the default one."""

_RECORDING = threading.Lock()
"""One recording at a time: torch's allocator takes no two."""

_CALLED = threading.local()
"""Which threads have called torch for the GPU: the driver knows no device in a thread before. Not
by their numbers, which a new thread takes over from one that ended."""

SIZES = 12
"""How many sizes of batches are recorded at most: each takes memory of the card, which has speed to
spare for rows that pad."""

STEPS = 16
"""A step takes a GPU a millisecond at most, and coming back to Python a tenth of one."""

_WARM_UPS = 2
"""Passes before one is recorded: libraries set themselves up in the first."""

NOTHING = 0
"""The graph that asks nothing."""

REFUSED = -1
"""Result of a CPU plan (`blobmaster.inference.cpu_plans`) that failed; not a driver's code."""

LAUNCH, RECORD, WAIT, STREAM, DONE = range(5)


_STREAMS: list[torch.cuda.Stream] = []
"""Those that no recorder has now. None is ever destroyed: torch's allocators keep which streams
used a buffer, and ask them when it is freed."""


def recorder_for(device: torch.device) -> Recorder | None:
    """One for a GPU; None elsewhere: `blobmaster.inference.cpu_plans` is for a CPU."""
    return Recorder(device) if device.type == "cuda" else None


class Recorder:
    """Records passes on a stream of its own. Not for several threads at once."""

    sizes_at_most = SIZES
    steps_at_once = STEPS

    def __init__(self, device: torch.device) -> None:
        self._device = device
        driver = ctypes.CDLL(_DRIVER)
        self._stream = _STREAMS.pop() if _STREAMS else _new_stream(driver, device)
        weakref.finalize(self, _STREAMS.append, self._stream).atexit = False
        # A thread that waits for it sleeps: another one's trees need the core.
        self._done = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        self._done.record(self._stream)  # which makes it
        calls = (driver.cuGraphLaunch, driver.cuEventRecord, driver.cuEventSynchronize)
        self.handles = np.array(
            [
                *(ctypes.cast(found, ctypes.c_void_p).value for found in calls),
                self._stream.cuda_stream,
                self._done.cuda_event,
            ],
            np.int64,
        )
        """Addresses of the driver's functions, and what they are called with."""
        self._graphs: list[torch.cuda.CUDAGraph] = []
        self._pool: Any = None

    def attach(self) -> None:
        """Make the calling thread one that may replay."""
        if not hasattr(_CALLED, "once"):
            self._stream.query()
            _CALLED.once = True

    def graph(self, part: Forward, rows: torch.Tensor, outputs: torch.Tensor) -> int:
        """Record the pass of `part` from `rows` to `outputs`: the driver's `CUgraphExec`.

        Args:
            part: it and its weights' memory must stay where they are.
            rows, outputs: `[rows, inputs]` and `[rows, outputs]`, pinned.
        """
        with _RECORDING, torch.inference_mode(), torch.cuda.stream(self._stream):
            for _ in range(_WARM_UPS):
                part(rows.to(self._device))
            self._stream.synchronize()
            graph = torch.cuda.CUDAGraph()
            # What other threads do meanwhile is no part of it, and no mistake.
            graph.capture_begin(self._pool, capture_error_mode="thread_local")
            outputs.copy_(part(rows.to(self._device, non_blocking=True)), non_blocking=True)
            graph.capture_end()
            self._pool = graph.pool()
            self._graphs.append(graph)
            return int(graph.raw_cuda_graph_exec())


def _new_stream(driver: ctypes.CDLL, device: torch.device) -> torch.cuda.Stream:
    """A stream that nobody else has: torch hands out 32, and then the same again, and nothing may
    wait for a stream on which somebody else records."""
    # Not while another thread records: it would be an error in that recording.
    with _RECORDING, torch.cuda.device(device):
        torch.cuda.synchronize()  # the driver makes streams where a device is in use
        handle = ctypes.c_void_p()
        check(driver.cuStreamCreate(ctypes.byref(handle), _NON_BLOCKING))
        return torch.cuda.ExternalStream(handle.value, device)  # type: ignore[no-untyped-call]


def check(code: int) -> None:
    """Raise `RuntimeError` for what the driver, or a program, answered if it is no success."""
    if code == REFUSED:
        raise RuntimeError(
            "torch failed in a network's pass: see what it printed before this, or set "
            "inference.number_format to bf16 or fp32"
        )
    if code != 0:
        raise RuntimeError(f"the CUDA driver failed with error {code}: see `nvidia-smi` and dmesg")


@kernel
def replay(handles: npt.NDArray[np.int64], graph: int) -> int:
    """Run a recorded pass and wait for it; the driver's code."""
    return launch(handles, graph) or wait(handles)


@kernel
def launch(handles: npt.NDArray[np.int64], graph: int) -> int:
    """Have the GPU run a recorded pass, once it is done with those before; the driver's code."""
    if graph == NOTHING:
        return 0
    return call(handles[LAUNCH], graph, handles[STREAM])


@kernel
def wait(handles: npt.NDArray[np.int64]) -> int:
    """Wait for all that was launched; the driver's code."""
    code = call(handles[RECORD], handles[DONE], handles[STREAM])
    if code == 0:
        code = call(handles[WAIT], handles[DONE], 0)  # which takes no second argument
    return code
