"""`blobmaster evaluate --by`: rows by cards, players and seat, from the deals that they name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from saved_networks import SMALL, save_network

from blobmaster.agents.heuristic import HeuristicAgent
from blobmaster.agents.uniform import RandomAgent
from blobmaster.config.compose import as_tables, compose
from blobmaster.config.rating import RatingSettings
from blobmaster.evaluation.arena import Results
from blobmaster.evaluation.breakdown.request import Breakdown, parse_by
from blobmaster.evaluation.breakdown.table import BreakdownMatches, seat_results
from blobmaster.evaluation.command import run_evaluation
from blobmaster.evaluation.matches import Arena
from blobmaster.evaluation.measure import Evaluation, point_leads
from blobmaster.evaluation.request import parse_request, table_settings
from blobmaster.kernels.rng import generator
from blobmaster.selfplay.pool import LocalPool

PLAYERS = {"random": lambda _: RandomAgent(), "heuristic": lambda _: HeuristicAgent()}
SETTINGS = table_settings(4, 2, 40)
NOWHERE = Path("nowhere.pth")


def new_arena(players: int, cards: int) -> tuple[Arena, RatingSettings]:
    settings = table_settings(players, cards, 40)
    return Arena(PLAYERS, settings, lambda _, n: generator(0, "t", players, cards, n)), settings


def played(breakdown: Breakdown, workers: int = 1) -> tuple[Evaluation, BreakdownMatches]:
    arena, settings = new_arena(4, 2)
    evaluation = Evaluation("heuristic", ["random"], arena, settings, 0, until_sure=False)
    matches = BreakdownMatches(breakdown, evaluation, new_arena, settings, 0)
    pool, deals = LocalPool(workers, lambda: None), []
    list(evaluation.play(pool, should_stop=lambda: False, on_deals=[].append))
    matches.play(pool, should_stop=lambda: False, on_deals=deals.append)
    assert sum(deals) == matches.total_deals
    return evaluation, matches


def test_each_number_of_cards_and_players_has_all_deals_on_any_number_of_workers():
    asked = Breakdown(cards=(1, 2, 3), players=(3, 4), seat=True)
    evaluation, matches = played(asked)
    found = matches.tables()
    assert played(asked, workers=3)[1].tables() == found
    assert [row.value for row in found["cards"]] == [1, 2, 3]
    assert [row.value for row in found["players"]] == [3, 4]
    assert [row.value for row in found["seat"]] == [1, 2, 3, 4]
    assert {row.deals for rows in found.values() for row in rows} == {40}
    (own,) = evaluation.found()
    # The evaluation's own size shows the very figures of its own table.
    for row in (found["cards"][1], found["players"][1]):
        assert (row.points, row.exact, row.lead) == (own.points, own.exact, own.lead)
    assert len({row.points.value for row in (*found["cards"], *found["players"])}) == 4
    assert all(row.lead.low < row.lead.value < row.lead.high for row in found["cards"])


def test_a_size_is_played_once_for_both_dimensions_and_the_own_one_not_again():
    asked = Breakdown(cards=(1, 2), players=(4, 5))
    assert asked.sizes(SETTINGS) == [(4, 1), (5, 2)]
    assert Breakdown(seat=True).sizes(SETTINGS) == []


def test_the_seats_together_are_the_whole_match():
    evaluation, matches = played(Breakdown(seat=True))
    results, dealers = evaluation.played(0)
    assert len(set(dealers.tolist())) == 4
    rows = matches.tables()["seat"]
    (own,) = evaluation.found()
    for name in ("points", "exact", "lead"):
        mean = np.mean([getattr(row, name).value for row in rows])
        assert mean == pytest.approx(getattr(own, name).value)
    assert point_leads(results).mean() == pytest.approx(own.lead.value)


def test_a_seat_counts_from_the_leader_and_is_compared_with_the_same_seat():
    # Points are the seat's number, and for the player ten times that plus 100.
    seats = (np.arange(3)[:, None] + np.arange(3)[None, :]) % 3  # [rotations, places]
    points = np.where(np.arange(3) == 0, 100 + 10 * seats, seats)
    results = Results(np.stack([points, points]), np.ones((2, 3, 3)))
    dealers = np.array([2, 0])
    for place, own_seats in enumerate(([0, 1], [1, 2], [2, 0])):
        own, exact, leads = seat_results(results, dealers, place)
        assert own.tolist() == [100 + 10 * seat for seat in own_seats]
        assert leads.tolist() == [100 + 9 * seat for seat in own_seats]
        assert exact.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("wizard", "name cards, players or seat"),
        ("cards=1-3,", "name cards, players or seat"),
        ("seat,seat", "twice"),
        ("seat=1-4", "leave out its numbers"),
        ("seat=2", "leave out its numbers"),
        ("cards=8-1", "lower number first: cards=1-8"),
        ("cards=", "with a number or two"),
        ("players=9", "3 to 8 players"),
        ("cards=0-3", "at least one card"),
        ("players=2-4", "3 to 8 players"),
        ("cards=1-14", "4 players × 14 cards need more than 52"),
    ],
)
def test_impossible_tables_are_refused_in_one_line(text, words):
    with pytest.raises(ValueError) as refused:
        parse_by(text, NOWHERE, SETTINGS)
    assert words in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "cards", "players"),
    [("cards=3", (3,), ()), ("players=3", (), (3,)), ("cards=3-3,players=3-4", (3,), (3, 4))],
)
def test_one_size_is_a_table_of_its_own(text: str, cards: tuple[int, ...], players):
    assert parse_by(text, NOWHERE, SETTINGS) == Breakdown(cards=cards, players=players)


def test_without_numbers_those_of_the_training_are_taken(tmp_path: Path):
    path = save_network(tmp_path)
    assert parse_by("cards,players", path, SETTINGS) == Breakdown(
        cards=(1, 2, 3, 4, 5, 6, 7, 8), players=(4, 5, 6)
    )
    six = table_settings(6, 2, 40)
    assert parse_by("cards", path, six).cards == (1, 2, 3, 4, 5, 6, 7)
    with pytest.raises(ValueError, match="not trained with 3 players"):
        parse_by("cards", path, table_settings(3, 2, 40))
    assert parse_by("cards=1-2", path, table_settings(3, 2, 40)).cards == (1, 2)


def test_a_training_of_one_size_leaves_nothing_to_compare(tmp_path: Path):
    rounds = {"players": {4: 1.0}, "most_cards": {4: {3: 1.0}}, "longest_only": True}
    config = as_tables(compose({"rounds": rounds}, base=SMALL))
    path = save_network(tmp_path, config=config)
    with pytest.raises(ValueError, match="4 players alone"):
        parse_by("players", path, SETTINGS)
    with pytest.raises(ValueError, match="one size alone"):
        parse_by("cards", path, SETTINGS)


def test_the_command_prints_and_writes_the_same_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = save_network(tmp_path)
    rest = {"search": None, "players": 4, "cards": 1, "deals": 20, "seed": 0, "workers": 1}
    rest |= {"device": "cpu", "games": False, "until_sure": False}
    printed = []
    for as_json in (False, True):
        by = "cards=1-2,players=3-4,seat"
        assert run_evaluation(parse_request(path, ["random"], **rest, as_json=as_json, by=by)) == 0
        printed.append(capsys.readouterr().out)
    tables = json.loads(printed[1])["by"]
    assert {name: len(rows) for name, rows in tables.items()} == {
        "cards": 4, "players": 4, "seat": 8,
    }  # fmt: skip
    for row in (row for rows in tables.values() for row in rows):
        points, lead = row["points"], row["lead"]
        assert f"{points['value']:.2f} ({points['low']:.2f} to {points['high']:.2f})" in printed[0]
        assert lead["low"] <= lead["value"] <= lead["high"]
        assert row["deals"] == 20
    assert "by cards dealt, 4 players" in printed[0]


@pytest.mark.parametrize("flag", ["games", "until_sure"])
def test_what_plays_no_single_rounds_or_not_all_of_them_is_refused(flag: str):
    rest = {"search": None, "players": 4, "cards": 5, "deals": 300, "seed": 0, "workers": 0}
    rest |= {"device": "cpu", "games": False, "until_sure": False, "as_json": False}
    with pytest.raises(ValueError, match=f"leave out --{flag.replace('_', '-')}"):
        parse_request(NOWHERE, ["random"], **rest | {flag: True}, by="seat")
