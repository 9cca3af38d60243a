"""Worlds are weighted by the probability of what the other seats did in them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from positions import SIZES, RandomRound, legal_of
from positions import played as after

from blobmaster.game.rules import (
    BIDS,
    DEALT,
    HISTORY,
    MAX_LEGAL,
    PLAYERS,
    SEAT,
    STATE,
    TRICKS,
    is_bidding,
    is_over,
    rewind,
)
from blobmaster.game.scoring import most_points, points
from blobmaster.kernels.rng import stream
from blobmaster.search.determinization import new_table
from blobmaster.search.weighted_worlds import (
    add_log_likelihoods,
    bid_likeliest,
    draw_worlds,
    is_bidding_anywhere,
    list_past_choices,
    list_successors_in,
    new_found,
    new_rows,
    play_likeliest,
)

rounds = st.builds(
    lambda seed, size: RandomRound(seed, *size), st.integers(0, 999), st.sampled_from(SIZES)
)


def hand_policy(states: np.ndarray) -> np.ndarray:
    """Return a policy that depends on the acting seat's hand, as a network's does."""
    priors = np.zeros((len(states), MAX_LEGAL), np.float32)
    for row, state in enumerate(states):
        count = len(legal_of(state))
        weights = 1.0 + (np.arange(count) + legal_of(state)[0]) % 5
        priors[row, :count] = weights / weights.sum()
    return priors


@settings(max_examples=50)
@given(rounds)
def test_every_state_of_a_round_rewinds_to_its_deal(played):
    for state in [*played.states, played.end]:
        first = np.empty(STATE, np.int64)
        rewind(state, first)
        assert first.tolist() == played.states[0].tolist()


@settings(max_examples=50)
@given(rounds)
def test_the_history_holds_the_cards_in_the_order_in_which_they_were_played(played):
    words = played.end[HISTORY : HISTORY + 6].tolist()
    cards = [words[n // 10] >> (6 * (n % 10)) & 63 for n in range(len(played.deck))]
    expected = [action for action in played.actions.tolist() if action < 52]
    assert cards[: len(expected)] == expected


@settings(max_examples=30)
@given(rounds)
def test_the_past_choices_in_the_true_world_are_those_that_were_made(played):
    state = played.states[-1]
    rows = new_rows(len(played.states))
    reached, count = list_past_choices(state[None], 0, rows)
    assert reached == 1
    made = [
        (before.tolist(), legal_of(before).index(action))
        for before, action in zip(played.states[:-1], played.actions[:-1], strict=True)
        if before[SEAT] != state[SEAT] and len(legal_of(before)) > 1
    ]
    listed = zip(rows.state[:count].tolist(), rows.edge[:count].tolist(), strict=True)
    assert list(listed) == made
    assert rows.choices[:count].tolist() == [len(legal_of(np.array(before))) for before, _ in made]


def log_weights(worlds: np.ndarray, capacity: int, uniform: float) -> np.ndarray:
    rows, logs, begin = new_rows(capacity), np.zeros(len(worlds)), 0
    while begin < len(worlds):
        begin, count = list_past_choices(worlds, begin, rows)
        if count:
            add_log_likelihoods(hand_policy(rows.state[:count]), rows, uniform, logs)
    return logs


def test_a_world_weighs_the_product_of_its_choices_probabilities():
    played = RandomRound(3, 4, 5)
    state = played.states[14]
    worlds = np.zeros((40, STATE), np.int64)
    draw_worlds(state, new_table(), stream(1, "worlds"), worlds)
    logs = log_weights(worlds, 4096, 0.1)
    for world, log in zip(worlds, logs, strict=True):
        product, before = 1.0, np.empty(STATE, np.int64)
        rewind(world, before)
        for action in played.actions[:14]:
            legal = legal_of(before)
            if before[SEAT] != state[SEAT] and len(legal) > 1:
                chance = hand_policy(before[None])[0, legal.index(action)]
                product *= 0.9 * chance + 0.1 / len(legal)
            before = after(before, action)
        assert log == pytest.approx(np.log(product))


def test_weights_do_not_depend_on_the_size_of_the_batches():
    state = RandomRound(5, 5, 7).states[30]
    worlds = np.zeros((25, STATE), np.int64)
    draw_worlds(state, new_table(), stream(2, "worlds"), worlds)
    whole, parts = log_weights(worlds, 4096, 0.05), log_weights(worlds, 40, 0.05)
    assert len(set(whole.tolist())) > 1
    assert whole.tolist() == parts.tolist()


@settings(max_examples=20)
@given(rounds, st.data())
def test_rollouts_score_what_playing_out_each_action_scores(played, data):
    state = data.draw(st.sampled_from(list(played.choices) or [None]))
    if state is None:
        return
    worlds, seat = state[None], int(state[SEAT])
    rows, found = new_rows(MAX_LEGAL), new_found(1)
    reached, count = list_successors_in(worlds, np.zeros(1, np.int64), 0, rows, found)
    assert reached == 1
    while count > 0:
        count = play_likeliest(hand_policy(rows.state[:count]), rows, seat, found)
    for edge, action in enumerate(legal_of(state)):
        over = played_out(state, action)
        expected = points(over, seat) / most_points(int(state[DEALT]))
        assert found.value[0, edge] == pytest.approx(expected)
        for other in range(int(state[PLAYERS])):
            is_exact = over[BIDS + other] == over[TRICKS + other]
            assert found.bids[0, edge, other] == over[BIDS + other]
            assert found.exact[0, edge, other] == is_exact


@settings(max_examples=20)
@given(rounds, st.data())
def test_the_seats_still_to_bid_make_their_likeliest_bids(played, data):
    bidding = [state for state in played.choices if is_bidding(state)]
    state = data.draw(st.sampled_from(bidding or [None]))
    if state is None:
        return
    rows, found = new_rows(MAX_LEGAL), new_found(1)
    _, count = list_successors_in(state[None], np.zeros(1, np.int64), 0, rows, found)
    while is_bidding_anywhere(rows, count):
        priors = hand_policy(rows.state[:count])
        count = bid_likeliest(priors, rows, int(state[SEAT]), found)
    left = {int(rows.edge[row]): rows.state[row] for row in range(count)}
    for edge, action in enumerate(legal_of(state)):
        child = after(state, action)
        while not is_over(child) and (is_bidding(child) or len(legal_of(child)) == 1):
            legal = legal_of(child)
            child = after(child, legal[int(hand_policy(child[None])[0, : len(legal)].argmax())])
        if is_over(child):
            assert edge not in left
            bids = child[BIDS : BIDS + int(child[PLAYERS])]
            assert found.bids[0, edge, : len(bids)].tolist() == bids.tolist()
        else:
            assert left[edge].tolist() == child.tolist()


def played_out(state: np.ndarray, action: int) -> np.ndarray:
    state = after(state, action)
    while not is_over(state):
        legal = legal_of(state)
        likeliest = int(hand_policy(state[None])[0, : len(legal)].argmax())
        state = after(state, legal[likeliest])
    return state
