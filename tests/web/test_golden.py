"""The JavaScript modules are held to Python: rules, features to the bit, logits and choices."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import golden
import pytest
from browsers import Browser, needs_chromium

from blobmaster.export.inlining import inlined

HERE = Path(__file__).parent
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="no node on PATH")
ROUNDS, POSITIONS = 2000, 5000


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("golden") / "golden.json"
    networks = [golden.network_of(width=96, sees_games=games) for games in (False, True)]
    path.write_text(json.dumps(golden.large(ROUNDS, POSITIONS, networks)))
    return path


def confirm(found: dict[str, Any]) -> None:
    assert found["problems"] == []
    assert (found["rounds"], found["positions"]) == (ROUNDS, POSITIONS)
    assert max(network["difference"] for network in found["networks"]) <= 1e-2
    assert sum(network["positions"] for network in found["networks"]) == POSITIONS
    assert sum(network["same"] for network in found["networks"]) >= 0.999 * POSITIONS


@needs_node
def test_2000_rounds_and_5000_positions_are_as_in_python_in_node(data: Path):
    assert NODE is not None
    ran = subprocess.run(
        [NODE, HERE / "golden_in_node.mjs", data],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    confirm(json.loads(ran.stdout))


@needs_node
def test_the_packages_own_tests_pass():
    assert NODE is not None
    ran = subprocess.run(
        [NODE, "--test", golden.FOLDER.parent],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    assert "# fail 0" in ran.stdout


@needs_node
def test_the_example_of_the_readme_plays_a_round(tmp_path: Path):
    package = golden.FOLDER.parent
    example = re.search(r"```js\n(.*?)```", (package / "README.md").read_text("utf-8"), re.DOTALL)
    assert example is not None
    (tmp_path / "example.mjs").write_text(example[1], "utf-8")
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "blobmaster").symlink_to(package)
    (tmp_path / "player.json").symlink_to(golden.FOLDER / "network.json")
    assert NODE is not None
    ran = subprocess.run(
        [NODE, "example.mjs"], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=True
    )
    assert ran.stdout.count("♠") + ran.stdout.count("♥") + ran.stdout.count("♣") >= 1


@needs_chromium
def test_2000_rounds_and_5000_positions_are_as_in_python_in_chromium(data: Path, tmp_path: Path):
    script = inlined(HERE / "golden_in_browser.js")
    page = tmp_path / "golden.html"
    page.write_text(
        "<!DOCTYPE html><meta charset='utf-8'><title>Golden data</title>"
        f"<script type='application/json' id='golden'>{data.read_text()}</script>"
        f"<script type='module'>{script}</script>",
        "utf-8",
    )
    browser = Browser(tmp_path / "profile")
    try:
        shown = browser.page(page.as_uri())
        shown.wait("globalThis.found")
        confirm(shown.value("globalThis.found"))
    finally:
        browser.close()


def test_the_golden_files_for_ports_are_those_of_today():
    for name, wanted in golden.small().items():
        found = json.loads((golden.FOLDER / name).read_text("utf-8"))
        if name == "rounds.json":
            assert_close(found, wanted)
        elif name == "beliefs.json":
            assert_alike(found["tables"], wanted["tables"])
        else:
            assert found == json.loads(json.dumps(wanted))


def assert_close(found: Any, wanted: Any) -> None:
    """Compare; priors may differ in the last digit between machines."""
    assert [without_priors(one) for one in found] == [without_priors(one) for one in wanted]
    for one, other in zip(found, wanted, strict=True):
        for place, same in zip(one["positions"], other["positions"], strict=True):
            assert place["priors"] == pytest.approx(same["priors"], abs=2e-4)


def assert_alike(found: list[Any], wanted: list[Any]) -> None:
    """Compare; what the network would have done may differ in the last digits between machines."""
    for table, same in zip(found, wanted, strict=True):
        assert (table["rounds"], table["kinds"]) == (same["rounds"], same["kinds"])
        for seat, expected in zip(table["likelihood"], same["likelihood"], strict=True):
            assert seat == pytest.approx(expected, abs=1e-3)


def without_priors(record: dict[str, Any]) -> dict[str, Any]:
    described = [{**place, "priors": None} for place in record["positions"]]
    return json.loads(json.dumps({**record, "positions": described}))
