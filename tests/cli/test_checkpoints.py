"""`blobmaster checkpoints list` shows each checkpoint with its Elo as rated and as corrected."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from saved_networks import save_network

from blobmaster.cli.checkpoints import (
    corrected_elos,
    list_checkpoints,
    print_list,
    print_verdicts,
    verify_checkpoints,
)
from blobmaster.run.files.history import HistoryRow, append_rows
from blobmaster.run.files.layout import RunLayout


def rated(root: Path, iteration: int, pool: object, run_id: str = "made") -> None:
    """Write a history row of a rating."""
    row = HistoryRow(
        iteration=iteration, run_id=run_id, timestamp="", elapsed_hours=1.0, metrics={"pool": pool}
    )
    append_rows(RunLayout(root).history, [row])


def test_a_checkpoint_is_listed_with_its_first_elo_and_the_newest_estimate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    save_network(tmp_path)
    rated(tmp_path, 5, {"iter005": [1234.0, 1200.0, 1260.0]})
    rated(tmp_path, 10, {"iter005": [1301.4, 1280.0, 1322.6], "iter010": [1400.0, 1380.0, 1420.0]})
    rated(tmp_path, 10, {"iter005": [9.0, 8.0, 10.0]}, run_id="another")
    assert print_list(tmp_path) == 0
    line = capsys.readouterr().out.splitlines()[1].split("  ")
    assert [cell.strip() for cell in line if cell.strip()][:3] == [
        *("5", "1234", "1301 (1280 to 1323)"),
    ]


@pytest.mark.parametrize("pool", [None, [], "x", {"iter005": 3}, {"iter005": ["a", 1, 2]}])
def test_a_malformed_pool_in_the_history_gives_no_elo(tmp_path: Path, pool: object):
    rated(tmp_path, 5, pool)
    assert not any(corrected_elos(RunLayout(tmp_path).history).values())


def test_a_missing_history_gives_no_elo(tmp_path: Path):
    assert corrected_elos(RunLayout(tmp_path).history) == {}


def test_checkpoints_are_counted_while_they_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("blobmaster.terminal.console.LINE_SECONDS", 0.0)
    path, other = save_network(tmp_path), tmp_path / "other.pth"
    other.write_bytes(b"a picture")
    assert print_verdicts([path, other]) == 1
    seen = capsys.readouterr()
    assert seen.err.splitlines() == ["1 of 2 checkpoints", "2 of 2 checkpoints"]
    assert seen.out.splitlines()[0] == f"{path}: whole"
    assert print_list(tmp_path) == 0
    assert capsys.readouterr().err.splitlines() == ["1 of 1 checkpoints"]


def damaged_run(root: Path) -> tuple[Path, Path]:
    """Make a run with a whole and a newer, damaged checkpoint, and return their paths."""
    whole = save_network(root)
    damaged = whole.with_name(whole.name.replace("iter005", "iter010"))
    damaged.write_bytes(whole.read_bytes()[:-9])
    return whole, damaged


@pytest.mark.parametrize("named", [["DIR"], ["--checkpoint-dir", "DIR"]])
def test_a_run_directory_is_listed_with_the_reason_of_each_damage_below(
    tmp_path: Path, named: list[str]
) -> None:
    _, damaged = damaged_run(tmp_path)
    words = [word.replace("DIR", str(tmp_path)) for word in named]
    result = CliRunner().invoke(list_checkpoints, words, standalone_mode=False)
    assert result.return_value == 1
    *table, reason = [line.rstrip() for line in result.stdout.splitlines()]
    assert [line.split()[-2] for line in table] == ["whole", "whole", "damaged"]
    assert max(map(len, table)) < 120
    assert reason.startswith(f"{damaged}: ")
    assert str(tmp_path) not in "".join(table)


def test_all_checkpoints_of_a_run_directory_are_verified(tmp_path: Path) -> None:
    whole, damaged = damaged_run(tmp_path)
    result = CliRunner().invoke(verify_checkpoints, [str(tmp_path)], standalone_mode=False)
    assert result.return_value == 1
    first, second = result.stdout.splitlines()
    assert first == f"{whole}: whole"
    assert second.startswith(f"{damaged}: ")
