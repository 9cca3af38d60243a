"""Place of a kernel's code in the cache: by module, so that copies of one version share it.

numba names a folder after the path of the source. A second checkout, or a reinstallation into
another environment, would then compile every kernel again.
"""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path
from typing import Any

from numba.core import caching, config


class _ByModule(caching._CacheLocator):
    """Locates the code of a kernel of this package, below the folder that is named by all sources.

    The content of the source file is checked all the same: it may have been edited between the
    hashing of all sources and the import of this one.
    """

    def __init__(self, function: Any, source: str) -> None:
        package = function.__module__.rpartition(".")[0]
        self._folder = os.path.join(config.CACHE_DIR, package)  # noqa: PTH118 (numba wants a string)
        self._source = source
        self._line = function.__code__.co_firstlineno

    def get_cache_path(self) -> str:
        return self._folder

    def get_source_stamp(self) -> str:
        return _digest(self._source)

    def get_disambiguator(self) -> str:
        return str(self._line)

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> _ByModule | None:
        """Return the locator, or None for a kernel of a test or a script."""
        if not py_func.__module__.startswith("blobmaster."):
            return None
        return cls(py_func, py_file)


@functools.cache
def _digest(source: str) -> str:
    return hashlib.sha256(Path(source).read_bytes()).hexdigest()


class KernelFiles(caching.CompileResultCacheImpl):
    """numba's form of a compiled kernel in files, which copies of one version share."""

    _locator_classes = [_ByModule, *caching.CompileResultCacheImpl._locator_classes]  # noqa: RUF012
