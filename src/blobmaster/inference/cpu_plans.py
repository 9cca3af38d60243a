"""Forward passes on a CPU as lists of calls of C functions: run by compiled code, without Python.

Asked for from Python, each operation of a pass waits for the interpreter: sixteen workers together
made no more passes a second than four. torch's functions have a C interface, whose binary form it
keeps (`torch/csrc/inductor/aoti_torch/c/shim.h`). A program is a list of such calls, every argument
of which is settled when it is written; what it reads and writes stays where it is in memory.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from blobmaster.inference.cuda_graphs import REFUSED, Forward, check, replay
from blobmaster.kernels.compile import c_function
from blobmaster.kernels.intrinsics import CALL_DOUBLES, CALL_WORDS, WORD, call, call_laid_out, load

SIZES = 64
"""How many sizes of batches are asked at most: oneDNN compiles for each, and keeps a thousand."""

STEPS = 4
"""Of the default network in float32 they take a tenth of a second."""


@runtime_checkable
class Programmable(Protocol):
    """A part of a network whose pass can be written as a program."""

    outputs: int
    """The width of what it answers."""

    def write(self, program: Program, rows: Tensor, outputs: Tensor) -> None:
        """Append the pass from `[rows, inputs]` to `[rows, outputs]`, both float32."""
        ...


class Programs:
    """Writes programs, and hands them to compiled code as
    `blobmaster.inference.cuda_graphs.Recorder` does recorded passes. Not for several threads at
    once: its programs share what they work in."""

    sizes_at_most = SIZES
    steps_at_once = STEPS

    def __init__(self, capacity: int) -> None:
        """Args:
        capacity: the most rows of a batch.
        """
        self.handles = np.array([_run.address, _nothing.address, _nothing.address, 0, 0], np.int64)
        self.scratch = Scratch(capacity)
        self._programs: list[Program] = []

    def attach(self) -> None:
        """Any thread may run them."""

    def graph(self, part: Forward, rows: Tensor, outputs: Tensor) -> int:
        """Write the pass of a `Programmable` part from `rows` to `outputs`: its address."""
        written: object = part
        assert isinstance(written, Programmable)
        program = Program(self.scratch)
        written.write(program, rows, outputs)
        self._programs.append(program)
        return program.finish()


class Scratch:
    """What programs of one thread work in, with room for batches of any size."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._tensors: dict[tuple[str, int, torch.dtype], Tensor] = {}

    def __call__(self, name: str, rows: int, width: int, dtype: torch.dtype) -> Tensor:
        """`[rows, width]`, which all programs have that ask for the same."""
        key = name, width, dtype
        if key not in self._tensors:
            self._tensors[key] = torch.zeros(self._capacity, width, dtype=dtype)
        return self._tensors[key][:rows]

    @property
    def nbytes(self) -> int:
        """Of all that was asked for."""
        return sum(tensor.nbytes for tensor in self._tensors.values())


class Program:
    """A list of calls, and all that they need."""

    def __init__(self, scratch: Scratch) -> None:
        self.scratch = scratch
        self._calls: list[bytes] = []
        self._kept: list[object] = []
        self._table = np.zeros(0, np.int64)
        self._answer = np.zeros(1, np.int64)

    def call(self, function: int, *words: int, doubles: Sequence[float] = ()) -> None:
        """Append a call of the function at an address, which returns 0 if all is well.

        Args:
            function: its address.
            words: its arguments but for the floating-point ones: integers and addresses.
            doubles: those.
        """
        padded = [*words, *[0] * (CALL_WORDS - len(words))]
        floats = [*doubles, *[0.0] * (CALL_DOUBLES - len(doubles))]
        self._calls.append(
            struct.pack(f"={1 + CALL_WORDS}q{CALL_DOUBLES}d", function, *padded, *floats)
        )

    def call_torch_in_place(self, name: str, *words: int, doubles: Sequence[float] = ()) -> None:
        """Append a call of torch's C function of that name, which makes no tensor.

        Raises:
            AttributeError: this torch has no such function.
        """
        self.call(_function(name), *words, doubles=doubles)

    def call_torch(self, name: str, *words: int, doubles: Sequence[float] = ()) -> None:
        """The same of one whose last argument, where it puts the one tensor that it makes, is added
        here; the tensor is let go of."""
        self.call(_function(name), *words, self._answer.ctypes.data, doubles=doubles)
        self.call(
            _let_go.address, self._answer.ctypes.data, _function("aoti_torch_delete_tensor_object")
        )

    def handle(self, tensor: Tensor) -> int:
        """What torch's C functions are handed for a tensor."""
        handle = _Handle(tensor)
        self._kept.append(handle)
        return handle.word

    def optional(self, tensor: Tensor) -> int:
        """The same for an argument that may be missing: where the handle stands."""
        return self._place(ctypes.c_int64(self.handle(tensor)))

    def number_of(self, kind: torch.dtype) -> int:
        """Where the number of a type of elements stands."""
        name = str(kind).removeprefix("torch.")
        return self._place(ctypes.c_int32(getattr(_LIBRARY, f"aoti_torch_dtype_{name}")()))

    def text(self, characters: bytes) -> int:
        """The address of some characters and a 0."""
        return self._place(ctypes.create_string_buffer(characters))

    def data(self, tensor: Tensor) -> int:
        """The address of a tensor's first element."""
        self._kept.append(tensor)
        return tensor.data_ptr()

    def _place(self, value: Any) -> int:
        self._kept.append(value)
        return ctypes.addressof(value)

    def finish(self) -> int:
        """The program's address, once all is written."""
        header = struct.pack("=q", len(self._calls))
        self._table = np.frombuffer(header + b"".join(self._calls), np.int64).copy()
        return int(self._table.ctypes.data)


class _Handle:
    """A tensor of torch's C interface, for as long as this is there."""

    def __init__(self, tensor: Tensor) -> None:
        capsule = torch._C._aoti.unsafe_alloc_void_ptr_from_tensor(tensor)
        self.word = _pointer_in(capsule, None)

    def __del__(self) -> None:
        _LIBRARY.aoti_torch_delete_tensor_object(ctypes.c_void_p(self.word))


def programs_for(device: torch.device, capacity: int, *parts: object) -> Programs | None:
    """What writes the passes of all these parts of a network, if they can be written."""
    if not POSSIBLE or device.type != "cpu":
        return None
    return Programs(capacity) if all(isinstance(part, Programmable) for part in parts) else None


def repeated(part: Forward, rows: Tensor) -> Callable[[], Tensor]:
    """The pass of the same rows, to be asked for again and again; each overwrites what the last
    returned where the part is `Programmable`."""
    written: object = part
    programs = programs_for(rows.device, len(rows), written)
    if programs is None or not isinstance(written, Programmable):
        return lambda: part(rows)
    outputs = torch.zeros(len(rows), written.outputs)
    graph = programs.graph(part, rows.contiguous(), outputs)

    def again() -> Tensor:
        check(replay(programs.handles, graph))
        return outputs

    return again


def _library() -> ctypes.CDLL | None:
    """torch's, which is in memory already."""
    try:
        return ctypes.CDLL(str(Path(torch.__path__[0]) / "lib" / "libtorch_cpu.so"))
    except OSError:
        return None


_LIBRARY: Any = _library()
_NEEDED = "aoti_torch_delete_tensor_object", "aoti_torch_copy_", "aoti_torch_cpu_addmm_out"

POSSIBLE = hasattr(getattr(torch._C, "_aoti", None), "unsafe_alloc_void_ptr_from_tensor") and all(
    hasattr(_LIBRARY, name) for name in _NEEDED
)
"""Whether this torch has what programs call; else networks are asked from Python. Elsewhere than on
Linux its library has another name."""

_pointer_in = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


def _function(name: str) -> int:
    address = ctypes.cast(getattr(_LIBRARY, name), ctypes.c_void_p).value
    assert address is not None
    return address


@c_function("int32(int64, int64)")
def _run(program: int, _: int) -> int:
    for number in range(load(program)):
        if call_laid_out(program + WORD * (1 + number * (1 + CALL_WORDS + CALL_DOUBLES))) != 0:
            return REFUSED
    return 0


@c_function("int32(int64, int64)")
def _nothing(_: int, __: int) -> int:
    return 0


@c_function("int32(int64, int64)")
def _let_go(place: int, delete: int) -> int:
    return call(delete, load(place), 0)
