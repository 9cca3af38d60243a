"""The hosts of a cluster in every form of the monitor, whoever wrote the status."""

from __future__ import annotations

import json
from typing import Any

import pytest
from drawn_panels import check_what_is_shown, frame
from monitor_terminal import make_status
from rich.cells import cell_len
from test_monitor_view import NOW, seen

from blobmaster.monitor.hosts import host_text
from blobmaster.monitor.prometheus.exposition import exposition
from blobmaster.monitor.read.liveness import Process, observe
from blobmaster.monitor.screen.panels import cluster
from blobmaster.monitor.serve.parts import RUN_PARTS, Shown
from blobmaster.monitor.text import plain
from blobmaster.monitor.view import View
from blobmaster.run.status.cluster import MOST_HOSTS, cluster_of
from blobmaster.run.status.schema import Host, decode, encode


def host(name: str, **more: Any) -> Host:
    return Host(name=name, address="10.0.0.7", actors=4, units_per_minute=15_070.4, **more)


def shown(*hosts: Host, lost: int = 0, repeated: int = 0) -> View:
    return seen(make_status(cluster=cluster_of(hosts, lost, repeated, "rounds")))


def written(cluster: object) -> View:
    """The view of a status that another program wrote, in whose file stands `cluster`."""
    fields = json.loads(encode(make_status())) | {"cluster": cluster}
    return seen(decode(json.dumps(fields).encode()))


def lines_at(view: View, width: int) -> list[str]:
    drawn = cluster.draw(frame(view, width, 30))
    return ["".join(span.text for span in line) for line in drawn]


def page_part(view: View) -> str:
    (part,) = (part for part in RUN_PARTS if part.id == "cluster")
    return part.draw(Shown(view=view, now=0.0, interval=5.0, can_write=False))


def test_a_run_without_a_cluster_shows_nothing_of_one():
    view = seen(make_status())
    assert view.cluster is None
    assert lines_at(view, 80) == []
    assert page_part(view) == ""
    assert "cluster" not in plain.page(view)
    assert "cluster_hosts" not in exposition([view], now=0.0)


def test_every_form_shows_the_sums_and_each_host():
    now = make_status().heartbeat_at
    view = shown(host("node7", answered_at=now - 3), host("node8"), lost=2, repeated=3)
    sums = "2 hosts, 8 actors, 30,141 rounds/min, 2 blocks lost, 3 repeated"
    first = "4 actors, 15,070/min, answered 3 s ago"
    page = plain.page(view)
    assert f"cluster         {sums}" in page
    assert f"host            node7 (10.0.0.7): {first}" in page
    assert "has not answered yet" in page
    assert sums in page_part(view)
    assert first in page_part(view)
    drawn = lines_at(view, 80)
    assert sums in drawn[0]
    assert "node7 (10.0.0.7)" in drawn[1]
    assert "answered 3 s ago" in drawn[1]
    gauges = exposition([view], now=0.0)
    assert "host_units_per_minute{" in gauges
    assert 'host="node7",address="10.0.0.7"} 15070.4' in gauges
    as_read = json.loads(plain.as_json(view))["cluster"]
    assert as_read["host_count"] == 2
    assert as_read["hosts"][0]["name"] == "node7"


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_lines_fit_the_screen(width: int):
    many = [host(f"a-very-long-name-of-a-host-{n}", silent=n == 3) for n in range(500)]
    drawn = lines_at(shown(*many), width)
    assert {cell_len(line) for line in drawn} == {width}
    assert len(drawn) <= MOST_HOSTS + 2


def test_a_silent_host_comes_first_and_stands_out():
    view = shown(host("a"), host("b", silent=True, answered_at=make_status().heartbeat_at - 75))
    assert view.cluster is not None
    assert host_text(view.cluster.hosts[0]).endswith("silent for 75 s")
    roles = {span.role for span in cluster.draw(frame(view, 80, 9))[1]}
    assert "warning" in roles
    assert 'class="warning"' in page_part(view)


HOSTILE = (
    *(None, 3, "x", [], {}, {"hosts": None}, {"hosts": [None]}, {"hosts": [{}], "actors": None}),
    {"hosts": [{"name": "\x1b[2Jgone\x07\u202e", "address": "<script>\n", "actors": -5}]},
    {"hosts": [{"units_per_minute": float("nan"), "answered_at": float("inf")}]},
    {"hosts": [{"units_per_minute": 1e308, "answered_at": 1e308, "actors": 2**62}] * 2},
    {
        "hosts": [{"units_per_minute": -1.0, "answered_at": -1e308}],
        "lost_blocks": -3,
        "unit": "\x1b[H",
    },
    {"hosts": [{"name": "h" * 100_000}] * 3, "host_count": -1, "units_per_minute": float("inf")},
    {"hosts": [{"name": "one"}] * 5000, "host_count": 10**30},
    {"hosts": [{"name": "one"}] * 5000},
)


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_what_others_write_is_shown_or_ignored(number: int):
    view = written(HOSTILE[number])
    check_what_is_shown(view)
    assert "<script>" not in page_part(view)
    assert len(plain.page(view).splitlines()) < 60
    assert all(cell_len(line) == 80 for line in lines_at(view, 80))


def test_the_age_of_an_answer_grows_while_the_trainer_is_silent():
    first = make_status()
    answered = host("a", answered_at=first.heartbeat_at - 3)
    status = make_status(cluster=cluster_of([answered], 0, 0))
    at_first = observe(None, status, Process.ALIVE, NOW, status.heartbeat_at)
    later = observe(at_first, status, Process.ALIVE, NOW + 100, status.heartbeat_at)
    ages = [seen(status, observation=found).cluster for found in (at_first, later)]
    assert [found and found.hosts[0].answer_age_s for found in ages] == [
        pytest.approx(3, abs=1),
        pytest.approx(103, abs=1),
    ]


def test_a_number_of_hosts_below_those_that_are_listed_is_not_shown():
    view = written({"hosts": [{"name": "one"}, {"name": "two"}], "host_count": 1})
    assert "2 hosts" in lines_at(view, 80)[0]
    assert "more" not in plain.page(view).split("cluster  ", 1)[1]
