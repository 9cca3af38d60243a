"""What `blobmaster checkpoints list` tells of a run."""

from __future__ import annotations

from pathlib import Path

import pytest
from networks_saved import save_network

from blobmaster.cli.checkpoint_list import corrected_elos, print_list
from blobmaster.run.files.history import HistoryRow, append_rows
from blobmaster.run.files.layout import RunLayout


def rated(root: Path, iteration: int, pool: object, run_id: str = "made") -> None:
    """Write a history row of a rating."""
    row = HistoryRow(
        iteration=iteration, run_id=run_id, timestamp="", elapsed_hours=1.0, metrics={"pool": pool}
    )
    append_rows(RunLayout(root).history, [row])


def test_a_checkpoint_has_its_elo_as_rated_and_as_the_last_rating_corrected_it(
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
def test_a_history_that_says_something_else_corrects_nothing(tmp_path: Path, pool: object):
    rated(tmp_path, 5, pool)
    assert not any(corrected_elos(RunLayout(tmp_path).history).values())


def test_no_history_corrects_nothing(tmp_path: Path):
    assert corrected_elos(RunLayout(tmp_path).history) == {}
