"""Sampled worlds agree with the observer's knowledge, and depend on nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from belief_states import SIZES, allowed_cards, other_seats, play_round, states_of

from blobmaster.game.cards import CARDS, MAX_PLAYERS, RANKS, SUIT_RANKS, cards_in
from blobmaster.game.rules import (
    ACTIONS,
    DEALER,
    DEALT,
    HANDS,
    PLAYERS,
    SEEN,
    STATE,
    TRUMP,
    VOIDS,
    apply,
    deal_into,
    legal_actions,
)
from blobmaster.kernels.compile import kernel
from blobmaster.kernels.intrinsics import popcount
from blobmaster.kernels.rng import below, stream
from blobmaster.search.belief import hand_size, hidden_cards
from blobmaster.search.determinization import new_table, prepare_worlds, sample_world

ROUND_SIZES = SIZES
FINE, WRONG_SIZE, CARD_TWICE, CARD_SEEN, VOID_BROKEN, OWN_HAND, PUBLIC_FIELD = range(7)


@kernel
def contradiction(state, observer, world):
    """Return the contradictions between `world` and the knowledge of `observer` in `state`."""
    for field in range(STATE):
        is_hand = HANDS <= field < HANDS + MAX_PLAYERS
        if not is_hand and world[field] != state[field]:
            return PUBLIC_FIELD
    if world[HANDS + observer] != state[HANDS + observer]:
        return OWN_HAND
    held = 0
    for seat in range(MAX_PLAYERS):
        hand = world[HANDS + seat]
        if popcount(hand) != popcount(state[HANDS + seat]):
            return WRONG_SIZE
        if hand & held:
            return CARD_TWICE
        held |= hand
        for suit in range(4):
            if (state[VOIDS + seat] >> suit) & 1 and hand & (SUIT_RANKS << (RANKS * suit)):
                return VOID_BROKEN
    if held & state[SEEN] or held >> CARDS:
        return CARD_SEEN
    return FINE


@kernel
def sample_and_check(stream, table, sizes, samples, found):
    """Draw `samples` worlds at decisions of random rounds; count contradictions in `found`."""
    states = np.empty((MAX_PLAYERS + CARDS, STATE), np.int64)
    actions = np.empty(MAX_PLAYERS + CARDS, np.int64)
    world = np.empty(STATE, np.int64)
    drawn = 0
    while drawn < samples:
        players, cards = sizes[below(stream, len(sizes))]
        for move in range(play_round(stream, players, cards, states, actions)):
            observer = below(stream, players)
            prepare_worlds(states[move], observer, table)
            for _ in range(4):
                sample_world(states[move], observer, table, stream, world)
                found[contradiction(states[move], observer, world)] += 1
                drawn += 1


def test_a_million_worlds_agree_with_hand_sizes_seen_cards_and_voids():
    found = np.zeros(7, np.int64)
    sample_and_check(stream(1, "a million worlds"), new_table(), ROUND_SIZES, 1_000_000, found)
    assert found[FINE] >= 1_000_000
    assert found[FINE] == found.sum()


@kernel
def replays(world, plays, count, deck, options):
    """Return True if the first `count` actions are legal from `world`'s deal and lead to it."""
    players, cards = world[PLAYERS], world[DEALT]
    state = np.empty(STATE, np.int64)
    deal_into(state, players, cards, world[TRUMP], world[DEALER], deck)
    for move in range(count):
        choices = legal_actions(state, options)
        if not np.any(options[:choices] == plays[move]):
            return False
        apply(state, plays[move])
    return bool(np.all(state == world))


@kernel
def sample_and_replay(stream, table, sizes, samples):
    """Count the sampled worlds in which the actual play would have been illegal."""
    states = np.empty((MAX_PLAYERS + CARDS, STATE), np.int64)
    actions = np.empty(MAX_PLAYERS + CARDS, np.int64)
    world = np.empty(STATE, np.int64)
    deck = np.empty(CARDS, np.int64)
    options = np.empty(CARDS, np.int64)
    impossible = 0
    for _ in range(samples):
        players, cards = sizes[below(stream, len(sizes))]
        move = below(stream, play_round(stream, players, cards, states, actions))
        observer = below(stream, players)
        prepare_worlds(states[move], observer, table)
        sample_world(states[move], observer, table, stream, world)
        for seat in range(players):
            played = states[0, HANDS + seat] & ~states[move, HANDS + seat]
            hand = world[HANDS + seat] | played
            place = seat * cards
            for card in range(CARDS):
                if (hand >> card) & 1:
                    deck[place] = card
                    place += 1
        if not replays(world, actions, move, deck, options):
            impossible += 1
    return impossible


def test_the_actual_play_is_legal_in_every_world():
    assert sample_and_replay(stream(2, "replay"), new_table(), ROUND_SIZES, 100_000) == 0


def some_states(name: str, rounds: int):
    """Yield `(state, observer)` at every move of random rounds of every size."""
    choices = stream(3, name)
    for players, cards in ROUND_SIZES.tolist():
        for _ in range(rounds):
            for state in states_of(choices, players, cards):
                yield state, below(choices, players)


def test_exchanging_hidden_cards_in_the_true_state_changes_no_sample():
    truth_table, other_table = new_table(), new_table()
    drawn_from_truth, drawn_from_other = np.empty(STATE, np.int64), np.empty(STATE, np.int64)
    other = np.empty(STATE, np.int64)
    exchange = stream(4, "exchange")
    exchanged = 0
    for state, observer in some_states("exchange", 2):
        prepare_worlds(state, observer, other_table)
        sample_world(state, observer, other_table, exchange, other)
        exchanged += other.tolist() != state.tolist()
        prepare_worlds(state, observer, truth_table)
        prepare_worlds(other, observer, other_table)
        seed = int(state[ACTIONS])
        sample_world(state, observer, truth_table, stream(seed, "same"), drawn_from_truth)
        sample_world(other, observer, other_table, stream(seed, "same"), drawn_from_other)
        assert drawn_from_truth.tolist() == drawn_from_other.tolist()
    assert exchanged > 3000


def test_earlier_contents_of_a_table_and_a_world_change_no_sample():
    used, world, again = new_table(), np.full(STATE, 7), np.full(STATE, -7)
    for state, observer in some_states("reuse", 1):
        fresh = new_table()
        fresh.ways.fill(np.nan)
        for table, out in ((used, world), (fresh, again)):
            prepare_worlds(state, observer, table)
            sample_world(state, observer, table, stream(5, "reuse"), out)
        assert world.tolist() == again.tolist()


def test_one_table_samples_many_worlds_and_changes_no_state():
    table, world = new_table(), np.empty(STATE, np.int64)
    state = states_of(stream(6, "one table"), 4, 7)[4]
    before = state.tolist()
    prepare_worlds(state, 0, table)
    draws = stream(6, "draws")
    worlds = set()
    for _ in range(100):
        sample_world(state, 0, table, draws, world)
        worlds.add(tuple(world.tolist()))
    assert len(worlds) == 100
    assert state.tolist() == before


def test_hand_sizes_and_hidden_cards_are_those_of_the_true_deal():
    for state, observer in some_states("belief", 1):
        hidden = set(cards_in(hidden_cards(state, observer)))
        known = set(cards_in(state[SEEN])) | set(cards_in(state[HANDS + observer]))
        assert hidden == set(range(CARDS)) - known
        for seat in other_seats(state, observer):
            assert hand_size(state, seat) == len(cards_in(state[HANDS + seat]))
            assert set(cards_in(state[HANDS + seat])) <= allowed_cards(state, observer, seat)


@pytest.mark.parametrize("observer", range(3))
def test_the_only_possible_world_is_the_true_deal(observer):
    table, world = new_table(), np.empty(STATE, np.int64)
    # All 51 cards but one are played by the last trick: who has led it is known to all.
    state = np.zeros(STATE, np.int64)
    hands = [1 << 0, 1 << 20, 1 << 30]
    deal_into(state, 3, 17, 4, 2, np.arange(51))
    state[HANDS : HANDS + 3] = hands
    state[ACTIONS] = 3 + 16 * 3
    state[SEEN] = ((1 << CARDS) - 1) & ~sum(hands) & ~(1 << 51)
    state[VOIDS : VOIDS + 3] = [0b1110, 0b1101, 0b1011]
    prepare_worlds(state, observer, table)
    for seed in range(20):
        sample_world(state, observer, table, stream(seed, "one world"), world)
        assert world.tolist() == state.tolist()
