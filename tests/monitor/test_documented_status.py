"""A status.json with only the documented fields, as any program may write it once an iteration."""

from __future__ import annotations

import codecs
import json
import time
from pathlib import Path
from typing import Any

import pytest
from drawn_panels import check_what_is_shown
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from monitor_terminal import monitor_command, run_monitor_plainly
from terminals import Terminal

from blobmaster.monitor.notify.events import WatchState, detect_events
from blobmaster.monitor.options import MonitorOptions
from blobmaster.monitor.prometheus.exposition import exposition
from blobmaster.monitor.read.run_reader import RunReader
from blobmaster.monitor.report.command import run_report
from blobmaster.monitor.view import View, view
from blobmaster.run.files.layout import RunLayout

FIELDS: dict[str, Any] = {
    "iteration": 151,
    "total_iterations": 500,
    "progress": 0.302,
    "elapsed_hours": 2.5,
    "eta_hours": 124.5,
    "eta_days": 5.1875,
    "phase": "rounds",
    "mcts_config": "3×35",
    "elo": 1234.0,
    "elo_change": 12.0,
    "learning_rate": 8.4e-4,
    "loss": 1.2345,
    "policy_loss": 0.8123,
    "value_loss": 0.4222,
    "training_units_generated": 4400,
    "unit_type": "rounds",
    "pi_target_tau": 0.774,
}


def write(layout: RunLayout, age_s: float = 1.0, **changes: Any) -> None:
    fields = {"timestamp": time.time() - age_s, **FIELDS, **changes}
    layout.status.write_text(json.dumps(fields))


def seen(layout: RunLayout) -> View:
    return view(RunReader(MonitorOptions(status_file=layout.status)).read(), layout.status)


def test_once_shows_every_documented_field(layout: RunLayout):
    write(layout)
    done = run_monitor_plainly(layout, once=True)
    assert (done.returncode, done.stderr) == (0, "")
    state, *_ = done.stdout.splitlines()
    assert state.split() == ["state", "running"]
    for text in (
        *(
            "30.2 %",
            "151/500",
            "5.2 days (124.5 hours)",
            "2 h 30 min",
            "rounds · 3×35",
            "1234 (+12)",
        ),
        *("8.40e-04", "1.234", "0.812", "0.422", "4,400 rounds", "0.774"),
    ):
        assert text in done.stdout


@pytest.mark.parametrize(
    ("age_s", "hours", "state", "why"),
    [
        (1, 2.5, "running", ""),
        (12 * 60, 2.5, "no contact", "no update for 12 min"),
        (12 * 60, 50.0, "running", "no update for 12 min"),  # an iteration takes 20 min
        (-3600, 2.5, "running", ""),  # written by a clock that is ahead
    ],
)
def test_the_age_of_the_timestamp_is_the_state(layout, age_s, hours, state, why):
    write(layout, age_s, elapsed_hours=hours)
    shown = seen(layout)
    assert (shown.state, shown.why, shown.sure) == (state, why, True)


def test_the_last_iteration_is_shown_as_finished_however_old(layout: RunLayout):
    write(layout, 1e6, iteration=500, progress=1.0)
    assert seen(layout).state == "finished"


def test_a_written_change_is_news_even_from_a_clock_that_is_days_behind(layout: RunLayout):
    reader = RunReader(MonitorOptions(status_file=layout.status))
    write(layout, 1e6)
    assert view(reader.read(), layout.status).state == "no contact"
    write(layout, 1e6 - 600)
    assert view(reader.read(), layout.status).state == "running"


def test_a_status_without_a_timestamp_says_so(layout: RunLayout):
    layout.status.write_text(json.dumps(FIELDS))
    shown = seen(layout)
    assert (shown.state, shown.status_age_s) == ("no contact", None)
    assert "no timestamp" in shown.why
    assert shown.iteration == 151


def test_every_reader_takes_it(layout: RunLayout, capsys):
    run = RunLayout(layout.root / "night-run")
    run.root.mkdir()
    write(run)
    shown = seen(run)
    gauges = exposition([shown], now=1.7e9)
    for line in (
        f'blobmaster_iteration{{run_id="",directory="{run.root}"}} 151\n',
        f'blobmaster_elo{{run_id="",directory="{run.root}"}} 1234\n',
        'state="running"} 1\n',
    ):
        assert line in gauges
    assert "blobmaster_pid" not in gauges
    as_json = json.loads(run_monitor_plainly(run, json=True).stdout)
    assert (as_json["state"], as_json["metrics"]["loss"]) == ("running", 1.2345)
    listed = run_monitor_plainly(layout, once=True, folders=(run.root, layout.root)).stdout
    assert "running" in listed
    assert "151/500" in listed
    report = layout.root / "report.html"
    assert run_report(MonitorOptions(status_file=run.status), report) == 0
    assert "night-run" in report.read_text()
    assert "4,400 rounds" in report.read_text()
    capsys.readouterr()


def test_watch_reports_that_it_is_silent_and_that_it_recovered(layout: RunLayout):
    write(layout, 3600)
    told, events = detect_events(WatchState(), seen(layout), 0.0, 0.0)
    assert [event.event for event in events] == ["no-contact"]
    assert "no update for 60 min" in events[0].message or "1 h 00 min" in events[0].message
    assert events[0].run_id == layout.root.name
    write(layout)
    told, events = detect_events(told, seen(layout), 1.0, 0.0)
    assert events == ()
    _, events = detect_events(told, seen(layout), 99.0, 0.0)
    assert [event.event for event in events] == ["recovered"]


@pytest.mark.parametrize("age_s", [1.0, 3600.0])
def test_p_writes_pause_beside_it(layout: RunLayout, open_terminal, age_s: float):
    write(layout, age_s)
    screen: Terminal = open_terminal(monitor_command(layout))
    screen.wait_for("151")
    screen.press("p")
    screen.wait_for("Pause the run when iteration 151 is done?")
    screen.press("y")
    screen.wait_for("PAUSE requested")
    screen.wait_until(layout.control.exists, "wrote the request")
    assert layout.control.read_text().strip() == "PAUSE"


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**40), 10**40) | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    kept=st.sets(st.sampled_from(["timestamp", *FIELDS])),
    odd=st.dictionaries(st.sampled_from(["timestamp", *FIELDS]), values, max_size=4),
)
def test_any_subset_of_the_fields_with_any_values_is_shown(tmp_path: Path, kept, odd):
    layout = RunLayout(tmp_path)
    whole = {"timestamp": time.time(), **FIELDS}
    fields = {name: whole[name] for name in whole if name in kept} | odd
    layout.status.write_text(json.dumps(fields))
    shown = seen(layout)
    assert (shown.has_status, shown.problem) == (True, None)
    assert shown.state in ("running", "no contact", "finished")
    check_what_is_shown(shown)
    for name in kept - odd.keys() - {"timestamp", "eta_days"}:
        found = getattr(shown, name) if hasattr(shown, name) else shown.metrics[name]
        if name != "eta_hours" or shown.state == "running":
            assert found == FIELDS[name]


def test_a_byte_order_mark_and_a_bare_nan_hide_no_other_field(layout: RunLayout):
    layout.status.write_bytes(
        codecs.BOM_UTF8 + b'{"iteration": 3, "total_iterations": 9, "elo": NaN, "loss": 1.25}'
    )
    page = run_monitor_plainly(layout, once=True).stdout
    assert "3/9" in page
    assert "1.250" in page
    assert "nan" not in page.lower()


@pytest.mark.parametrize("content", ["[]", "17", '"running"', "null", "", '{"iteration": '])
def test_what_is_no_object_stays_unreadable(layout: RunLayout, content: str):
    layout.status.write_text(content)
    assert run_monitor_plainly(layout, once=True).returncode == 12
