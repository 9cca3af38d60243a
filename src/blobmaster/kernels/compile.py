"""Compile and cache numba kernels: `@kernel` and its leaner kinds, and functions for C.

numba's cache checks the file of a function, not those of its callees: after an edit of a callee,
callers would run stale machine code. Here the name of the cache's folder holds a hash of every
kernel source, so an edit anywhere starts a fresh folder, and versions do not share code.
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
from numba.core import sigutils
from numba.core.ccallback import CFunc
from numba.core.compiler_lock import global_compiler_lock

from blobmaster.kernels.errors import KernelsUnavailableError
from blobmaster.kernels.inner import INNER_OPTIONS, InnerCache
from blobmaster.kernels.once import SharedCache, compile_once

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
    "styles",
    "training",
)
"""Packages of blobmaster that may define kernels. An edit in one of them recompiles all kernels."""


def _sources_digest() -> str:
    """Hash all sources of the packages with kernels: numba compiles module constants in, too."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256(f"numba {numba.__version__}".encode())
    for room in KERNEL_ROOMS:
        for source in sorted((root / room).rglob("*.py")):
            digest.update(f"{source.relative_to(root)}\n".encode() + source.read_bytes())
    return digest.hexdigest()[:16]


def _check_room(function: Callable[..., Any]) -> None:
    """Refuse a kernel outside `KERNEL_ROOMS`, where an edit would leave stale machine code.

    Raises:
        ImportError: the function's module is in no such package.
    """
    package, *path = function.__module__.split(".")
    if package == "blobmaster" and path[0] not in KERNEL_ROOMS:
        raise ImportError(
            f"{function.__module__} defines a kernel: add its folder to KERNEL_ROOMS in {__file__}"
        )


def cache_folder() -> Path:
    """Return the folder for compiled kernels: in `NUMBA_CACHE_DIR`, else in the user's cache.

    If that cannot be written, as in a read-only home, or if the user has no home, return a private
    folder in the system's temporary directory: numba raises at import if it has no writable place.

    Raises:
        KernelsUnavailableError: there is no writable folder.
    """
    name = f"kernels-{_sources_digest()}"
    try:
        folder = _base_folder() / "blobmaster" / name
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except (OSError, RuntimeError):  # a RuntimeError: no HOME, and the uid has no name
        pass
    try:
        folder = _private_folder() / name
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise KernelsUnavailableError(
            f"there is no folder to keep compiled kernels in ({error.strerror}): set "
            "NUMBA_CACHE_DIR to a folder that you may write"
        ) from None
    return folder


def _base_folder() -> Path:
    named = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    return Path(named) if named else Path.home() / ".cache"


def _private_folder() -> Path:
    """Return a temporary folder that only this user can write.

    numba runs any machine code that it finds in its cache, so a folder with a known name that
    another user made, or a link that one planted there, is not used.
    """
    folder = Path(tempfile.gettempdir()) / f"blobmaster-{os.getuid()}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022:
        return folder
    return Path(tempfile.mkdtemp(prefix="blobmaster-"))


# Interpreted, the kernels would take hours for a minute's work, and those that use machine
# instructions would fail in the middle of a run.
if numba.config.DISABLE_JIT:
    raise KernelsUnavailableError(
        "numba's compiler is switched off, and BlobMaster needs it: unset NUMBA_DISABLE_JIT, or "
        "remove disable_jit from .numba_config.yaml"
    )

# numba reads this when a function is decorated, so it must be set before the first kernel.
numba.config.CACHE_DIR = str(cache_folder())


def kernel(function: Function) -> Function:
    """Compile to machine code that runs without the GIL, cached on disk for other processes."""
    return _declared(function, _COMMON | {"_nrt": True})


def lean_kernel(function: Function) -> Function:
    """Compile a kernel that neither creates nor returns arrays, without reference counting.

    For a small kernel with a tuple of many arrays as argument, counting takes most of its time.
    Operations that allocate (`np.zeros`, `a[:] = b`) do not compile in a lean kernel. Beware: an
    array that a called kernel returns would never be freed.
    """
    # _nrt: numba's runtime, NRT, counts the references; no public option turns it off.
    # forceinline: a call passes each array of a tuple as seven words, which costs as much as the
    # body of most of these kernels.
    return _declared(function, _COMMON | {"_nrt": False, "forceinline": True})


def inner_kernel(function: Function) -> Function:
    """Compile a kernel that only kernels call, without reference counting as a `lean_kernel`.

    A call from Python raises `TypeError`. It has no machine code of its own, see
    `blobmaster.kernels.inner`: a cold start compiles in half of the time.
    """
    return _inner(function, INNER_OPTIONS)


def inlined_kernel(function: Function) -> Function:
    """Compile an `inner_kernel` that becomes part of its callers, as a `lean_kernel` does."""
    return _inner(function, INNER_OPTIONS | {"forceinline": True})


_COMMON: dict[str, Any] = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
"""numba's options for all kernels. No kernel is passed to another, so none needs the entry for
calls through a pointer, which takes numba a tenth of the time."""


def _declared(function: Function, options: dict[str, Any]) -> Function:
    _check_room(function)
    compiled: Function = numba.njit(**options)(function)
    compile_once(compiled, SharedCache(function))
    return compiled


def _inner(function: Function, options: dict[str, Any]) -> Function:
    _check_room(function)
    inner: Any = numba.njit(**options)(function)
    compile_once(inner, InnerCache(function))

    # Compiled versions are only listed, for callers in compiled code; where calls from Python look,
    # there is none.
    def list_version(result: Any) -> None:
        inner.overloads[tuple(result.signature.args)] = result

    def refuse(*_: Any, **__: Any) -> None:
        raise TypeError(f"{function.__name__} is an inner kernel: only kernels can call it")

    inner.add_overload = list_version
    inner._compile_for_args = refuse
    compiled: Function = inner
    return compiled


def compiled_for(function: Function, *arguments: Any) -> Function:
    """Return a kernel's machine code for arguments of these types, without running it.

    A call of the kernel itself checks the type of each array in each tuple, which takes longer than
    a small kernel. The machine code checks nothing: with other types, it reads wrong memory.
    """
    kernel: Any = function
    compiled: Function = kernel.compile(tuple(map(kernel.typeof_pyval, arguments)))
    return compiled


_VECTORS = {"reassoc", "contract"}
"""LLVM's fast-math flags that allow a sum to be reordered into vectors, and fused multiply-adds.
Unlike full fast-math they keep NaN and infinity as they are."""


def vector_kernel(function: Function) -> Function:
    """Compile a kernel whose sums may be vectorized.

    The order of additions, and so the last bits, then follow from the kind of processor: results
    are reproducible on one kind, and may differ between two.
    """
    return _declared(function, _COMMON | {"fastmath": _VECTORS, "forceinline": True})


class CFunction:
    """A function that C can call, compiled when its address is first needed.

    It runs without the GIL, and sums as a `vector_kernel` does.
    """

    def __init__(self, function: Callable[..., int], signature: str) -> None:
        _check_room(function)
        self._function = function
        self._signature = signature

    @functools.cached_property
    def address(self) -> int:
        """The address of the machine code, valid as long as this object lives."""
        signature = sigutils.normalize_signature(self._signature)
        options = {"error_model": "numpy", "fastmath": _VECTORS}
        compiled: Any = CFunc(self._function, signature, {}, options)
        compiled._cache = cache = SharedCache(self._function)
        with global_compiler_lock:  # first, as in `compile_once`
            try:
                compiled.compile()
            finally:
                cache.release()
        self._compiled = compiled  # the machine code lives as long as this object
        address: int = compiled.address
        return address


def c_function(signature: str) -> Callable[[Callable[..., int]], CFunction]:
    """Decorate a function of integer and pointer arguments as a `CFunction`.

    Args:
        signature: numba's, such as `int32(voidptr, int64)`.
    """
    return lambda function: CFunction(function, signature)
