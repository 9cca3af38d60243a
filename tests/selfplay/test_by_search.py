"""Self-play by search: legal rounds, the policies of the search, and no outside influence."""

from __future__ import annotations

import numpy as np
import pytest
from card_sets import mask_of
from evaluators import UniformEvaluator
from playing import SEARCH, SHORT, WIDE, decisions_of, ignore, never, play, some_deals
from positions import legal_of, played
from scipy.stats import chisquare

from blobmaster.config.rounds import RoundMix
from blobmaster.config.search import SearchSettings
from blobmaster.config.self_play import SelfPlaySettings
from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.records import Rounds, is_greedy, replay_out
from blobmaster.game.rules import BIDS, STATE, TRICKS, is_bidding, is_over, new_round
from blobmaster.game.scoring import points
from blobmaster.kernels.rng import stream
from blobmaster.search.batch import new_requests, new_search, requested_states
from blobmaster.search.mcts import (
    advance_search,
    begin_search,
    request_evaluations,
    root_action,
    root_statistics,
)
from blobmaster.selfplay.by_search import play_block
from blobmaster.selfplay.deals import Deals
from blobmaster.selfplay.lanes import draw_edge


def test_records_are_legal_rounds_of_the_deals_in_their_order():
    deals = some_deals(40)
    rounds = play(deals)
    assert len(rounds) == 40
    for record, decisions, (players, cards, trump, dealer), deck in zip(
        rounds, rounds.decisions, deals.plan.tolist(), deals.deck, strict=True
    ):
        assert record[:5].tolist() == [players, cards, trump, dealer, 0]
        hands = deck[: players * cards].reshape(players, cards)
        assert record[5 : 5 + hands.size].tolist() == hands.ravel().tolist()
        state = new_round(players, cards, trump, dealer, hands)
        actions = record[5 + hands.size :][: players * (cards + 1)].tolist()
        assert mask_of(actions[players:]) == mask_of(hands.ravel())  # every card is played
        policy_bytes = choices = 0
        for action in actions:
            legal = legal_of(state)
            assert action in legal
            choices += len(legal) > 1
            policy_bytes += len(legal) * (len(legal) > 1)
            state = played(state, action)
        assert is_over(state)
        assert len(record) == 5 + hands.size + len(actions) + policy_bytes
        assert choices == decisions
        end = np.empty(STATE, np.int64)
        replay_out(record.astype(np.int64), end)
        assert (end == state).all()
        assert end[TRICKS : TRICKS + players].sum() == cards
        for seat in range(players):
            bid, taken = int(end[BIDS + seat]), int(end[TRICKS + seat])
            assert points(end, seat) == (10 + bid if bid == taken else 0)


def test_every_decision_has_a_policy_that_sums_to_one():
    rounds = play(some_deals(40))
    assert sum(1 for _ in decisions_of(rounds)) == rounds.decision_count
    for state, policy, action in decisions_of(rounds):
        legal = legal_of(state)
        assert len(legal) > 1
        assert abs(policy.sum() - 255) <= len(legal) / 2
        assert policy[legal.index(action)] > 0  # only what was visited is played


def test_at_temperature_zero_the_most_visited_action_is_taken():
    cold = {"bid_temperature": 0.0, "play_temperature": 0.0, "last_temperature": 0.0}
    for state, policy, action in decisions_of(play(some_deals(30), **cold)):
        assert action == legal_of(state)[policy.argmax()]


def test_greedy_rounds_take_the_most_visited_action():
    deals = some_deals(30)
    deals.greedy[::2] = True
    rounds = play(deals)
    likeliest: dict[bool, list[bool]] = {True: [], False: []}
    for number, record in enumerate(rounds):
        assert is_greedy(record.astype(np.int64)) == deals.greedy[number]
        for state, policy, action in decisions_of(rounds_of(record, rounds, number)):
            took = action == legal_of(state)[policy.argmax()]
            likeliest[bool(deals.greedy[number])].append(took)
    assert all(likeliest[True])
    assert np.mean(likeliest[False]) < 0.9


def rounds_of(record: np.ndarray, rounds: Rounds, number: int) -> Rounds:
    """Return one of the rounds."""
    return Rounds(record, np.array([0, len(record)]), rounds.decisions[number : number + 1])


def plain_round(deals: Deals, number: int, settings: SelfPlaySettings) -> list[list[int]]:
    """Play one round with one search at a time, all on the round's stream.

    Returns:
        The actions, then the policies' bytes.
    """
    players, cards, trump, dealer = deals.plan[number].tolist()
    hands = deals.deck[number, : players * cards].reshape(players, cards)
    state = new_round(players, cards, trump, dealer, hands)
    draws = deals.streams[number].copy()
    actions, policies = [], []
    while not is_over(state):
        legal = legal_of(state)
        action = legal[0]
        if len(legal) > 1:
            search = new_search(1, SEARCH)
            begin_search(search, 0, state, SEARCH.simulations, True, draws)
            done = False
            while not done:
                requests = new_requests(1, SEARCH)
                request_evaluations(search, 0, requests)
                answers = UniformEvaluator().evaluate(*requested_states(requests))
                done = advance_search(search, 0, *answers, draws)
            visits = root_statistics(search, 0).visits
            total = SEARCH.worlds * SEARCH.simulations
            policies += [int(255 * v / total + 0.5) for v in visits[: len(legal)].tolist()]
            temperature = settings.bid_temperature
            if not is_bidding(state):
                share = (len(actions) - players) / (players * cards - 1)
                first, last = settings.play_temperature, settings.last_temperature
                temperature = first + share * (last - first)
            edge = draw_edge(visits / total, len(legal), temperature, draws)
            action = int(root_action(search, 0, edge))
        actions.append(action)
        state = played(state, action)
    return [actions, policies]


@pytest.mark.parametrize(("mix", "rounds"), [(WIDE, 12), (SHORT, 120)])
def test_a_block_plays_each_round_like_a_plain_player_that_plays_it_alone(mix, rounds):
    deals = some_deals(rounds, mix)
    settings = SelfPlaySettings(
        lanes=4, bid_temperature=0.8, play_temperature=4.0, last_temperature=0.01
    )
    played_rounds = play_block(
        UniformEvaluator(), deals, SEARCH, settings, should_stop=never, on_rounds=ignore
    )
    for number, record in enumerate(played_rounds):
        players, cards = deals.plan[number, :2].tolist()
        start = 5 + players * cards
        end = start + players * (cards + 1)
        actions, policies = plain_round(deals, number, settings)
        assert record[start:end].tolist() == actions
        assert record[end:].tolist() == policies


@pytest.mark.parametrize("lanes", [1, 3, 40, 1000])
def test_the_number_of_lanes_changes_no_round(lanes):
    deals = some_deals(25)
    assert play(deals, lanes=lanes).to_bytes() == play(deals, lanes=7).to_bytes()


def test_a_block_leaves_its_deals_as_they_were():
    deals = some_deals(10)
    streams = deals.streams.copy()
    assert play(deals).to_bytes() == play(deals).to_bytes()
    assert np.array_equal(deals.streams, streams)


def test_no_step_requests_more_rows_than_lanes_times_worlds():
    evaluator = UniformEvaluator()
    settings = SelfPlaySettings(lanes=6)
    play_block(evaluator, some_deals(15), SEARCH, settings, should_stop=never, on_rounds=ignore)
    for asked in (evaluator.acted, evaluator.judged):
        assert max(len(batch) for batch in asked) <= 6 * SEARCH.worlds
        assert len(asked[0]) == 6  # one row for the roots of each lane


def test_finished_rounds_are_reported_as_they_end():
    told: list[int] = []
    play_block(
        UniformEvaluator(),
        some_deals(23),
        SEARCH,
        SelfPlaySettings(lanes=4),
        should_stop=never,
        on_rounds=told.append,
    )
    assert sum(told) == 23
    assert len(told) > 5
    assert min(told) > 0


@pytest.mark.parametrize("steps", [0, 1, 17])
def test_a_stopped_block_returns_none_and_stops_at_the_next_step(steps):
    evaluator = UniformEvaluator()
    played_rounds = play_block(
        evaluator,
        some_deals(30),
        SEARCH,
        SelfPlaySettings(lanes=4),
        should_stop=lambda: len(evaluator.judged) >= steps,
        on_rounds=ignore,
    )
    assert played_rounds is None
    assert len(evaluator.judged) == steps


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_edges_are_drawn_in_proportion_to_visits_to_the_power_of_one_over_temperature(temperature):
    visits = np.array([3, 0, 12, 5, 1, 99])  # the last is beyond the count
    draws = stream(3, "edges")
    drawn = [draw_edge(visits / 21, 5, temperature, draws) for _ in range(30_000)]
    expected = visits[:5] ** (1 / temperature)
    counts = np.bincount(drawn, minlength=5)
    assert counts[1] == 0
    seen = expected > 0
    expected = expected[seen] / expected.sum() * len(drawn)
    assert chisquare(counts[seen], expected).pvalue > 1e-3


@pytest.mark.parametrize("temperature", [0.0, 1e-9, 1e-300])
@pytest.mark.parametrize(("visits", "best"), [([1, 2, 3], 2), ([4096, 4095, 1], 0), ([0, 7, 0], 1)])
def test_no_temperature_is_too_low(temperature, visits, best):
    assert draw_edge(np.array(visits, float), 3, temperature, stream(3, "edges")) == best


def test_of_equally_visited_edges_the_first_is_taken_at_temperature_zero():
    assert draw_edge(np.array([2.0, 5.0, 5.0]), 3, 0.0, stream(3, "edges")) == 1


def test_rounds_of_every_size_are_played():
    mix = RoundMix(
        players={players: 1 / 6 for players in range(3, MAX_PLAYERS + 1)},
        most_cards={players: {52 // players: 1.0} for players in range(3, MAX_PLAYERS + 1)},
        longest_only=True,
    )
    deals = some_deals(12, mix)
    rounds = play(deals, SearchSettings(worlds=1, simulations=2))
    assert {tuple(record[:2]) for record in rounds} == {tuple(p[:2]) for p in deals.plan.tolist()}
