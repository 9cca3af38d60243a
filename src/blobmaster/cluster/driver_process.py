"""The trainer's side of the process that holds the connection to Ray (`driver.py`)."""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import socket
import struct
import subprocess
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from typing import Any

from blobmaster.cluster.driver import REASON, Reply
from blobmaster.cluster.errors import ClusterError, DriverLostError

log = logging.getLogger(__name__)

JOINING = {"RAY_NUM_REDIS_GET_RETRIES": "5"}
"""A setting of Ray, which it reads in the environment: it tries to join for 5 s, not 20."""
SILENT_S = 45.0
"""Time without a reply after which the driver is taken for lost. A reply takes a second or two.
So long may also a send wait for a driver that reads nothing."""
LEAVING_S = 0.7
"""Wait for the end of Ray. A trainer that receives a signal promises to be gone within 2 s."""


class DriverProcess:
    """A process that runs a `Driver`. It ends when this object is closed, or this process ends."""

    def __init__(self, *, is_local: bool) -> None:
        """Start the process.

        Args:
            is_local: it is to start Ray, not to join a cluster.
        """
        ours, its = socket.socketpair()
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 (until `close`)
        self._process = subprocess.Popen(
            # -P: not the modules of the current folder.
            [sys.executable, "-P", "-m", "blobmaster.cluster.driver", str(its.fileno())],
            pass_fds=[its.fileno()],
            env=(os.environ if is_local else JOINING | os.environ),
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl+C is for the trainer alone
        )
        its.close()
        # A job is larger than the socket's buffer, so sending it to a stopped driver would wait
        # without limit. A `struct timeval`; `settimeout` is not for blocking reads and writes.
        limit = struct.pack("ll", int(SILENT_S), int(SILENT_S % 1 * 1e6))
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        self._connection = Connection(ours.detach())
        self._unanswered: str | None = None
        self._asked_at = 0.0

    @property
    def is_asked(self) -> bool:
        """True if a request waits for its reply."""
        return self._unanswered is not None

    def ask(self, method: str, *arguments: object, patience: float = SILENT_S) -> Any:
        """Let the driver call a method, and return what it returns.

        Raises:
            ClusterError: it raised one.
            DriverLostError: it has ended, or does not reply in time.
        """
        if self.is_asked:  # by an iteration that was stopped
            self._reply(SILENT_S)
        self.request(method, *arguments)
        return self._reply(patience)

    def request(self, method: str, *arguments: object) -> None:
        """Send a request whose reply `reply` will return.

        Raises:
            DriverLostError: the driver has ended, or does not read.
        """
        if self._connection.closed:  # ended by `kill`, and no other could be started
            raise DriverLostError("its process has ended")
        # Not `send`: it would put tensors into shared memory, and send names.
        try:
            self._connection.send_bytes(pickle.dumps((method, arguments)))
        except ConnectionError:
            raise self._lost() from None
        except BlockingIOError:  # by SO_SNDTIMEO
            raise DriverLostError(f"Ray has not read a request for {SILENT_S:.0f} s") from None
        self._unanswered, self._asked_at = method, time.monotonic()

    def reply(self, seconds: float) -> Any:
        """Return the reply to the last request; None if it takes longer than so many seconds.

        Raises:
            ClusterError: the method raised one.
            DriverLostError: the driver has ended, or is silent for long.
        """
        if not self._connection.poll(seconds):
            if time.monotonic() - self._asked_at > SILENT_S:
                raise DriverLostError(f"Ray has not replied for {SILENT_S:.0f} s")
            return None
        return self._take()

    def close(self) -> None:
        """Let the driver leave the cluster, and wait a moment for its end."""
        self._connection.close()
        self._output.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(LEAVING_S)

    def kill(self) -> None:
        """End the driver at once."""
        self._process.kill()
        self._process.wait()
        self._connection.close()
        self._output.close()

    def output(self) -> str:
        """Return what the driver and Ray have printed."""
        self._output.seek(0)
        return self._output.read().decode(errors="replace")

    def _reply(self, patience: float) -> Any:
        if not self._connection.poll(patience):
            raise DriverLostError(f"no answer within {patience:.0f} s")
        return self._take()

    def _take(self) -> Any:
        try:
            reply: Reply = pickle.loads(self._connection.recv_bytes())  # noqa: S301
        except (EOFError, ConnectionError):
            raise self._lost() from None
        self._unanswered = None
        for level, line in reply.lines:
            log.log(level, "%s", line)
        if reply.refused is not None:
            raise ClusterError(reply.refused)
        return reply.value

    def _lost(self) -> DriverLostError:
        """Return the error for a driver that has closed its end of the socket."""
        try:
            status = self._process.wait(LEAVING_S)
        except subprocess.TimeoutExpired:
            return DriverLostError("the process that held it ends")
        lines = [line.strip() for line in self.output().splitlines() if line.strip()]
        last = lines[-1] if lines else ""
        if last.startswith(REASON):
            return DriverLostError(last.removeprefix(REASON))
        said = f": {last}" if "Traceback" in self.output() else ""
        return DriverLostError(f"Ray has ended the process that held it, status {status}{said}")
