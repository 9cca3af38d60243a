"""Lists of calls of C functions that compiled code runs without Python.

Called from Python, each operation of a forward pass waits for the interpreter: sixteen workers
together made no more passes a second than four. torch's operations have a C interface with a stable
ABI (`torch/csrc/inductor/aoti_torch/c/shim.h`, made for ahead-of-time Inductor). A program is a
list of such calls whose arguments are fixed when it is written: all tensors stay where they are.
"""

from __future__ import annotations

import ctypes
import struct
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from blobmaster.inference.backend import REFUSED
from blobmaster.kernels.compile import c_function
from blobmaster.kernels.intrinsics import CALL_DOUBLES, CALL_WORDS, WORD, call, call_laid_out, load


class Scratch:
    """Working memory that the programs of one thread share, for batches up to `capacity` rows.

    Programs of one thread never run at the same time, so equal requests get the same memory.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._tensors: dict[tuple[str, int, torch.dtype], Tensor] = {}

    def __call__(self, name: str, rows: int, width: int, dtype: torch.dtype) -> Tensor:
        """Return `[rows, width]`, the same memory for the same name, width and type."""
        key = name, width, dtype
        if key not in self._tensors:
            self._tensors[key] = torch.zeros(self._capacity, width, dtype=dtype)
        return self._tensors[key][:rows]

    @property
    def nbytes(self) -> int:
        """Bytes of all memory that was requested."""
        return sum(tensor.nbytes for tensor in self._tensors.values())


class Program:
    """A list of calls, and references to everything whose address stands in it."""

    def __init__(self, scratch: Scratch) -> None:
        self.scratch = scratch
        self._calls: list[bytes] = []
        # Addresses in a call do not keep their objects alive: without these references, memory that
        # a program reads and writes would be freed under it.
        self._kept: list[object] = []
        self._table = np.zeros(0, np.int64)
        self._answer = np.zeros(1, np.int64)

    def call(self, function: int, *words: int, doubles: Sequence[float] = ()) -> None:
        """Append a call of a C function that returns 0 on success.

        Args:
            function: its address.
            words: its integer and pointer arguments, in order.
            doubles: its floating-point arguments, in order.
        """
        # Every call has the same layout: the function, 18 words, 3 doubles (see `call_laid_out`).
        padded = [*words, *[0] * (CALL_WORDS - len(words))]
        floats = [*doubles, *[0.0] * (CALL_DOUBLES - len(doubles))]
        self._calls.append(
            struct.pack(f"={1 + CALL_WORDS}q{CALL_DOUBLES}d", function, *padded, *floats)
        )

    def call_torch_in_place(self, name: str, *words: int, doubles: Sequence[float] = ()) -> None:
        """Append a call of torch's C function of that name, one that returns no new tensor.

        Raises:
            AttributeError: this torch has no such function.
        """
        self.call(_function(name), *words, doubles=doubles)

    def call_torch(self, name: str, *words: int, doubles: Sequence[float] = ()) -> None:
        """Append a call of torch's C function that returns a new tensor, and delete that tensor.

        The function writes the tensor's handle through its last argument, which is added here.
        In-place operations return a second handle of their result: kept, it would leak each time.

        Raises:
            AttributeError: this torch has no such function.
        """
        self.call(_function(name), *words, self._answer.ctypes.data, doubles=doubles)
        self.call(
            _delete_at.address,
            self._answer.ctypes.data,
            _function("aoti_torch_delete_tensor_object"),
        )

    def handle(self, tensor: Tensor) -> int:
        """Return the `AtenTensorHandle` that torch's C functions take for a tensor."""
        handle = _Handle(tensor)
        self._kept.append(handle)
        return handle.word

    def optional(self, tensor: Tensor) -> int:
        """Return the argument for an optional tensor: the address of its handle."""
        return self._place(ctypes.c_int64(self.handle(tensor)))

    def number_of(self, kind: torch.dtype) -> int:
        """Return the argument for an optional dtype: the address of torch's number for it."""
        name = str(kind).removeprefix("torch.")
        return self._place(ctypes.c_int32(getattr(_LIBRARY, f"aoti_torch_dtype_{name}")()))

    def text(self, characters: bytes) -> int:
        """Return the address of a C string."""
        return self._place(ctypes.create_string_buffer(characters))

    def data(self, tensor: Tensor) -> int:
        """Return the address of a tensor's first element."""
        self._kept.append(tensor)
        return tensor.data_ptr()

    def _place(self, value: Any) -> int:
        self._kept.append(value)
        return ctypes.addressof(value)

    def finish(self) -> int:
        """Lay out the calls in memory; return the address for `RUN_PROGRAM`."""
        header = struct.pack("=q", len(self._calls))
        self._table = np.frombuffer(header + b"".join(self._calls), np.int64).copy()
        return int(self._table.ctypes.data)


class _Handle:
    """Owns the C handle of a tensor, and deletes it with itself."""

    def __init__(self, tensor: Tensor) -> None:
        capsule = torch._C._aoti.unsafe_alloc_void_ptr_from_tensor(tensor)
        self.word = _pointer_in(capsule, None)
        # Not `__del__`: at the end of the program it would run when the library's name is gone, and
        # print a traceback for each handle. A finalizer does nothing then, and memory ends anyway.
        delete = _LIBRARY.aoti_torch_delete_tensor_object
        weakref.finalize(self, delete, ctypes.c_void_p(self.word)).atexit = False


def _library() -> ctypes.CDLL | None:
    """Open torch's library, which is loaded already. Off Linux it has another name."""
    try:
        return ctypes.CDLL(str(Path(torch.__path__[0]) / "lib" / "libtorch_cpu.so"))
    except OSError:
        return None


_LIBRARY: Any = _library()
_NEEDED = "aoti_torch_delete_tensor_object", "aoti_torch_copy_", "aoti_torch_cpu_addmm_out"

AVAILABLE = hasattr(getattr(torch._C, "_aoti", None), "unsafe_alloc_void_ptr_from_tensor") and all(
    hasattr(_LIBRARY, name) for name in _NEEDED
)
"""True if this torch has the C functions that programs need; else networks run from Python."""

# The prototype is a PYFUNCTYPE, which holds the GIL: PyCapsule_GetPointer is Python's own.
_pointer_in = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


def _function(name: str) -> int:
    """Return a function's address; AttributeError here, while a plan is made, if there is none."""
    address = ctypes.cast(getattr(_LIBRARY, name), ctypes.c_void_p).value
    assert address is not None
    return address


@c_function("int32(int64, int64)")
def _run(program: int, _: int) -> int:
    """Run the calls of a finished program in order, up to the first that fails."""
    for number in range(load(program)):
        if call_laid_out(program + WORD * (1 + number * (1 + CALL_WORDS + CALL_DOUBLES))) != 0:
            return REFUSED
    return 0


@c_function("int32(int64, int64)")
def _nothing(_: int, __: int) -> int:
    return 0


@c_function("int32(int64, int64)")
def _delete_at(place: int, delete: int) -> int:
    """Delete the tensor whose handle stands at `place`."""
    return call(delete, load(place), 0)


def handles() -> list[int]:
    """Return `Backend.handles` for programs: a launch runs one to its end, a wait does nothing."""
    return [_run.address, _nothing.address, _nothing.address, 0, 0]
