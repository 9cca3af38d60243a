"""Ways of deciding are compared at equal evaluations, whatever they ask a round."""

from __future__ import annotations

import pytest
import search_cost
from click.testing import CliRunner


@pytest.fixture
def counters(monkeypatch: pytest.MonkeyPatch) -> list[search_cost.Counter]:
    """The counters that are made, in their order."""
    made: list[search_cost.Counter] = []
    create = search_cost.Counter

    def counter() -> search_cost.Counter:
        made.append(create())
        return made[-1]

    monkeypatch.setattr(search_cost, "Counter", counter)
    return made


def test_all_ways_get_the_same_evaluations_and_play_the_rounds_that_they_come_to(
    counters: list[search_cost.Counter],
) -> None:
    budget, rounds = 30_000, []
    for way in ("lookahead", "1x4", "2x4"):
        rounds.append(search_cost.trained(way, budget, 2, 1, 0)[1])
    for counter, played in zip(counters, rounds, strict=True):
        a_block = counter.evaluations * 64 / played
        assert budget <= counter.evaluations <= budget + 2 * a_block
    assert rounds[0] > rounds[1] > rounds[2]


def test_an_unknown_way_is_refused_in_a_line() -> None:
    with pytest.raises(ValueError, match="a search is worlds by simulations"):
        search_cost.trained("cleverness", 1, 1, 1, 0)


def test_a_way_that_there_is_not_is_told_in_a_line_before_anything_is_trained(counters):
    told = CliRunner().invoke(search_cost.search_cost, ["lookahead", "cleverness"])
    assert told.exit_code == 2
    assert "cleverness" in told.output.splitlines()[-1]
    assert counters == []
