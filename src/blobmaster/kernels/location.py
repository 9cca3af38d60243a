"""Files of a kernel's code in the cache: placed by module, and with a checksum.

numba names a folder after the path of the source. A second checkout, or a reinstallation into
another environment, would then compile every kernel again. By module, copies of one version share
the code.
"""

from __future__ import annotations

import functools
import hashlib
import os
import pickle
from pathlib import Path
from typing import Any

import xxhash
from numba.core import caching, config

_CHECKSUM_BYTES = 16


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


class CheckedFiles(caching.IndexDataCacheFile):
    """numba's index and code of one kernel; a damaged file counts as missing.

    numba syncs nothing, so a power failure can leave a file that is empty or lacks parts. numba
    would raise at every start, or run what is there.
    """

    def _dump(self, obj: Any) -> bytes:
        data: bytes = super()._dump(obj)
        return data + _checksum(data)  # pickle does not read beyond its own end

    def _load_index(self) -> dict[Any, str]:
        # numba writes its own version before the rest, without a checksum.
        version = pickle.dumps(self._version, protocol=-1)
        found: dict[Any, str] = (
            super()._load_index() if _is_whole(Path(self._index_path), version) else {}
        )
        return found

    def _load_data(self, name: str) -> Any:
        path = Path(self._data_path(name))
        if not _is_whole(path):
            raise FileNotFoundError(path)  # numba compiles the kernel then, and replaces the file
        return super()._load_data(name)


def _is_whole(path: Path, head: bytes = b"") -> bool:
    """Return True if a file begins with `head`, and the rest has the right checksum."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return False
    data, checksum = content[len(head) : -_CHECKSUM_BYTES], content[-_CHECKSUM_BYTES:]
    return content.startswith(head) and checksum == _checksum(data)


def _checksum(data: bytes) -> bytes:
    return xxhash.xxh3_128(data).digest()
