"""The tool compares ways to choose actions at an equal number of evaluations."""

from __future__ import annotations

import pytest
import search_cost
from click.testing import CliRunner


@pytest.fixture
def counters(monkeypatch: pytest.MonkeyPatch) -> list[search_cost.EvaluationCounter]:
    """All counters that the tool makes, in order."""
    made: list[search_cost.EvaluationCounter] = []
    create = search_cost.EvaluationCounter

    def counter() -> search_cost.EvaluationCounter:
        made.append(create())
        return made[-1]

    monkeypatch.setattr(search_cost, "EvaluationCounter", counter)
    return made


def test_all_ways_use_the_same_evaluations_and_play_as_many_rounds_as_these_allow(
    counters: list[search_cost.EvaluationCounter],
) -> None:
    budget, rounds = 30_000, []
    for way in ("lookahead", "1x4", "2x4"):
        rounds.append(search_cost.train(way, budget, 2, 1, 0)[1])
    for counter, played in zip(counters, rounds, strict=True):
        a_block = counter.evaluations * 64 / played
        assert budget <= counter.evaluations <= budget + 2 * a_block
    assert rounds[0] > rounds[1] > rounds[2]


def test_an_unknown_way_is_an_error() -> None:
    with pytest.raises(ValueError, match="a search is worlds by simulations"):
        search_cost.train("cleverness", 1, 1, 1, 0)


def test_an_unknown_way_is_reported_before_anything_is_trained(counters):
    told = CliRunner().invoke(search_cost.search_cost, ["lookahead", "cleverness"])
    assert told.exit_code == 2
    assert "cleverness" in told.output.splitlines()[-1]
    assert counters == []
