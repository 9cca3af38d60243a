"""Starts Python programs from a fork server that has imported the package; see `fork_server.py`."""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

ENVIRONMENT = dict(os.environ)
"""The environment in which this test run and its fork server were started."""
READ_AT_START = (
    *("PYTHON", "LC_", "LANG", "HOME", "XDG_CACHE_HOME", "TMPDIR"),
    *("NUMBA", "OMP_NUM_THREADS", "MKL", "PYTORCH", "CUDA"),
)
"""Beginnings of the names of variables that Python or a library reads when it is loaded."""


class ForkedProcess:
    """A process of the fork server, with the methods of `subprocess.Popen` that tests use.

    Its stdout and stderr are files, which never fill up as a pipe does.
    """

    def __init__(
        self,
        words: list[str],
        *,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
        typed: str = "",
        merge_output: bool = False,
        new_session: bool = False,
    ) -> None:
        """Start `python words...`.

        Args:
            typed: the text on stdin.
            merge_output: stderr goes where stdout goes.
        """
        self._unread = stdout, stderr = [_file(), _file()]
        self._texts: list[str] = []
        with _file() as stdin:
            stdin.write(typed)
            stdin.seek(0)
            output, errors = stdout.fileno(), (stdout if merge_output else stderr).fileno()
            answer = _ask(
                [stdin.fileno(), output, errors],
                start=words,
                cwd=str(cwd or Path.cwd()),
                environment=dict(os.environ if environment is None else environment),
                new_session=new_session,
            )
        self.pid: int = answer["pid"]
        self.returncode: int | None = None
        self._end = os.pidfd_open(self.pid)

    def poll(self) -> int | None:
        """Return the exit status, negative for a signal, or None while the process runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit status.

        Raises:
            subprocess.TimeoutExpired: after `timeout` seconds.
        """
        if self.returncode is None:
            # A process's descriptor is readable when it has ended.
            if not select.select([self._end], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
            self.returncode = _ask(reap=self.pid)["status"]
            os.close(self._end)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for the end and return stdout and stderr."""
        self.wait(timeout)
        for file in self._unread:
            with file:
                file.seek(0)
                self._texts.append(file.read())
        self._unread = []
        return self._texts[0], self._texts[1]

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL, unless the process has ended."""
        self.send_signal(signal.SIGKILL)


def _file() -> IO[str]:
    return tempfile.TemporaryFile("w+", errors="surrogateescape")  # names may not be UTF-8


Process = subprocess.Popen[str] | ForkedProcess


def start(words: list[str], *, anew: bool = False) -> Process:
    """Start `python words...` in a session of its own, with stderr where stdout goes.

    Args:
        words: the command line after `python`.
        anew: in a new Python, which has yet to load the package and its libraries.
    """
    if anew or _differs_at_start(os.environ):
        return subprocess.Popen(
            [sys.executable, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
    return ForkedProcess(words, merge_output=True, new_session=True)


def run(
    words: list[str],
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    typed: str = "",
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `python words...` to its end; see `ForkedProcess` for the arguments."""
    if _differs_at_start(os.environ if environment is None else environment):
        return subprocess.run(
            [sys.executable, *words], cwd=cwd, env=environment, input=typed, timeout=timeout,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    process = ForkedProcess(words, cwd=cwd, environment=environment, typed=typed)
    try:
        stdout, stderr = process.communicate(timeout)
    finally:
        process.kill()
    return subprocess.CompletedProcess(words, process.wait(), stdout, stderr)


def _differs_at_start(environment: Mapping[str, str]) -> bool:
    """Return True if a program would start otherwise in this environment than the server did."""

    def read_at_start(variables: Mapping[str, str]) -> dict[str, str]:
        return {name: variables[name] for name in variables if name.startswith(READ_AT_START)}

    return read_at_start(environment) != read_at_start(ENVIRONMENT)


def _ask(descriptors: list[int] | None = None, **request: Any) -> dict[str, Any]:
    """Send one request to the server, which starts with the first one."""
    server = _server()
    socket.send_fds(server, [json.dumps(request).encode() + b"\n"], descriptors or [])
    answer: dict[str, Any] = json.loads(server.makefile().readline())
    return answer


@functools.cache
def _server() -> socket.socket:
    ours, its = socket.socketpair()
    script = Path(__file__).with_name("fork_server.py")
    with its:
        process = subprocess.Popen(
            [sys.executable, script, str(its.fileno())], pass_fds=[its.fileno()],
            # No thread but the one that forks exists in the child, so no library may start some.
            env=ENVIRONMENT | {"OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    @atexit.register
    def end() -> None:
        ours.close()
        process.wait()

    return ours
