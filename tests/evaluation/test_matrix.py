"""`blobmaster evaluate --matrix`: every pair is played, and shown with its interval."""

from __future__ import annotations

import json
import re
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import forked
import pytest
from saved_networks import save_network
from trainer import PATIENCE_S, assert_refused

from blobmaster.evaluation.matrix.request import FIRST_LINES, evenly_spaced, players_of
from blobmaster.matrix.file import read
from blobmaster.matrix.heat_map import heat_table
from blobmaster.run.checkpoints.store import CheckpointStore
from blobmaster.run.files.layout import RunLayout


@pytest.fixture(scope="module")
def run_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with one rated checkpoint, and one that was not rated."""
    root = tmp_path_factory.mktemp("run")
    rated = save_network(root)
    rated.with_name(rated.name.replace("-elo1234", "").replace("iter005", "iter010")).write_bytes(
        rated.read_bytes()
    )
    return root


def matrix(run: Path, *words: object) -> subprocess.CompletedProcess[str]:
    typed = ["-m", "blobmaster", "evaluate", "--matrix", str(run), *map(str, words)]
    return forked.run(typed, timeout=PATIENCE_S)


def test_every_pair_is_played_alike_on_any_number_of_workers(run_directory: Path):
    found = []
    for workers in (1, 3):
        words = ("--deals", 40, "--workers", workers, "--json", "--cards", 2)
        done = matrix(run_directory, *words)
        assert done.returncode == 0, done.stderr
        found.append(json.loads(done.stdout))
        assert found[-1].pop("seconds") > 0
    assert found[0] == found[1]
    players = found[0]["players"]
    assert players[:2] == ["random", "heuristic"]
    assert [re.search(r"iter\d+", name)[0] for name in players[2:]] == ["iter005"]
    cells = {(cell["player"], cell["others"]): cell for cell in found[0]["cells"]}
    assert len(cells) == 6
    assert all(cell["deals"] == 40 for cell in cells.values())
    ahead = cells["heuristic", "random"]["lead"]
    assert 0 < ahead["low"] < ahead["value"] < ahead["high"]
    assert cells["heuristic", "random"]["sure"]
    assert cells["random", "heuristic"]["lead"]["high"] < 0


def test_the_heat_map_has_every_value_with_its_interval_and_loads_nothing(
    run_directory: Path, tmp_path: Path
):
    page = tmp_path / "matrix.html"
    done = matrix(run_directory, "--deals", 20, "--cards", 1, "-o", page, "--against", "random")
    assert done.returncode == 0, done.stderr
    text = page.read_text("utf-8")
    assert text.startswith(FIRST_LINES)
    assert not re.search(r"(src|href|url)\s*[=(]", text)
    body = text[text.index("<table") : text.index("</table>") + len("</table>")]
    rows = [[*row] for row in ET.fromstring(body).iter("tr")]
    assert [len(row) for row in rows] == [3, 3, 3]
    values = re.findall(r"<b>([+−]\d+\.\d\d)</b><small>([+−]\S+) to ([+−]\S+)</small>", body)
    assert len(values) == 2
    for value, low, high in values:
        shown = f"{value} ({low} to {high})".replace("−", "-")
        assert shown in done.stdout
    assert done.stdout.splitlines()[-2:] == [
        f"{page}: the same as a heat map",
        f"{run_directory}/matrix.json: for blobmaster report",
    ]
    kept = read(run_directory / "matrix.json")
    assert kept.run_id == "made"
    assert heat_table(kept) == body


def test_a_directory_that_takes_no_file_gets_an_answer_all_the_same(run_directory: Path):
    kept = run_directory / "matrix.json"
    kept.unlink(missing_ok=True)
    kept.mkdir()
    try:
        done = matrix(run_directory, "--deals", 10, "--cards", 1, "--against", "random")
    finally:
        kept.rmdir()
    assert done.returncode == 0, done.stderr
    assert "for blobmaster report" not in done.stdout
    assert "(2)" in done.stdout
    assert "the report will not show this matrix" in done.stderr


def rated_copies(run: Path, root: Path, *iterations: int) -> dict[int, Path]:
    """Fill the run directory `root` with copies of the run's rated checkpoint, by iteration."""
    original = next((run / "permanent").glob("*-elo1234.pth"))
    (root / "permanent").mkdir(parents=True)
    made = {}
    for number in iterations:
        made[number] = root / "permanent" / original.name.replace("iter005", f"iter{number:03}")
        made[number].write_bytes(original.read_bytes())
    return made


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def test_a_damaged_checkpoint_is_left_out_and_named(run_directory: Path, tmp_path: Path):
    saved = rated_copies(run_directory, tmp_path, 5, 10, 15)
    cut(saved[15])
    done = matrix(tmp_path, "--deals", 10, "--cards", 1, "--against", "random")
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stderr.splitlines() if "left out" in line]
    assert len(told) == 1
    assert str(saved[15]) in told[0]
    assert "1 more rated checkpoint is left out" in done.stdout
    kept = read(tmp_path / "matrix.json")
    assert kept.left_out == 1
    assert kept.players == ("random", saved[5].stem, saved[10].stem)


def test_another_checkpoint_takes_the_place_of_a_damaged_one(run_directory: Path, tmp_path: Path):
    saved = rated_copies(run_directory, tmp_path, 5, 10, 15, 20, 25)
    cut(saved[5])
    cut(saved[15])
    found = players_of(tmp_path, ["random"], 3)
    assert [player.path for player in found.players[1:]] == [saved[10], saved[20], saved[25]]
    assert found.left_out == 2
    assert len(found.unusable) == 2


def test_a_run_whose_checkpoints_are_all_damaged_is_refused(run_directory: Path, tmp_path: Path):
    saved = rated_copies(run_directory, tmp_path, 5, 10)
    for path in saved.values():
        cut(path)
    refused = matrix(tmp_path, "--deals", 10)
    assert_refused(refused, "no rated checkpoint", str(saved[10]))


def test_bad_input_is_refused_in_one_line(run_directory: Path, tmp_path: Path):
    foreign = tmp_path / "notes.html"
    foreign.write_text("mine")
    assert_refused(matrix(tmp_path / "gone"), "--matrix takes a run directory")
    assert_refused(matrix(foreign), f"{foreign} is a file", "--matrix takes a run directory")
    assert_refused(matrix(tmp_path), "has no rated checkpoint")
    assert_refused(matrix(run_directory, "--search", "2x4"), "leave out --search")
    assert_refused(matrix(run_directory, "-o", foreign), "is not replaced: name another file")
    assert_refused(matrix(run_directory, "--cards", 0), "cards")
    assert foreign.read_text() == "mine"


def test_of_many_checkpoints_the_first_the_last_and_some_between_are_taken():
    paths = [Path(str(n)) for n in range(100)]
    chosen = evenly_spaced(paths, 8)
    assert (len(chosen), chosen[0], chosen[-1]) == (8, paths[0], paths[-1])
    assert evenly_spaced(paths[:3], 8) == paths[:3]


def test_only_rated_permanent_checkpoints_count(run_directory: Path):
    names = [entry.path.name for entry in CheckpointStore(RunLayout(run_directory)).entries()]
    assert len(names) == 2
