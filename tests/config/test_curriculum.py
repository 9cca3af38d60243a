"""The curriculum at the edges of its stages."""

from __future__ import annotations

import pytest

from blobmaster.config.curriculum import Curriculum
from blobmaster.config.search import SearchSettings
from blobmaster.config.self_play import SelfPlaySettings

SEARCH = SearchSettings(worlds=2, simulations=7, exploration=1.25, noise_share=0.1)
PLAY = SelfPlaySettings(rounds=123)


@pytest.mark.parametrize(
    ("iteration", "search", "rounds"),
    [
        (0, "1×15", 2000),
        (1, "1×15", 2016),
        (49, "1×15", 2784),
        (50, "2×25", 2800),
        (149, "2×25", 4384),
        (150, "3×35", 4400),
        (299, "3×35", 6784),
        (300, "4×45", 6800),
        (449, "4×45", 9184),
        (450, "5×50", 9200),
        (499, "5×50", 9984),
        (500, "5×50", 10_000),
        (501, "5×50", 10_000),
        (600, "5×50", 10_000),
    ],
)
def test_the_curriculum_at_its_edges(iteration, search, rounds):
    curriculum = Curriculum(enabled=True)
    found = curriculum.search(iteration, SEARCH)
    assert str(found) == search
    assert (found.exploration, found.noise_share) == (1.25, 0.1)
    assert curriculum.rounds(iteration, PLAY) == rounds


@pytest.mark.parametrize("iteration", [0, 50, 600])
def test_without_a_curriculum_the_settings_hold(iteration):
    assert Curriculum().search(iteration, SEARCH) == SEARCH
    assert Curriculum().rounds(iteration, PLAY) == 123
