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
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from blobmaster.kernels import call, kernel
from blobmaster.net.formats import Forward

_DRIVER = "libcuda.so.1"
_NON_BLOCKING = 1
"""A stream that does not wait for the default one."""

_RECORDING = threading.Lock()
"""One recording at a time: torch's allocator takes no two."""

_CALLED = threading.local()
"""Which threads have called torch for the GPU: the driver knows no device in a thread before. Not
by their numbers, which a new thread takes over from one that ended."""

_WARM_UPS = 2
"""Passes before one is recorded: libraries set themselves up in the first."""

NOTHING = 0
"""The graph that asks nothing."""

LAUNCH, RECORD, WAIT, STREAM, DONE = range(5)


class Recording(NamedTuple):
    """A pass for one number of rows."""

    graph: int
    """The driver's `CUgraphExec`, or `NOTHING`."""
    outputs: npt.NDArray[np.float32]
    """`[rows, outputs]`, pinned: where its answers come to."""


class Recorder:
    """The passes of one evaluator, on a stream of its own. Not for several threads at once."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        driver = ctypes.CDLL(_DRIVER)
        self._stream = _own_stream(driver, device)
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
        self._recorded: dict[tuple[int, int], Recording] = {}
        self._nothing = Recording(NOTHING, np.zeros((0, 1), np.float32))

    def recording(self, part: Forward, rows: torch.Tensor) -> Recording:
        """The pass of `part` over `rows`, for the calling thread to replay.

        Args:
            part: it and its weights' memory must stay where they are.
            rows: pinned; for each number of rows the same memory every time.
        """
        if not hasattr(_CALLED, "once"):
            self._stream.query()
            _CALLED.once = True
        if len(rows) == 0:
            return self._nothing
        key = id(part), len(rows)
        if key not in self._recorded:
            self._recorded[key] = self._record(part, rows)
        return self._recorded[key]

    def _record(self, part: Forward, rows: torch.Tensor) -> Recording:
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
            self._graphs.append(graph)
            return Recording(graph.raw_cuda_graph_exec(), outputs.numpy())


def _own_stream(driver: ctypes.CDLL, device: torch.device) -> torch.cuda.Stream:
    """A stream that nobody else has: torch hands out 32, and then the same again, and nothing may
    wait for a stream on which somebody else records."""
    # Not while another thread records: it would be an error in that recording.
    with _RECORDING, torch.cuda.device(device):
        torch.cuda.synchronize()  # the driver makes streams where a device is in use
        handle = ctypes.c_void_p()
        check(driver.cuStreamCreate(ctypes.byref(handle), _NON_BLOCKING))
        stream = torch.cuda.ExternalStream(handle.value, device)  # type: ignore[no-untyped-call]
    # At the process's end the driver has let go of it before.
    weakref.finalize(stream, driver.cuStreamDestroy_v2, handle).atexit = False
    return stream


def replay(recorder: Recorder, recording: Recording) -> npt.NDArray[np.float32]:
    """Replay one pass and wait for it; its outputs, overwritten by the next replay."""
    check(_replay(recorder.handles, recording.graph))
    return recording.outputs


def check(code: int) -> None:
    """Raise `RuntimeError` for what the driver answered if it is no success."""
    if code != 0:
        raise RuntimeError(f"the CUDA driver failed with error {code}: see `nvidia-smi` and dmesg")


@kernel
def _replay(handles: npt.NDArray[np.int64], graph: int) -> int:
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
