# It stands for `os`, so it calls `os`.
# ruff: noqa: PTH102, PTH105, PTH106, PTH108
"""Replaces `os` in run/files/atomic.py: counts its steps and breaks a chosen one.

Put it there with `monkeypatch.setattr(atomic, "os", BrokenOs(...))`. What it does is done to real
files.
"""

import os
import threading
from collections.abc import Callable
from typing import Any

CREATING = os.O_CREAT


class Stopped(BaseException):
    """The process ended here; none of its later steps are executed."""


class BrokenOs:
    """Breaks step `break_at` (counted from 0), before it, in its middle or after it.

    With `error` that step raises it, once, and the process lives on; without, the process ends:
    every later step raises `Stopped`, so that no clean-up runs that a dead process would not do.
    Syncs are counted and left out: the machine stays on.
    """

    def __init__(
        self,
        break_at: int = -1,
        where: str = "before",
        error: int | None = None,
        only: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self.steps: list[str] = []
        self.stopped = False
        self._break_at = break_at
        self._where = where
        self._error = error
        self._only = only
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)  # what changes nothing: constants, fstat, close

    def open(self, path: Any, flags: int, mode: int = 0o777) -> int:
        if not flags & CREATING:
            return os.open(path, flags, mode)
        return self._step("open", lambda: os.open(path, flags, mode))

    def write(self, descriptor: int, data: Any) -> int:
        half = memoryview(data)[: len(data) // 2]
        return self._step(
            "write", lambda: os.write(descriptor, data), lambda: os.write(descriptor, half)
        )

    def fsync(self, _: int) -> None:
        self._step("fsync", lambda: None)

    def ftruncate(self, descriptor: int, length: int) -> None:
        self._step("ftruncate", lambda: os.ftruncate(descriptor, length))

    def replace(self, source: Any, target: Any) -> None:
        self._step("replace", lambda: os.replace(source, target))

    def link(self, source: Any, target: Any, **how: Any) -> None:
        self._step("link", lambda: os.link(source, target, **how))

    def unlink(self, path: Any) -> None:
        self._step("unlink", lambda: os.unlink(path))

    def mkdir(self, path: Any) -> None:
        self._step("mkdir", lambda: os.mkdir(path))

    def rmdir(self, path: Any) -> None:
        self._step("rmdir", lambda: os.rmdir(path))

    def _step(
        self, name: str, act: Callable[[], Any], half: Callable[[], Any] | None = None
    ) -> Any:
        with self._lock:
            if self.stopped:
                raise Stopped
            number = len(self.steps)
            if not self._only(name):
                return act()
            self.steps.append(name)
            if number != self._break_at:
                return act()
            self.stopped = self._error is None
        if self._where == "middle" and half is not None:
            half()
        elif self._where == "after":
            act()
        raise Stopped if self._error is None else OSError(self._error, os.strerror(self._error))
