"""The view as a pure function of what was read."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from monitor_terminal import make_status

from blobmaster.monitor.facts import facts
from blobmaster.monitor.read.curves import Curve
from blobmaster.monitor.read.liveness import SILENCE_S, Process, judge, observe
from blobmaster.monitor.text import plain
from blobmaster.monitor.view import PendingRequest, Reading, View, view
from blobmaster.run.status.schema import Alert, Disk, LastCheckpoint, Request, Status

SOURCE = Path("runs/long/status.json")
NOW = 5000.0


def reading(status: Status | None, process: Process = Process.ALIVE, **more: Any) -> Reading:
    """Return a reading with this content."""
    observation = verdict = None
    if status is not None:
        observation = observe(None, status, process, NOW, status.heartbeat_at)
        verdict = judge(status, observation, SILENCE_S)
    found = {
        **{"status": status, "status_at": NOW, "problem": None, "missing": False, "now": NOW},
        **{"observation": observation, "verdict": verdict},
    }
    return Reading(**{**found, **more})


def seen(status: Status | None, pending: PendingRequest | None = None, **more: Any) -> View:
    return view(reading(status, **more), SOURCE, pending)


def curve(name: str, *values: float, step: int = 1) -> Curve:
    points = tuple((float(step * (i + 1)), value) for i, value in enumerate(values))
    return Curve(name=name, points=points)


def test_no_run_yet_waits_and_an_unreadable_file_says_why():
    nothing = seen(None, missing=True, problem="no status file")
    assert nothing.state == "waiting"
    assert plain.exit_status(nothing) == plain.NO_STATUS
    broken = seen(None, problem="not valid JSON")
    assert broken.state == "unreadable"
    assert "not valid JSON" in plain.page(broken)


@pytest.mark.parametrize("state", ["paused", "finished", "failed"])
def test_a_run_that_has_ended_has_no_iteration_to_wait_for(state: str):
    elapsed = curve("elapsed_hours", 0.3, 0.6, 0.9)
    ended = seen(make_status(state=state, elapsed_hours=1.0), curves={"elapsed_hours": elapsed})
    assert ended.state == state
    assert ended.iteration_seconds_left is None


def test_an_iteration_that_is_overdue_ends_no_sooner_than_its_step():
    elapsed = curve("elapsed_hours", 0.3, 0.6, 0.9)
    early = seen(make_status(elapsed_hours=1.0), curves={"elapsed_hours": elapsed})
    assert early.iteration_seconds_left == pytest.approx(0.2 * 3600)
    overdue = make_status(elapsed_hours=5.0)
    assert seen(overdue, curves={"elapsed_hours": elapsed}).iteration_seconds_left == 34
    nothing_known = make_status(elapsed_hours=5.0, step=None)
    assert seen(nothing_known, curves={"elapsed_hours": elapsed}).iteration_seconds_left is None


def test_a_paused_run_stands_after_what_it_committed_and_has_no_request_left():
    saved = LastCheckpoint(
        name="x.pth", path="cache/x.pth", iteration=150, bytes=1, saved_at=0.0, permanent=False
    )
    left = Request(text="SIGTERM", at=0.0)
    shown = seen(make_status(state="paused", iteration=151, last_checkpoint=saved, request=left))
    assert shown.why == "after iteration 150"
    assert shown.request is None
    assert seen(make_status(state="paused", iteration=1)).why == ""


def test_the_last_good_frame_stays_with_its_age():
    shown = seen(make_status(), problem="not valid JSON", now=NOW + 42)
    assert (shown.iteration, shown.frame_age_s) == (151, 42)
    assert "42 s ago: not valid JSON" in plain.page(shown)


@pytest.mark.parametrize(
    ("state", "status"),
    [("stalled", 10), ("no contact", 10), ("dead", 11), ("waiting", 12), ("unreadable", 12)]
    + [(state, 0) for state in ("running", "paused", "finished", "failed", "waiting for disk")],
)
def test_the_exit_status_tells_the_state(state: str, status: int):
    assert plain.exit_status(View(state=state, source="x")) == status


def test_an_eta_is_days_and_hours_and_a_dash_before_it_is_known():
    assert "4.8 days (115.5 hours)" in plain.page(seen(make_status()))
    unknown = plain.page(seen(make_status(eta_hours=None, eta_days=None)))
    assert "ETA             —" in unknown
    assert "ETA             —" in plain.page(seen(make_status(eta_hours=-3.0)))


@pytest.mark.parametrize("state", ["paused", "failed", "finished"])
def test_a_run_that_does_not_run_has_no_eta(state: str):
    assert seen(make_status(state=state)).eta_hours is None


@pytest.mark.parametrize("state", ["paused", "failed"])
def test_a_run_that_ended_early_names_the_command_that_continues_it(state: str):
    shown = seen(make_status(state=state, error="non-finite loss" if state == "failed" else None))
    assert shown.next_command == "blobmaster train --resume --checkpoint-dir runs/long"
    if state == "failed":
        assert shown.why == "non-finite loss"
    assert seen(make_status()).next_command is None


def test_pausing_says_after_which_iteration_and_about_when():
    """Iterations take 0.3 h, and 0.1 h of this one are over."""
    elapsed = curve("elapsed_hours", *(0.3 * n for n in range(1, 151)))
    status = make_status(
        state="pausing", elapsed_hours=45.1, request=Request(text="PAUSE", at=time.time())
    )
    shown = seen(status, curves={"elapsed_hours": elapsed})
    assert shown.request == "pausing after iteration 151 (about 12 min)"
    now = make_status(state="pausing", request=Request(text="PAUSE NOW", at=time.time()))
    assert seen(now).request == "pausing now: finished blocks are kept"


def test_a_request_stays_requested_until_a_later_status_answers_it():
    pending = PendingRequest(text="PAUSE", at=NOW - 2, seq=1000)
    assert seen(make_status(seq=1000), pending).request == "PAUSE requested"
    assert seen(make_status(seq=1003), pending).request == "PAUSE requested"
    late = PendingRequest(text="PAUSE", at=NOW - 40, seq=1000)
    assert "not answered" in str(seen(make_status(seq=1003), late).request)
    answer = make_status(seq=1001, state="pausing")
    assert str(seen(answer, pending).request).startswith("pausing after iteration 151")
    taken_back = make_status(seq=1002)
    assert seen(taken_back, PendingRequest(text="CONTINUE", at=NOW, seq=1001)).request is None


def test_checkpoints_and_their_age_come_from_the_trainers_own_clock():
    status = make_status(heartbeat_at=1e6, progress_at=1e6)  # a clock decades off
    saved = LastCheckpoint(
        name="a.pth",
        path="cache/a.pth",
        iteration=150,
        bytes=1,
        saved_at=1e6 - 420,
        permanent=False,
    )
    status = make_status(heartbeat_at=1e6, progress_at=1e6, last_checkpoint=saved)
    assert seen(status).last_checkpoint_age_s == pytest.approx(420)


def test_a_dead_run_is_an_alert_with_its_next_command():
    shown = seen(make_status(), process=Process.GONE)
    assert shown.state == "dead"
    assert shown.alerts[0].level == "error"
    assert shown.next_command is not None
    assert not shown.accepts_requests


def test_alerts_of_the_trainer_and_of_the_monitor_are_told_once():
    low = Disk(free_bytes=1_500_000_000, total_bytes=10**12, low=True, hours_left=3.0)
    told = Alert(kind="disk-low", level="warning", message="1.5 GB left", since=0.0)
    assert len(seen(make_status(disk=low, alerts=[told])).alerts) == 1
    assert "nearly full" in seen(make_status(disk=low)).alerts[0].message
    assert "low: 1.5 GB free, full in 3 h 00 min" in plain.page(seen(make_status(disk=low)))


def test_a_disk_that_is_not_the_run_directorys_is_named_by_its_folder():
    disk = Disk(
        free_bytes=10**12, total_bytes=10**13, low=False, hours_left=3.0, folder="permanent"
    )
    page = plain.page(seen(make_status(disk=disk)))
    assert "1.0 TB free for permanent/, full in 3 h 00 min" in page


def rated(*elos: float, half: float = 20.0) -> dict[str, Curve]:
    ends = {"elo": 0.0, "elo_low": -half, "elo_high": half}
    return {name: curve(name, *(elo + off for elo in elos), step=5) for name, off in ends.items()}


def test_a_fall_of_elo_is_told_when_the_intervals_part_and_until_they_meet_again():
    def told(curves: dict[str, Curve]) -> tuple[str, ...]:
        return tuple(alert.message for alert in seen(make_status(), curves=curves).alerts)

    assert told(rated(1000, 1300, 1290, 1280, 1261)) == ()
    fallen = "Elo is falling: 1259 (at most 1279) after 1300 (at least 1280)"
    assert told(rated(1000, 1300, 1290, 1259)) == (fallen,)
    assert told(rated(1000, 1300, 1290, 1259, 1262)) == ()


def test_ratings_without_an_interval_or_with_a_wide_one_are_no_fall():
    assert seen(make_status(), curves={"elo": curve("elo", 1300, 900)}).alerts == ()
    assert seen(make_status(), curves=rated(1300, 900, half=300)).alerts == ()
    assert seen(make_status(), curves=rated(1300)).alerts == ()


def test_a_plain_loop_shows_its_own_metrics_and_nothing_of_blob():
    shown = {fact.label: fact.text for fact in facts({"loss": 0.5, "top1_accuracy": 0.75})}
    assert shown == {"loss": "0.500", "top1 accuracy": "0.75"}
    page = plain.page(seen(make_status(metrics={"loss": 0.5})))
    assert "phase" not in page
    assert "Elo" not in page


def test_null_metrics_are_dashes_not_errors():
    names = (
        *("phase", "mcts_config", "elo", "elo_change", "learning_rate", "loss", "policy_loss"),
        *("value_loss", "training_units_generated", "unit_type", "pi_target_tau"),
    )
    shown = {fact.label: fact.text for fact in facts(dict.fromkeys(names))}
    assert shown["phase"] == "—"
    assert shown["Elo"] == "not rated yet"
    assert shown["loss"] == "—  π —  v —"


def test_text_from_files_carries_no_control_codes():
    evil = "a\x1b[31mb\nc\x9bd"
    page = plain.page(
        seen(
            make_status(
                run_id=evil,
                host=evil,
                state="failed",
                error=evil,
                resume_command=evil,
                alerts=[Alert(kind="x", level=evil, message=evil, since=0.0)],
                metrics={"phase": evil, evil: evil},
            )
        )
    )
    assert all(letter.isprintable() for letter in page.replace("\n", ""))
    assert "\nc d" not in page


def test_a_metric_with_an_interval_is_one_figure():
    interval = {"reward": 6.25, "reward_low": 6.1, "reward_high": 6.4}
    shown = {fact.label: fact.text for fact in facts(interval)}
    assert shown == {"reward": "6.25  6.1–6.4"}


def test_the_yardsticks_of_a_rating_are_one_figure_a_player():
    measured = {
        f"{measure}_vs_random{end}": value
        for measure, value in (("points", 6.25), ("exact", 0.41), ("gain", 1.3))
        for end in ("", "_low", "_high")
    }
    shown = {fact.label: fact.text for fact in facts(measured)}
    assert shown == {"vs random": "6.25 points, 41 % exact"}
    games = measured | {"wins_vs_random": 0.62, "wins_vs_random_low": 0.6, "wins_vs_random_high": 1}
    shown = {fact.label: fact.text for fact in facts(games)}
    assert shown == {"vs random": "6.25 points, 41 % exact, wins 62 %"}
