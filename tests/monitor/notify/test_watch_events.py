"""Events of a run: each is reported once, with a complete message."""

from __future__ import annotations

from typing import Any

import pytest
from watch_events import an_event, seen

from blobmaster.monitor.notify.events import RECOVERY_S, WatchState, detect_events
from blobmaster.monitor.view import View


def news(*looks: View | tuple[View, float]) -> list[str]:
    """Return the events of these views, read a second apart or at given times."""
    told, now, found = WatchState(), 0.0, []
    for look in looks:
        view, now = look if isinstance(look, tuple) else (look, now + 1)
        told, events = detect_events(told, view, now, 1e9)
        found += [event.event if event.over is None else f"{event.over} over" for event in events]
    return found


LATE = RECOVERY_S + 100


@pytest.mark.parametrize(
    ("looks", "told"),
    [
        ([seen("starting"), seen("running"), seen("pausing")], []),
        ([seen("running"), *[seen("finished")] * 3], ["finished"]),
        ([seen("finished"), seen("finished")], ["finished"]),
        ([seen("running"), seen("paused"), seen("running"), seen("paused")], ["paused", "paused"]),
        ([seen("running"), seen("failed"), seen("failed")], ["failed"]),
        ([seen("running"), seen("waiting for disk")], ["waiting-for-disk"]),
        ([seen("running"), seen("no contact"), seen("no contact")], ["no-contact"]),
        # A death seen at the first look may be a last word that was not read yet.
        ([seen("dead"), seen("finished")], ["finished"]),
        ([seen("dead"), seen("dead"), seen("dead")], ["dead"]),
        ([seen("running"), seen("dead")], ["dead"]),
        # A recovery is told when it has lasted; what comes and goes is told once.
        ([seen("stalled"), (seen("running"), 9.0), (seen("running"), LATE)], ["stalled", "over"]),
        ([seen("stalled"), seen("running"), seen("stalled"), seen("running")], ["stalled"]),
        ([seen("stalled"), seen("running"), (seen("stalled"), LATE)], ["stalled"]),
        ([seen("stalled"), seen("dead"), (seen("dead"), LATE)], ["stalled", "dead"]),
        ([seen("failed"), seen("running"), (seen("running"), LATE)], ["failed", "over"]),
        ([seen("stalled"), seen("finished"), (seen("finished"), LATE)], ["stalled", "finished"]),
        # Alerts come and go beside the state.
        ([seen("running"), seen("running", "disk-low"), seen("running", "disk-low")], ["disk-low"]),
        ([seen("running", "elo-falling", "save-failed", "stalled")], ["elo-falling"]),
        (
            [seen("running", "disk-low"), seen("running"), (seen("running"), LATE)],
            ["disk-low", "over"],
        ),
        ([seen("running", "disk-low"), seen("paused"), seen("paused")], ["disk-low", "paused"]),
        ([seen("finished", "disk-low", "elo-falling")], ["finished"]),
        # What is not sure or not known changes nothing; another run is another story.
        ([seen("running"), seen("stalled", sure=False)], []),
        ([seen("stalled"), seen("unreadable", run_id=""), seen("stalled")], ["stalled"]),
        ([seen("stalled"), seen("stalled", run_id="s")], ["stalled", "stalled"]),
    ],
)
def test_every_event_is_told_once(looks: list[Any], told: list[str]):
    assert [event.split()[-1] for event in news(*looks)] == told


def test_an_event_says_which_run_where_and_how_to_go_on():
    told = an_event(
        why="non-finite loss",
        host="atlas",
        metrics={"elo": 1412.3},
        next_command="blobmaster train --resume",
    )
    assert told.title == "r: failed"
    assert told.message == (
        "failed: non-finite loss | iteration 151/500 (30.0 %) | Elo 1412 | "
        "resume with: blobmaster train --resume"
    )
    assert (told.id, told.time) == ("r/7/failed", "2001-09-09T01:46:40+00:00")
    assert (told.host, told.elo, told.resume_command) == (
        *("atlas", 1412.3, "blobmaster train --resume"),
    )
