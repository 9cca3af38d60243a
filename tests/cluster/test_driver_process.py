"""A driver that is stopped or gone is lost to the trainer within a bounded time."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from blobmaster.cluster import driver_process
from blobmaster.cluster.driver_process import DriverProcess
from blobmaster.cluster.errors import DriverLostError

JOB = bytes(16 << 20)
"""A job that no socket buffer holds."""


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Iterator[DriverProcess]:
    monkeypatch.setattr(driver_process, "SILENT_S", 0.5)
    made = DriverProcess(is_local=True)
    yield made
    made.kill()


def test_a_driver_that_is_stopped_while_a_large_job_is_sent_is_lost(driver: DriverProcess) -> None:
    os.kill(driver._process.pid, signal.SIGSTOP)
    with pytest.raises(DriverLostError, match="has not read"):
        driver.request("begin", JOB)


def test_a_driver_that_was_ended_is_lost_to_each_later_request(driver: DriverProcess) -> None:
    driver.kill()
    with pytest.raises(DriverLostError):
        driver.ask("end")
