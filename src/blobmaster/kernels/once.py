"""Compile each kernel in one process only: others wait, and load the code that it saved.

Test workers start together, and so may two trainers after an update. Without this, each would
compile every kernel.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from numba.core import caching, config
from numba.core.compiler_lock import global_compiler_lock

from blobmaster.kernels.location import CheckedFiles, KernelFiles

log = logging.getLogger(__name__)


class SharedCache(caching.FunctionCache):
    """numba's cache on disk, that locks a kernel which it does not hold until `release`.

    Where the disk accepts no file, the kernel is compiled, but not saved.
    """

    _impl_class = KernelFiles

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        self._cache_file = CheckedFiles(
            cache_path=self._cache_path,
            filename_base=self._impl.filename_base,
            source_stamp=self._impl.locator.get_source_stamp(),
        )
        self._locked = contextlib.ExitStack()
        self.is_locked = False

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        found = self._load(sig, target_context)
        if found is None and not self.is_locked:
            with contextlib.suppress(OSError):  # saving will fail, and warn
                self._impl.locator.ensure_cache_path()
            self._locked.enter_context(exclusive(Path(f"{self._cache_file._index_path}.lock")))
            self.is_locked = True
            # While this process waited, another one may have compiled and saved the kernel.
            found = self._load(sig, target_context)
        return found

    def _load(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except OSError as error:
            _warn(error)
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except OSError as error:
            _warn(error)

    def release(self) -> None:
        """Let other processes compile the kernel, or load it."""
        self._locked.close()
        self.is_locked = False


def _warn(error: OSError) -> None:
    global _has_warned
    if not _has_warned:
        _has_warned = True
        log.warning(
            "compiled kernels cannot be kept in %s: %s; every start compiles them again",
            config.CACHE_DIR,
            error.strerror,
        )


_has_warned = False


def compile_once(kernel: Any, cache: SharedCache) -> None:
    """Let `kernel` be compiled in one process at a time, and be saved in `cache`."""
    kernel._cache = cache
    compile_here = kernel.compile

    # numba's lock first: then only one thread of a process waits for or holds such locks, and holds
    # those of callers of the kernel that it compiles. No two kernels call each other, so no two
    # processes wait for each other.
    def compile_or_load(signature: Any) -> Any:
        with global_compiler_lock:
            is_outermost = not cache.is_locked
            try:
                return compile_here(signature)
            finally:
                if is_outermost:
                    cache.release()

    kernel.compile = compile_or_load


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock of a file, which is made if it does not exist, inside the block.

    The system frees the lock when the process ends, however it ends. Where files cannot be locked,
    as on some network file systems, the block runs without: a kernel is then compiled twice.
    """
    with contextlib.ExitStack() as opened:
        try:
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            opened.callback(os.close, lock)
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            log.debug("kernels may be compiled twice: %s cannot be locked: %s", path, error)
        yield
