"""Whole games in the arena and in blocks: rounds in order, scores kept, wins shared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from dealing import play

from blobmaster.agents.heuristic import HeuristicAgent
from blobmaster.agents.uniform import RandomAgent
from blobmaster.config.rounds import RoundMix
from blobmaster.config.self_play import SelfPlaySettings
from blobmaster.evaluation.arena import Results, play_deals
from blobmaster.evaluation.matches import ranking_scores
from blobmaster.game.rules import (
    DEALT,
    HISTORY,
    LONGEST,
    PLAYERS,
    ROUNDS_LEFT,
    SCORES,
    SEAT,
    TRUMP,
    apply,
    is_over,
    legal_actions,
    new_round,
)
from blobmaster.game.schedule import game_rounds
from blobmaster.game.scoring import points
from blobmaster.kernels.rng import generator
from blobmaster.selfplay.deals import Deals, assign_players, deal_games

MIX = RoundMix(
    players={3: 0.3, 4: 0.4, 6: 0.3}, most_cards={3: {4: 1.0}, 4: {3: 0.5, 2: 0.5}, 6: {2: 1.0}}
)


def games_of(players: int, most_cards: int, count: int, seed: int = 0) -> Deals:
    mix = RoundMix(players={players: 1.0}, most_cards={players: {most_cards: 1.0}})
    return deal_games(mix, count, generator(seed, "test"))


class Witness:
    """Takes the n-th legal action, and keeps every state that it is given."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.seen: list[np.ndarray] = []

    def choose(self, states, streams):  # noqa: ARG002 (draws nothing)
        legal = np.empty(32, np.int64)
        self.seen.extend(states.copy())
        return np.array([legal[self.n % legal_actions(state, legal)] for state in states])


def test_a_games_rounds_are_those_of_the_schedule_from_any_first_dealer():
    deals = deal_games(MIX, 60, generator(0, "test"))
    dealers = set()
    for first, end in zip(deals.starts[:-1], deals.starts[1:], strict=True):
        players, most, _, dealer = deals.plan[first].tolist()
        dealers.add((players, dealer))
        plans = game_rounds(players, most, dealer)
        found = [tuple(row) for row in deals.plan[first:end].tolist()]
        assert found == [(players, plan.cards, plan.trump, plan.dealer) for plan in plans]
        assert deals.places[first:end, 0].tolist() == [most] * len(plans)
        assert deals.places[first:end, 1].tolist() == [*reversed(range(len(plans)))]
    assert len(dealers) == 3 + 4 + 6
    assert len(np.unique(deals.deck, axis=0)) == len(deals)


def test_games_are_dealt_in_the_shares_of_the_mix():
    deals = deal_games(MIX, 4000, generator(1, "test"))
    sizes = deals.plan[deals.starts[:-1], :2].tolist()
    for size, share in (([3, 4], 0.3), ([4, 3], 0.2), ([4, 2], 0.2), ([6, 2], 0.3)):
        assert abs(sizes.count(size) / 4000 - share) < 0.03


def test_random_opponents_stay_for_a_whole_game():
    draws = generator(2, "test")
    settings = SelfPlaySettings(opponent_rounds=1.0, greedy_rounds=0.0)
    deals = assign_players(deal_games(MIX, 50, draws), settings, draws)
    masks = [
        set(deals.opponents[first:end].tolist())
        for first, end in zip(deals.starts[:-1], deals.starts[1:], strict=True)
    ]
    assert all(len(mask) == 1 for mask in masks)
    assert len(set.union(*masks)) > 5


def test_a_game_is_greedy_as_a_whole_and_then_has_no_random_opponents():
    draws = generator(2, "test")
    settings = SelfPlaySettings(opponent_rounds=0.5, greedy_rounds=0.5, opponents_known=0.0)
    deals = assign_players(deal_games(MIX, 50, draws), settings, draws)
    greedy = [
        set(deals.greedy[first:end].tolist())
        for first, end in zip(deals.starts[:-1], deals.starts[1:], strict=True)
    ]
    assert 15 < greedy.count({True}) < 35
    assert greedy.count({True}) + greedy.count({False}) == 50
    assert (deals.opponents[deals.greedy] == 0).all()
    assert (deals.opponents[~deals.greedy] != 0).mean() > 0.7  # or a draw seated nobody


def test_a_table_plays_every_round_of_its_game_and_keeps_the_scores():
    agents = [Witness(n) for n in (0, 1, 2, 5)]
    deals = games_of(4, 3, 5)
    results = play(agents, [0, 1, 2, 3], replace(deals))
    for game in range(5):
        for rotation in range(4):
            totals, exact = [0] * 4, [0] * 4
            for number in range(deals.starts[game], deals.starts[game + 1]):
                players, cards, trump, dealer = deals.plan[number].tolist()
                hands = deals.deck[number, : players * cards].reshape(players, cards)
                state = new_round(players, cards, trump, dealer, hands)
                while not is_over(state):
                    agent = Witness([0, 1, 2, 5][(state[SEAT] - rotation) % 4])
                    apply(state, int(agent.choose(state[None], None)[0]))
                for place in range(4):
                    made = points(state, (place + rotation) % 4)
                    totals[place] += made
                    exact[place] += made > 0
            rounds = deals.starts[game + 1] - deals.starts[game]
            assert results.points[game, rotation].tolist() == totals
            assert results.exact[game, rotation] == pytest.approx(np.array(exact) / rounds)


def test_players_see_the_scores_and_what_is_left_of_the_game():
    witness = Witness(1)
    deals = games_of(3, 2, 1)
    play([witness], [0, 0, 0], deals)
    lefts = [state[ROUNDS_LEFT] for state in witness.seen]
    assert set(lefts) == {4, 3, 2, 1, 0}
    for state in witness.seen:
        assert state[LONGEST] == 2
        plan = game_rounds(3, 2)[4 - state[ROUNDS_LEFT]]
        assert (state[DEALT], state[TRUMP]) == (plan.cards, plan.trump)
        if state[ROUNDS_LEFT] == 4:
            assert (state[SCORES : SCORES + 3] == 0).all()
        assert (state[SCORES + state[PLAYERS] : HISTORY] == 0).all()
    assert any(state[SCORES : SCORES + 3].any() for state in witness.seen)


@pytest.mark.parametrize("name", ["random", "heuristic"])
def test_the_same_player_at_every_place_wins_exactly_as_many_games_everywhere(name):
    agent = {"random": RandomAgent(), "heuristic": HeuristicAgent()}[name]
    results = play([agent], [0] * 4, games_of(4, 3, 30))
    wins = ranking_scores(results, whole_games=True)
    assert (wins == wins[:, :1]).all()
    assert (wins.sum(axis=1) == 4 * 840).all()


def test_a_games_rank_is_by_wins_and_a_rounds_by_points():
    made = np.array([[[30, 20, 20], [90, 0, 89], [5, 5, 5]]])
    results = Results(made, np.zeros(made.shape))
    assert ranking_scores(results, whole_games=False).tolist() == [[125, 25, 114]]
    assert ranking_scores(results, whole_games=True).tolist() == [[840 + 840 + 280, 280, 280]]


def test_a_game_is_reported_once_when_all_its_rotations_are_over():
    told: list[int] = []
    play_deals(
        [RandomAgent()],
        np.zeros((12, 4), np.int64),
        games_of(4, 3, 12),
        should_stop=lambda: False,
        on_deals=told.append,
    )
    assert sum(told) == 12
