"""The hosts of a cluster in status.json: few lines for any number of hosts, and one alert."""

from __future__ import annotations

import msgspec
import pytest

from blobmaster.run.control.process import this_process
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.status.cluster import MOST_HOSTS, ClusterReporter, cluster_of, silence
from blobmaster.run.status.publisher import StatusPublisher
from blobmaster.run.status.schema import HOST_SILENT, Alert, Host, Status, decode, encode
from blobmaster.run.status.step_progress import StepProgress


def hosts(count: int, silent: tuple[int, ...] = ()) -> list[Host]:
    return [
        Host(
            name=f"host{number:03d}",
            address=f"10.0.0.{number}",
            actors=4,
            units_per_minute=100.0,
            answered_at=5.0,
            silent=number in silent,
        )
        for number in range(count)
    ]


@pytest.fixture
def progress() -> StepProgress:
    return StepProgress(0.0, 0.0)


@pytest.fixture
def publisher(fast_path, progress: StepProgress) -> StatusPublisher:
    return StatusPublisher(RunLayout(fast_path), this_process(), progress, lambda: None)


def alerts_of(publisher: StatusPublisher) -> list[Alert]:
    return [alert for alert in publisher.status.alerts if alert.kind == HOST_SILENT]


def test_five_hundred_hosts_stay_small_and_are_summed():
    cluster = cluster_of(hosts(500, silent=(77, 499)), 3, 4)
    assert len(cluster.hosts) == MOST_HOSTS
    assert [host.name for host in cluster.hosts[:3]] == ["host077", "host499", "host000"]
    assert (cluster.host_count, cluster.actors) == (500, 2000)
    assert cluster.units_per_minute == pytest.approx(50_000)
    assert (cluster.lost_blocks, cluster.repeated_blocks) == (3, 4)
    assert len(encode(Status(cluster=cluster))) < 5000


def test_a_cluster_is_read_as_it_was_written_and_is_null_without_one():
    status = Status(cluster=cluster_of(hosts(2), 1, 2))
    assert decode(encode(status)) == status
    assert msgspec.json.decode(encode(Status()))["cluster"] is None


def test_a_host_whose_rate_is_unknown_does_not_hide_the_others():
    unknown = Host(name="x", units_per_minute=None)
    assert cluster_of([*hosts(2), unknown], 0, 0).units_per_minute == 200
    assert cluster_of([unknown], 0, 0).units_per_minute is None


def test_the_alert_names_few_silent_hosts_and_counts_the_others():
    assert silence(hosts(9)) is None
    one, many = silence(hosts(9, silent=(4,))), silence(hosts(99, silent=tuple(range(50))))
    assert one is not None
    assert one.startswith("host host004 does not answer")
    assert many is not None
    assert many.startswith("hosts host000, host001, host002 and 47 more do not answer")


def test_the_alert_goes_when_the_host_answers_or_leaves(
    publisher: StatusPublisher, progress: StepProgress
):
    reporter = ClusterReporter(publisher, progress)
    for after in (hosts(3), hosts(1), []):
        reporter.show(hosts(3, silent=(2,)), 0, 0)
        (alert,) = alerts_of(publisher)
        assert "host002" in alert.message
        reporter.show(after, 0, 0)
        assert not alerts_of(publisher)


def test_a_silence_that_lasts_keeps_its_time_and_is_raised_once(
    publisher: StatusPublisher, progress: StepProgress
):
    reporter = ClusterReporter(publisher, progress)
    reporter.show(hosts(3, silent=(2,)), 0, 0)
    (first,) = alerts_of(publisher)
    publisher.write()
    reporter.show(hosts(3, silent=(2,)), 0, 0)
    assert alerts_of(publisher) == [first]
    assert not publisher.changed  # so that a report a second is no synced write a second
    reporter.show(hosts(3, silent=(1, 2)), 0, 0)
    (second,) = alerts_of(publisher)
    assert second.since == first.since
    assert "host001, host002" in second.message


def test_the_unit_is_that_of_the_step(publisher: StatusPublisher, progress: StepProgress):
    progress.start("rating", 100, "deals", 0.0, 0.0)
    ClusterReporter(publisher, progress).show(hosts(1), 0, 0)
    assert publisher.status.cluster is not None
    assert publisher.status.cluster.unit == "deals"
