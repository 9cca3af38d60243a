"""Backends: what turns a part of a network into plans that compiled code can run without Python.

A plan is one forward pass over a fixed number of rows, from a fixed place in memory to another.
Compiled code runs it by calls of C functions whose addresses stand in `Backend.handles`, so threads
that play do not wait for Python's interpreter. `cuda_graphs` and `cpu_plans` are the two backends.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from blobmaster.kernels.compile import kernel
from blobmaster.kernels.intrinsics import call
from blobmaster.model.layers import Forward

NOTHING = 0
"""The plan for a batch of no rows."""

REFUSED = -1
"""Error code of a CPU plan in which a call failed. CUDA's error codes are positive."""

LAUNCH, RECORD, WAIT, STREAM, DONE = range(5)
"""Places in `Backend.handles`: three functions, then the stream and the event they work on."""


class Backend(Protocol):
    """Plans forward passes and lets compiled code run them. Not for several threads at once."""

    handles: npt.NDArray[np.int64]
    """`[5]`: addresses and arguments for `launch` and `wait`, laid out as by `LAUNCH` to `DONE`."""
    sizes_at_most: int
    """The most batch sizes that are worth a plan each; batches are padded to the next size."""
    steps_at_once: int
    """Steps that compiled code takes before it returns to Python, which looks for requests."""

    def attach(self) -> None:
        """Prepare the calling thread to run plans."""
        ...

    def plan(self, part: Forward, rows: torch.Tensor, outputs: torch.Tensor) -> int:
        """Plan the pass of `part` from `rows` to `outputs`.

        Args:
            part: stays alive, its weights at the same address, as long as the backend.
            rows: `[rows, inputs]` float32 on the CPU.
            outputs: `[rows, outputs]` float32 on the CPU.

        Returns:
            A handle for `launch`.
        """
        ...


def check(code: int) -> None:
    """Raise unless `code`, a result of `launch` or `wait`, is 0.

    Raises:
        RuntimeError: the driver or a CPU plan failed; one line that says what to do.
    """
    if code == REFUSED:
        raise RuntimeError(
            "torch failed in a forward pass: see what it printed before this, or set "
            "inference.number_format to bf16 or fp32"
        )
    if code != 0:
        raise RuntimeError(f"the CUDA driver failed with error {code}: see `nvidia-smi` and dmesg")


@kernel
def replay(handles: npt.NDArray[np.int64], plan: int) -> int:
    """Run a plan and wait for it; return an error code, 0 for success."""
    return launch(handles, plan) or wait(handles)


@kernel
def launch(handles: npt.NDArray[np.int64], plan: int) -> int:
    """Start a plan after those launched before it; return an error code, 0 for success."""
    if plan == NOTHING:
        return 0
    return call(handles[LAUNCH], plan, handles[STREAM])


@kernel
def wait(handles: npt.NDArray[np.int64]) -> int:
    """Wait for all that was launched; return an error code, 0 for success."""
    code = call(handles[RECORD], handles[DONE], handles[STREAM])
    if code == 0:
        # cuEventSynchronize takes one argument; on the platforms supported, a C function does not
        # see a second one.
        code = call(handles[WAIT], handles[DONE], 0)
    return code
