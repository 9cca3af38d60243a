"""The report shows the run's matrix if there is a whole one of this run, and says why else not."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from made_up_matrix import made_up_matrix
from made_up_run import IDENTITY, write_run

from blobmaster.matrix.file import write
from blobmaster.matrix.heat_map import heat_table
from blobmaster.monitor.options import MonitorOptions
from blobmaster.monitor.report.command import run_report
from blobmaster.monitor.report.content import MOST_PLAYERS
from blobmaster.run.files.layout import RunLayout

HEADING = "Against each other"


@pytest.fixture
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reports") / "report.html"


def made(layout: RunLayout, target: Path) -> str:
    assert run_report(MonitorOptions(status_file=layout.status), target) == 0
    page = target.read_text(encoding="utf-8")
    ElementTree.fromstring(page)
    return page


def test_the_matrix_is_the_same_heat_map_as_the_command_draws(layout: RunLayout, target: Path):
    write_run(layout)
    matrix = made_up_matrix(("random", "<b>&\"'"), run_id=IDENTITY.run_id, left_out=3)
    assert write(layout.matrix, matrix) is None
    page = made(layout, target)
    assert HEADING in page
    assert heat_table(matrix) in page
    assert "<b>+1.50</b><small>+1.25 to +1.75</small>" in page
    assert '<td class="unsure"' in page
    assert "3 more rated checkpoints are left out" in page
    for colour in ("--ahead", "--behind"):
        assert page.count(f"{colour}: ") == 2  # by day and by night
    assert "matrix.json" not in page


def test_without_a_matrix_nothing_is_shown(layout: RunLayout, target: Path):
    write_run(layout)
    page = made(layout, target)
    assert HEADING not in page
    assert "Points a round that the player of the row" not in page
    assert "heat" not in page


def test_a_damaged_one_is_left_out_with_a_note(layout: RunLayout, target: Path):
    write_run(layout)
    layout.matrix.write_text('{"made_by": ')
    page = made(layout, target)
    assert HEADING not in page
    assert "matrix.json is damaged or no matrix, and is left out" in page


def test_one_of_another_run_or_too_large_is_left_out_with_a_note(layout: RunLayout, target: Path):
    write_run(layout)
    write(layout.matrix, made_up_matrix(run_id="20240101-other"))
    page = made(layout, target)
    assert HEADING not in page
    assert "matrix.json is of another run and is left out" in page
    names = tuple(f"player {number}" for number in range(MOST_PLAYERS + 1))
    write(layout.matrix, made_up_matrix(run_id=IDENTITY.run_id, players=names, cells=()))
    page = made(layout, target)
    assert HEADING not in page
    assert f"{MOST_PLAYERS + 1} players, and a report has room for {MOST_PLAYERS}" in page
