"""Disks that the run fills: warned of in time, and the one that is full first is named."""

import dataclasses
from functools import partial

import psutil
import pytest
from victim import IDENTITY, write_state

from blobmaster.run.checkpoints.growth import Growth, hours_left, measure_growth
from blobmaster.run.control.process import this_process
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.session import RunSession
from blobmaster.run.status import machine
from blobmaster.run.status.machine import ResourceSampler
from blobmaster.run.status.publisher import StatusPublisher
from blobmaster.run.status.schema import read_status
from blobmaster.run.status.step_progress import StepProgress

GROWTH = Growth(
    done=10,
    total=100,
    seconds_left=9 * 3600.0,
    cached=4,
    permanent_bytes=10**6,
    cached_bytes=10**6,
    row_bytes=0.0,
)
"""A run at a tenth of its iterations, with a full cache."""


def test_a_nearly_full_disk_is_warned_of_with_the_hours_left(fast_path, monkeypatch, caplog):
    monkeypatch.setattr(machine, "LOW_BYTES", psutil.disk_usage(str(fast_path)).total + 1)
    publisher = StatusPublisher(
        RunLayout(fast_path), this_process(), StepProgress(0.0, 0.0), lambda: None
    )
    resources = ResourceSampler(RunLayout(fast_path), publisher)
    resources.hours_left = lambda *_: 0.5
    resources.sample(1.0)
    resources.sample(1.0 + machine.DISK_SECONDS)
    alert = next(a for a in publisher.status.alerts if a.kind == "disk-low")
    assert "full in 0.5 hours" in alert.message
    assert sum("GB free" in record.message for record in caplog.records) == 1


def test_a_disk_that_others_fill_while_the_runs_files_fit_is_not_called_full_soon(
    fast_path, monkeypatch
):
    free = iter(range(10**12, 10**9, -(10**10)))
    usage = psutil.disk_usage(str(fast_path))
    monkeypatch.setattr(
        machine.psutil, "disk_usage", lambda _: usage._replace(free=next(free, 10**10))
    )
    with RunSession.open(fast_path, command="test") as session:
        session.begin(IDENTITY, 500, None, "")
        for iteration in range(7):
            session.commit(iteration, partial(write_state, b"x", 0), metrics={})
        session.wait_for_commit()
        for second in range(0, 3600, 60):
            session._resources.sample(1e9 + second)
        growth = measure_growth(
            fast_path.stat().st_dev,
            session.layout,
            session.store,
            IDENTITY.checkpoint_name(0).prefix,
            session._publisher.status.last_checkpoint,
            session._record.progress.sample(session.clock()),
        )
        session.paused()
    disk = read_status(fast_path / "status.json").disk
    assert disk.free_bytes < 10**12 - 10**11
    assert disk.hours_left is None
    assert (growth.done, growth.total, growth.cached) == (7, 500, 4)
    assert growth.permanent_bytes == next(fast_path.glob("cache/*iter007*")).stat().st_size


@pytest.mark.parametrize("linked", ["permanent", "cache"])
def test_the_disk_that_the_run_fills_first_is_named(fast_path, tmp_path, monkeypatch, linked):
    if tmp_path.stat().st_dev == fast_path.stat().st_dev:
        pytest.skip("there is only one filesystem here")
    (fast_path / linked).symlink_to(tmp_path)
    root_disk = fast_path.stat().st_dev
    usage = psutil.disk_usage(str(fast_path))
    free = {str(fast_path): 10**13, str(fast_path / linked): 5 * 10**9}
    monkeypatch.setattr(
        machine.psutil, "disk_usage", lambda path: usage._replace(free=free.get(path, 10**13))
    )
    with RunSession.open(fast_path, command="test") as session:
        session.begin(IDENTITY, 10**9, None, "")
        for iteration in range(2):
            session.commit(iteration, partial(write_state, b"x", 10**6), metrics={})
        session.wait_for_commit()
        if linked == "cache":  # of these only a few are kept: they fill no disk of 5 GB
            free[str(fast_path / linked)] = 1000
        session._resources.sample(1e9)
        there = session._publisher.status.disk
        free.update({str(fast_path): 10, str(fast_path / linked): 10**13})
        session._resources.sample(2e9)
        here = session._publisher.status.disk
        growth = measure_growth(
            tmp_path.stat().st_dev,
            session.layout,
            session.store,
            IDENTITY.checkpoint_name(0).prefix,
            session._publisher.status.last_checkpoint,
            session._record.progress.sample(session.clock()),
        )
        session._resources.hours_left = lambda disk, _: 1.0 if disk == root_disk else None
        free.update({str(fast_path): 10**13, str(fast_path / linked): 1000})
        session._resources.sample(3e9)
        low = session._publisher.status.disk
        session.paused()
    assert there.folder == linked
    assert there.free_bytes in (1000, 5 * 10**9)
    assert there.hours_left is not None
    assert (here.folder, here.free_bytes) == (None, 10)
    assert (low.folder, low.low) == (linked, True)
    assert growth.row_bytes == 0
    assert (growth.permanent_bytes > 0, growth.cached_bytes > 0) == (
        linked == "permanent",
        linked == "cache",
    )


def test_permanent_checkpoints_fill_a_disk_and_rotated_ones_do_not():
    mb = 10**6
    # 90 iterations are left: 18 permanent checkpoints, and one more in the cache while it is saved.
    assert hours_left(GROWTH, 19 * mb) is None
    assert hours_left(GROWTH, 19 * mb - 1) == pytest.approx(9.0)
    assert hours_left(GROWTH, 2 * mb) == pytest.approx(1.0)
    assert hours_left(GROWTH, 0) == pytest.approx(0.1)
    empty = dataclasses.replace(GROWTH, cached=0)
    assert hours_left(empty, 22 * mb) is not None
    assert hours_left(empty, 23 * mb) is None
    rows = dataclasses.replace(GROWTH, row_bytes=1000.0)
    assert hours_left(rows, 19 * mb + 89_999) == pytest.approx(9.0)
    assert hours_left(rows, 19 * mb + 90_000) is None
    elsewhere = dataclasses.replace(GROWTH, permanent_bytes=0)
    assert hours_left(elsewhere, mb) is None
    assert hours_left(dataclasses.replace(GROWTH, done=100), 0) is None
    endless = dataclasses.replace(GROWTH, total=10**12)
    assert hours_left(endless, 10**9) == pytest.approx(9 * 5000 / 10**12, rel=0.01)
