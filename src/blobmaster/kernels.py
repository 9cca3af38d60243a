"""How numba kernels are compiled and cached: `@kernel`, and bit operations on card masks.

numba keys its cache by a function's own file, so editing a callee leaves its callers' machine
code stale. Here the cache's folder carries a hash of every kernel source, so an edit anywhere
starts a fresh folder, and an installed version never meets another version's code.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy.typing as npt
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

Function = TypeVar("Function", bound=Callable[..., Any])


def _sources_digest() -> str:
    """A hash over the sources of every folder that has kernels: they read its constants too."""
    root = Path(__file__).parent
    digest = hashlib.sha256(f"numba {numba.__version__}".encode())
    for folder in ("game", "search", "net", "solve", "play", "learn"):
        for source in sorted((root / folder).glob("*.py")):
            digest.update(f"{folder}/{source.name}\n".encode() + source.read_bytes())
    for name in ("kernels.py", "randomness.py"):
        digest.update((root / name).read_bytes())
    return digest.hexdigest()[:16]


def cache_folder() -> Path:
    """The folder of this version's compiled kernels: `NUMBA_CACHE_DIR`, else the user's cache.

    Where neither can be written (a read-only home), a folder of this user's under the system's
    temporary directory serves, since numba raises at import when it finds no place at all.
    """
    home = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    base = Path(home) if home else Path.home() / ".cache"
    folder = base / "blobmaster" / f"kernels-{_sources_digest()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    folder = _private_folder() / folder.name
    folder.mkdir(exist_ok=True)
    return folder


def _private_folder() -> Path:
    """A temporary folder that nobody else can write: numba runs whatever code it finds there."""
    folder = Path(tempfile.gettempdir()) / f"blobmaster-{os.getuid()}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022:
        return folder
    return Path(tempfile.mkdtemp(prefix="blobmaster-"))


numba.config.CACHE_DIR = str(cache_folder())


def kernel(function: Function) -> Function:
    """Compile to machine code that runs without the GIL, cached between processes."""
    compiled: Function = numba.njit(cache=True, nogil=True, error_model="numpy", _nrt=True)(
        function
    )
    return compiled


def lean_kernel(function: Function) -> Function:
    """A kernel that neither makes nor returns arrays, and so need not count references to any.

    Counting takes most of the time of a small kernel that is handed a tuple of many arrays. What a
    lean kernel may not do (`np.zeros`, `a[:] = b`) does not compile; but arrays that a kernel
    which it calls returns would never be freed.
    """
    # NRT is numba's own name for the runtime that counts; nothing public turns it off. And a call
    # hands on every array of a tuple, seven words each: it costs as much as what most kernels do.
    lean = numba.njit(cache=True, nogil=True, error_model="numpy", forceinline=True, _nrt=False)
    compiled: Function = lean(function)
    return compiled


def compiled_for(function: Function, *arguments: Any) -> Function:
    """The machine code of a kernel for what has the types of `arguments`; it is not run here.

    A call of the kernel itself looks at the types of every array in every tuple, which takes longer
    than a small kernel. The code does not look: given other types, it reads wrong memory.
    """
    kernel: Any = function
    compiled: Function = kernel.compile(tuple(map(kernel.typeof_pyval, arguments)))
    return compiled


_VECTORS = {"reassoc", "contract"}


def vector_kernel(function: Function) -> Function:
    """A kernel whose sums are taken in vectors, and so in an order that is always the same on one
    kind of processor, and another on another."""
    compiled: Function = numba.njit(
        cache=True, nogil=True, error_model="numpy", fastmath=_VECTORS, forceinline=True
    )(function)
    return compiled


class CFunction:
    """What C can call: a function that is compiled when it is asked for its address. It holds no
    lock of Python's, and takes sums as a `vector_kernel` does."""

    def __init__(self, function: Callable[..., int], signature: str) -> None:
        self._function = function
        self._signature = signature

    @functools.cached_property
    def address(self) -> int:
        """Where it stands in memory, for as long as this is there."""
        self._compiled = numba.cfunc(
            self._signature, cache=True, error_model="numpy", fastmath=_VECTORS
        )(self._function)
        address: int = self._compiled.address
        return address


def c_function(signature: str) -> Callable[[Callable[..., int]], CFunction]:
    """Make a `CFunction` of a function whose arguments are words, pointers among them."""
    return lambda function: CFunction(function, signature)


@lean_kernel
def copy_row(source: npt.NDArray[Any], target: npt.NDArray[Any]) -> None:
    """`target[:] = source`, for lean kernels; both of one dimension and as long."""
    for i in range(len(target)):
        target[i] = source[i]


def _popcount(typingctx: Any, mask: Any) -> Any:  # noqa: ARG001 (numba reads the names)
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ARG001
        return builder.ctpop(args[0])

    return types.int64(types.int64), generate


def _lowest_bit(typingctx: Any, mask: Any) -> Any:  # noqa: ARG001 (numba reads the names)
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ARG001
        undefined_for_zero = context.get_constant(types.boolean, True)
        return builder.cttz(args[0], undefined_for_zero)

    return types.int64(types.int64), generate


def _call(typingctx: Any, function: Any, first: Any, second: Any) -> Any:  # noqa: ARG001
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ARG001
        word = args[0].type
        kind = ir.FunctionType(ir.IntType(32), [word, word])
        code = builder.call(builder.inttoptr(args[0], kind.as_pointer()), [args[1], args[2]])
        return builder.sext(code, word)

    return types.int64(types.int64, types.int64, types.int64), generate


CALL_WORDS, CALL_DOUBLES = 18, 3
"""Arguments of a call that is laid out in memory. Those that the function does not take, it does
not see: arguments have registers and places of their own, as Linux's processors agree on."""

WORD = 8
"""Bytes of an int64."""


def _call_laid_out(typingctx: Any, address: Any) -> Any:  # noqa: ARG001
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ARG001
        word, double = args[0].type, ir.DoubleType()

        def value(number: int, kind: Any) -> Any:
            place = builder.add(args[0], ir.Constant(word, WORD * number))
            return builder.load(builder.inttoptr(place, kind.as_pointer()))

        kind = ir.FunctionType(ir.IntType(32), [word] * CALL_WORDS + [double] * CALL_DOUBLES)
        words = [value(1 + number, word) for number in range(CALL_WORDS)]
        doubles = [value(1 + CALL_WORDS + number, double) for number in range(CALL_DOUBLES)]
        function = builder.inttoptr(value(0, word), kind.as_pointer())
        return builder.sext(builder.call(function, words + doubles), word)

    return types.int64(types.int64), generate


def _load(typingctx: Any, address: Any) -> Any:  # noqa: ARG001
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ARG001
        return builder.load(builder.inttoptr(args[0], args[0].type.as_pointer()))

    return types.int64(types.int64), generate


def _float_of_bits(typingctx: Any, bits: Any) -> Any:  # noqa: ARG001
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ARG001
        return builder.bitcast(args[0], ir.FloatType())

    return types.float32(types.uint32), generate


def _bits_of_float(typingctx: Any, value: Any) -> Any:  # noqa: ARG001
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ARG001
        return builder.bitcast(args[0], ir.IntType(32))

    return types.uint32(types.float32), generate


popcount: Callable[[Any], int] = intrinsic(_popcount)
"""The number of set bits of an int64, in one instruction. Callable from kernels alone."""

lowest_bit: Callable[[Any], int] = intrinsic(_lowest_bit)
"""The index of the lowest set bit of a non-zero int64. Callable from kernels alone."""

call: Callable[[int, int, int], int] = intrinsic(_call)
"""Call the C function at an address with two words; what it returns as an `int`. Callable from
kernels alone, whose other threads go on meanwhile."""

call_laid_out: Callable[[int], int] = intrinsic(_call_laid_out)
"""Call what is laid out at an address: a C function's own address, its words and its doubles; what
it returns. Callable from kernels alone."""

load: Callable[[int], int] = intrinsic(_load)
"""The int64 at an address. Callable from kernels alone."""

float_of_bits: Callable[[Any], Any] = intrinsic(_float_of_bits)
"""The float32 of 32 bits. Callable from kernels alone."""

bits_of_float: Callable[[Any], Any] = intrinsic(_bits_of_float)
"""The bits of a float32, as a uint32. Callable from kernels alone."""
