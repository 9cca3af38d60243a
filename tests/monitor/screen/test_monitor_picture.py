"""The README's picture shows a recorded real run, and loads nothing from the network."""

import json

import pytest
from make_picture import is_braille, make_picture
from recorded_run import RECORDING


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The picture as it is drawn now."""
    target = tmp_path_factory.mktemp("picture") / "monitor.svg"
    make_picture(target)
    return target.read_text()


def test_the_picture_shows_the_figures_of_the_recorded_run(picture: str):
    status = json.loads((RECORDING / "status.json").read_text())
    assert status["state"] == "running"
    shown = (
        "running",
        f"{status['iteration']}",
        f"{status['total_iterations']}",
        f"{status['elo']:.0f}",
        f"{status['points_vs_random']:.3g}",
        f"{status['last_checkpoint']['iteration']}",
    )
    assert [text for text in shown if text not in picture] == []


def test_the_picture_asks_the_network_for_nothing(picture: str):
    assert "url(http" not in picture
    assert 'url("http' not in picture
    assert not any(is_braille(letter) for letter in picture)
    assert '<path class="' in picture
