"""Compile and cache numba kernels: `@kernel`, `@lean_kernel`, `@vector_kernel`, C functions.

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

Function = TypeVar("Function", bound=Callable[..., Any])


KERNEL_ROOMS = (
    "agents",
    "bench",
    "evaluation",
    "game",
    "inference",
    "kernels",
    "model",
    "search",
    "selfplay",
    "training",
)
"""The packages of blobmaster that may define kernels. An edit in one recompiles all kernels."""


def _sources_digest() -> str:
    """Hash the sources of every room that has kernels: kernels read its constants too."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256(f"numba {numba.__version__}".encode())
    for room in KERNEL_ROOMS:
        for source in sorted((root / room).rglob("*.py")):
            digest.update(f"{source.relative_to(root)}\n".encode() + source.read_bytes())
    return digest.hexdigest()[:16]


def _check_room(function: Callable[..., Any]) -> None:
    """Refuse a kernel outside `KERNEL_ROOMS`: after an edit there, old machine code would run."""
    package, *path = function.__module__.split(".")
    if package == "blobmaster" and path[0] not in KERNEL_ROOMS:
        raise ImportError(
            f"{function.__module__} defines a kernel: add its folder to KERNEL_ROOMS in {__file__}"
        )


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
    _check_room(function)
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
    _check_room(function)
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
    _check_room(function)
    compiled: Function = numba.njit(
        cache=True, nogil=True, error_model="numpy", fastmath=_VECTORS, forceinline=True
    )(function)
    return compiled


class CFunction:
    """What C can call: a function that is compiled when it is asked for its address. It holds no
    lock of Python's, and takes sums as a `vector_kernel` does."""

    def __init__(self, function: Callable[..., int], signature: str) -> None:
        _check_room(function)
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
