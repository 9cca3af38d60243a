"""The rows of a history: read as they grow, are rewound, or belong to a new run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_up_run import IDENTITY, history_row, write_run
from trainer import assert_refused, run

from blobmaster.monitor.track.registry import TRACKERS
from blobmaster.monitor.track.rows import History, settings_of
from blobmaster.run.files import atomic
from blobmaster.run.files.history import reconcile
from blobmaster.run.files.layout import RunLayout


def test_rows_grow_are_rewound_by_a_resume_and_begin_anew_with_another_run(layout: RunLayout):
    layout.history.write_bytes(b"".join(history_row(n) for n in range(1, 8)))
    history = History(layout)
    history.refresh()
    assert [row.iteration for row in history.rows] == [*range(1, 8)]
    with layout.history.open("ab") as file:
        file.write(history_row(8) + history_row(9)[:20])
    history.refresh()
    assert history.rows[-1].iteration == 8
    reconcile(layout.history, IDENTITY.run_id, 4, ())
    history.refresh()
    assert [row.iteration for row in history.rows] == [1, 2, 3, 4]
    other = json.loads(history_row(1)) | {"run_id": "other"}
    atomic.replace(layout.history, json.dumps(other).encode() + b"\n")
    history.refresh()
    assert (history.run_id, len(history.rows)) == ("other", 1)


def test_a_loop_that_appends_iterations_again_counts_with_the_newer_ones(layout: RunLayout):
    rows = [history_row(1), history_row(2), history_row(3), history_row(2, loss=9.0)]
    layout.history.write_bytes(b"".join(rows))
    history = History(layout)
    history.refresh()
    assert [row.iteration for row in history.rows] == [1, 2]
    assert history.rows[-1].values["loss"] == 9.0


def test_a_row_has_every_number_also_those_of_lists_and_tables(layout: RunLayout):
    metrics = {"made_exact_by_cards": [0.5, None, 0.25], "more": {"a": 1}, "phase": "rounds"}
    layout.history.write_bytes(history_row(5, **metrics, flag=True, none=None))
    history = History(layout)
    history.refresh()
    values = history.rows[0].values
    assert values["made_exact_by_cards.1"] == 0.5
    assert values["made_exact_by_cards.3"] == 0.25
    assert values["more.a"] == 1.0
    assert {"elo", "elo_low", "elo_high", "loss", "elapsed_hours"} <= values.keys()
    assert not {"phase", "flag", "none", "made_exact_by_cards.2"} & values.keys()


def test_settings_come_from_the_newest_checkpoint_that_can_be_read(layout: RunLayout):
    assert settings_of(layout) == {}
    write_run(layout)
    found = settings_of(layout)
    assert found["learning.batch"] == 1024
    assert found["rounds.players.4"] == 0.15
    assert found["parameters"] == 4_900_000
    newest = sorted(layout.permanent.glob("*.pth"))[-1]
    newest.write_bytes(newest.read_bytes()[:-9])
    assert settings_of(layout) == found


@pytest.mark.parametrize("name", [tracker.name for tracker in TRACKERS])
def test_a_tracker_that_is_not_installed_is_refused_with_what_to_install(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    from blobmaster.monitor.track import command

    (tmp_path / name).mkdir()  # as a tracker makes one in the working directory
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "find_spec", lambda _: None)
    options = command.TrackOptions(tracker=name, folders=(tmp_path,), target=tmp_path / "to")
    assert command.run_track(options) == 2
    told = capsys.readouterr().err
    assert told == f"blobmaster track: {name} is not installed: pip install 'blobmaster[{name}]'\n"
    assert not (tmp_path / "to").exists()


def test_a_tracker_that_nobody_knows_is_refused_with_those_there_are():
    assert_refused(run("track", "excel"), "'tensorboard', 'wandb', 'trackio', 'mlflow'")
