"""The kernels against the oracle, for every number of players and every size of round."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judging import oracle_of, to_card, to_number
from oracle import SUITS, OracleRound, trick_winner
from traces import Trace, random_round

from blobmaster.game.cards import CARDS, MAX_PLAYERS, MIN_PLAYERS, NO_TRUMP, cards_in
from blobmaster.game.rules import (
    ACTIONS,
    BEST,
    BIDS,
    DEALER,
    DEALT,
    FIRST_BID,
    HANDS,
    HISTORY,
    IN_TRICK,
    LEADER,
    PLAYERS,
    SEAT,
    SEEN,
    STATE,
    TABLE,
    TRICKS,
    TRUMP,
    VOIDS,
    WINNER,
    apply,
    deal_into,
    is_over,
    legal_count,
    new_round,
    only_action,
    play_forced,
)
from blobmaster.kernels.rng import stream

SIZES = [
    (players, cards)
    for players in range(MIN_PLAYERS, MAX_PLAYERS + 1)
    for cards in range(1, CARDS // players + 1)
]


def legal_numbers(oracle: OracleRound) -> list[int]:
    """Return the oracle's legal actions in the package's numbers, ascending."""
    if oracle.over():
        return []
    if len(oracle.bids) < oracle.players:
        return sorted(FIRST_BID + bid for bid in oracle.legal_bids())
    return sorted(to_number(card) for card in oracle.legal_plays())


def forbidden_number(oracle: OracleRound) -> int:
    """Return the bid from 0 to the cards that only the dealer's rule forbids, else -1."""
    if len(oracle.bids) == oracle.players:
        return -1
    missing = set(range(oracle.cards + 1)) - oracle.legal_bids()
    return missing.pop() if missing else -1


def row_of(oracle: OracleRound) -> list[int]:
    """Return the state row that the kernels must have, with `WINNER` 0 between tricks."""
    row = [0] * STATE
    row[PLAYERS], row[DEALT], row[DEALER] = oracle.players, oracle.cards, oracle.dealer
    row[TRUMP] = NO_TRUMP if oracle.trump is None else SUITS.index(oracle.trump)
    row[SEAT] = oracle.leader() if oracle.over() else oracle.to_act()
    row[ACTIONS] = len(oracle.bids) + len(oracle.plays)
    row[LEADER], row[IN_TRICK], row[BEST] = oracle.leader(), len(oracle.table()), -1
    row[SEEN] = sum(1 << to_number(play.card) for play in oracle.plays)
    row[BIDS : BIDS + MAX_PLAYERS] = row[TABLE : TABLE + MAX_PLAYERS] = [-1] * MAX_PLAYERS
    for seat, taken in enumerate(oracle.tricks_taken()):
        row[HANDS + seat] = sum(1 << to_number(card) for card in oracle.held(seat))
        row[BIDS + seat] = oracle.bids.get(seat, -1)
        row[TRICKS + seat] = taken
        row[VOIDS + seat] = sum(1 << SUITS.index(suit) for suit in oracle.shown_voids(seat))
    for seat, card in oracle.table():
        row[TABLE + seat] = to_number(card)
    if oracle.table():
        row[WINNER], row[BEST] = best_on_table(oracle)
    for number, play in enumerate(oracle.plays):
        row[HISTORY + number // 10] += to_number(play.card) * 64 ** (number % 10)
    return row


def best_on_table(oracle: OracleRound) -> tuple[int, int]:
    """Return `(seat, card)` that wins the current trick so far."""
    seat = trick_winner(oracle.table(), oracle.trump)
    return seat, to_number(dict(oracle.table())[seat])


def assert_same_round(trace: Trace, oracle: OracleRound) -> None:
    for move, action in enumerate(trace.actions.tolist()):
        state = trace.states[move].copy()
        if not state[IN_TRICK]:
            state[WINNER] = 0
        assert state.tolist() == row_of(oracle)
        legal = legal_numbers(oracle)
        assert np.flatnonzero(trace.legal[move]).tolist() == legal
        assert trace.counts[move] == len(legal)
        assert trace.only[move] == (legal[0] if len(legal) == 1 else -1)
        assert trace.forbidden[move] == forbidden_number(oracle)
        if action >= FIRST_BID:
            oracle.bid(action - FIRST_BID)
        else:
            oracle.play(to_card(action))
    assert oracle.over()
    assert trace.points == oracle.points()


@pytest.mark.parametrize("players", range(MIN_PLAYERS, MAX_PLAYERS + 1))
def test_every_size_of_round_and_every_trump_agrees_with_the_oracle(players):
    rng = np.random.default_rng([20251115, players])
    choices = stream(20251115, "against the oracle", players)
    for cards in range(1, CARDS // players + 1):
        for trump in range(NO_TRUMP + 1):
            for _ in range(3):
                deck, dealer = rng.permutation(CARDS), int(rng.integers(players))
                trace = random_round(choices, players, cards, trump, dealer, deck)
                assert_same_round(trace, oracle_of(players, cards, trump, dealer, deck))


@st.composite
def rounds(draw):
    players, cards = draw(st.sampled_from(SIZES))
    trump, dealer = draw(st.integers(0, NO_TRUMP)), draw(st.integers(0, players - 1))
    return players, cards, trump, dealer, np.array(draw(st.permutations(range(CARDS))))


@settings(deadline=None, max_examples=150)
@given(rounds(), st.integers(0, 2**32))
def test_any_deal_agrees_with_the_oracle(deal, seed):
    trace = random_round(stream(seed, "any deal"), *deal)
    assert_same_round(trace, oracle_of(*deal))


@settings(deadline=None, max_examples=100)
@given(rounds())
def test_a_reused_row_is_dealt_like_a_new_one(deal):
    players, cards, trump, dealer, deck = deal
    hands = deck[: players * cards].reshape(players, cards)
    state = np.full(STATE, 77)
    deal_into(state, players, cards, trump, dealer, deck)
    assert state.tolist() == new_round(players, cards, trump, dealer, hands).tolist()
    assert [cards_in(state[HANDS + seat]) for seat in range(players)] == np.sort(hands).tolist()


@settings(deadline=None, max_examples=100)
@given(rounds(), st.integers(0, 2**32))
def test_play_forced_takes_only_moves_without_an_alternative(deal, seed):
    trace = random_round(stream(seed, "forced"), *deal)
    start = len(trace.actions) // 2
    fast, slow = trace.states[start].copy(), trace.states[start].copy()
    play_forced(fast)
    while not is_over(slow) and legal_count(slow) == 1:
        apply(slow, only_action(slow))
    assert fast.tolist() == slow.tolist()
    assert is_over(fast) or legal_count(fast) > 1


def test_a_finished_round_has_no_legal_action():
    deck = np.arange(CARDS)
    last = random_round(stream(5, "over"), 4, 3, NO_TRUMP, 2, deck).states[-1]
    assert is_over(last)
    assert legal_count(last) == 0
    assert only_action(last) == -1
