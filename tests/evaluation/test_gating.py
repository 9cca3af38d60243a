"""Gating: the match finds the stronger network, and the one that plays is a stored copy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from dealing import deals_of, small_network

from blobmaster.agents.heuristic import HeuristicAgent
from blobmaster.agents.uniform import RandomAgent
from blobmaster.config.rating import RatingSettings
from blobmaster.evaluation.arena import play_deals
from blobmaster.evaluation.gating import NEWER, GatedNetwork, deals_ahead, gating_match


def ahead(newer, older, players: int = 4, deals: int = 200) -> np.ndarray:
    settings = RatingSettings(deals=deals, players=players, cards=3)
    lineups = gating_match("newer", "older", settings).lineups
    played = play_deals(
        [newer, older],
        lineups,
        deals_of(players, 3, deals),
        should_stop=lambda: False,
        on_deals=[].append,
    )
    return deals_ahead(played.points.sum(axis=1), lineups)


@pytest.mark.parametrize("players", [3, 4, 7])
def test_both_networks_sit_equally_often_at_every_place(players):
    settings = RatingSettings(deals=20, players=players, cards=3)
    lineups = gating_match("newer", "older", settings).lineups
    assert ((lineups == NEWER).sum(axis=0) == 10).all()
    assert set(np.unique(lineups)) == {NEWER, 1}


@pytest.mark.parametrize("players", [3, 4])
def test_a_player_is_ahead_of_itself_in_exactly_half_of_the_deals(players):
    assert ahead(HeuristicAgent(), HeuristicAgent(), players).tolist() == [0.5] * 200


@pytest.mark.parametrize("players", [3, 4, 5])
def test_the_stronger_player_is_ahead_on_either_side(players):
    assert ahead(HeuristicAgent(), RandomAgent(), players).mean() > 0.6
    assert ahead(RandomAgent(), HeuristicAgent(), players).mean() < 0.4


def test_uneven_tables_compare_points_per_seat():
    lineups = np.array([[0, 1, 0], [1, 0, 1]])
    points = np.array([[10, 16, 20], [12, 14, 18]])  # means 15 to 16, and 14 to 15
    assert deals_ahead(points, lineups).tolist() == [0, 0]
    assert deals_ahead(points[:, ::-1], lineups).tolist() == [0, 0]
    assert deals_ahead(np.array([[10, 15, 20]]), lineups[:1]).tolist() == [0.5]


def test_the_gated_network_is_a_copy_until_it_is_replaced_and_is_stored():
    first, second = small_network(1), small_network(2)
    gated = GatedNetwork(first)
    with torch.no_grad():
        next(first.parameters()).zero_()
    assert not same(gated.network, first)
    assert same(gated.network, small_network(1))
    gated.replace_network(second, 4)
    stored = GatedNetwork(small_network(0))
    stored.load_state_dict(gated.state_dict())
    assert stored.since == 4
    assert same(stored.network, second)


def same(one, other) -> bool:
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)
