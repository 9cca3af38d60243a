"""Encodings hide what a seat cannot see, respect symmetries, and hold every feature."""

from __future__ import annotations

import math

import numpy as np
import positions
import pytest
from positions import SIZES, RandomRound, exchange_hidden, legal_of
from situations import SUIT_ORDERS, knowledge_of, rename_suits, rotate_seats

from blobmaster.game.cards import MAX_PLAYERS, NO_TRUMP, SUITS
from blobmaster.game.opponents import FIRST_VARIED, KINDS, KNOWN, RANDOM, pack_opponents
from blobmaster.game.rules import (
    ACTION_COUNT,
    BIDS,
    DEALT,
    FIRST_BID,
    HANDS,
    IN_TRICK,
    MAX_LEGAL,
    OPPONENTS,
    PLAYERS,
    SEAT,
    SEEN,
    TABLE,
    TRICKS,
    TRUMP,
    VOIDS,
    WINNER,
    apply,
    new_round,
)
from blobmaster.game.styles import VARIED_STYLES
from blobmaster.model.features import (
    DEAL_FEATURES,
    DEAL_INDEX,
    FEATURES,
    INDEX,
    WHOLE_FEATURES,
    encode_rows,
    encode_whole_rows,
)
from blobmaster.model.heads import (
    ACTOR_OUTPUTS,
    TRICK_COUNTS,
    decode_prior_rows,
    decode_value_rows,
)
from blobmaster.model.traits import TRAITS, TRAITS_OF

SOME_SIZES = [(3, 3), (3, 17), (4, 7), (5, 7), (6, 4), (8, 6), (7, 1)]


def encoded(states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return rows `[states, FEATURES]` and slots `[states, 4]`; their buffers began as rubbish."""
    rows = np.full((len(states), FEATURES), 9, np.float32)
    slots = np.full((len(states), SUITS), 9)
    encode_rows(states, rows, slots)
    return rows, slots


def decoded(states: np.ndarray, outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return priors and values, from buffers filled with rubbish."""
    priors = np.full((len(states), MAX_LEGAL), 9, np.float32)
    values = np.full((len(states), MAX_PLAYERS), 9, np.float32)
    decode_prior_rows(states, encoded(states)[1], outputs, priors)
    decode_value_rows(states, outputs[:, ACTION_COUNT:], values)
    return priors, values


def some_outputs(count: int, scale: float = 3.0) -> np.ndarray:
    return np.random.default_rng(1).normal(0, scale, (count, ACTOR_OUTPUTS)).astype(np.float32)


@pytest.mark.parametrize(("table", "width"), [(INDEX, FEATURES), (DEAL_INDEX, DEAL_FEATURES)])
def test_an_index_has_no_gap_and_no_overlap(table, width):
    end = 0
    for part in table.values():
        assert part.start == end
        assert part.stop > end
        end = part.stop
    assert end == width


def whole(states: np.ndarray) -> np.ndarray:
    """Return rows `[states, WHOLE_FEATURES]`, from a buffer filled with rubbish."""
    rows = np.full((len(states), WHOLE_FEATURES), 9, np.float32)
    encode_whole_rows(states, rows, np.full((len(states), SUITS), 9))
    return rows


def ranked(held: int, others: int, slot: np.ndarray) -> set[int]:
    """Return `13 * slot` + the number of `others` that outrank it, for each card held."""
    return {
        13 * slot[c // 13] + sum(o // 13 == c // 13 and o > c for o in range(52) if others >> o & 1)
        for c in range(52)
        if held >> c & 1
    }


@pytest.mark.parametrize(("players", "cards"), SOME_SIZES)
def test_the_critic_sees_the_observation_every_hand_and_each_seats_kind_of_opponent(players, cards):
    states = RandomRound(27, players, cards).states
    draws = np.random.default_rng(players)
    is_seated = draws.random((len(states), MAX_PLAYERS)) < 0.5
    is_seated[:, players:] = False
    kinds = draws.integers(0, KINDS, is_seated.shape)
    states[:, OPPONENTS] = pack_opponents(is_seated, kinds)
    rows = whole(states)
    views, slots = encoded(states)
    assert np.array_equal(rows[:, :FEATURES], views)
    for number, (state, row, slot) in enumerate(
        zip(states, rows[:, FEATURES:], slots, strict=True)
    ):
        hands = row[DEAL_INDEX["hands"]].reshape(MAX_PLAYERS - 1, 52)
        live_hands = row[DEAL_INDEX["live_hands"]].reshape(MAX_PLAYERS, 52)
        live = sum(int(hand) for hand in state[HANDS : HANDS + players])
        live += sum(1 << int(card) for card in state[TABLE : TABLE + players] if card >= 0)
        for relative in range(1, MAX_PLAYERS):
            shown = set(hands[relative - 1].nonzero()[0].tolist())
            held = 0
            if relative < players:
                held = int(state[HANDS + (state[SEAT] + relative) % players])
            assert shown == {13 * slot[c // 13] + c % 13 for c in range(52) if held >> c & 1}
        for relative in range(MAX_PLAYERS):
            held = 0
            if relative < players:
                held = int(state[HANDS + (state[SEAT] + relative) % players])
            shown = set(live_hands[relative].nonzero()[0].tolist())
            assert shown == ranked(held, live, slot)
        winner = row[DEAL_INDEX["live_winner"]].nonzero()[0].tolist()
        best = 1 << int(state[TABLE + state[WINNER]]) if state[IN_TRICK] > 0 else 0
        assert set(winner) == ranked(best, live, np.zeros(4, int))
        shown = row[DEAL_INDEX["random_seats"].start : DEAL_INDEX["traits"].stop]
        expected = marks_of(state, is_seated[number], kinds[number])
        assert np.array_equal(shown.reshape(-1, MAX_PLAYERS), expected)


def marks_of(state: np.ndarray, is_seated: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """Return a row per kind that has a name and per trait, with a column per relative seat."""
    marks = np.zeros((FIRST_VARIED + TRAITS, MAX_PLAYERS), np.float32)
    for relative in range(state[PLAYERS]):
        seat = (state[SEAT] + relative) % state[PLAYERS]
        if is_seated[seat]:
            marks[:FIRST_VARIED, relative] = np.arange(FIRST_VARIED) == kinds[seat]
            marks[FIRST_VARIED:, relative] = TRAITS_OF[kinds[seat]]
    return marks


def test_every_kind_has_marks_of_its_own_and_traits_fit_into_eight_bits():
    """int8 takes inputs from 0 to 1."""
    assert (TRAITS_OF >= 0).all()
    assert (TRAITS_OF <= 1).all()
    unnamed = np.zeros((len(VARIED_STYLES), FIRST_VARIED))
    marks = np.hstack([np.concatenate([np.eye(FIRST_VARIED), unnamed]), TRAITS_OF])
    assert len(np.unique(marks, axis=0)) == KINDS


def test_an_observation_does_not_reveal_opponents():
    states = RandomRound(28, 5, 6).states
    rows = encoded(states)[0]
    states[:, OPPONENTS] = 0b10110 | 3 << 12
    assert np.array_equal(encoded(states)[0], rows)


def test_an_observation_shows_opponents_that_are_known():
    states = RandomRound(28, 5, 6).states
    rows = encoded(states)[0]
    is_seated = np.array([False, True, True, False, True, False, False, False])
    kinds = np.array([0, 3, RANDOM, 0, FIRST_VARIED + 8, 0, 0, 0])
    states[:, OPPONENTS] = KNOWN | pack_opponents(is_seated[None], kinds[None])
    seen = encoded(states)[0]
    known = slice(INDEX["known_kinds"].start, INDEX["known_traits"].stop)
    for state, row, before in zip(states, seen, rows, strict=True):
        marks = row[known].reshape(-1, MAX_PLAYERS)
        assert np.array_equal(marks, marks_of(state, is_seated, kinds))
        assert row[INDEX["table_known"]] == 1.0
        row[known] = row[INDEX["table_known"]] = 0.0
        assert np.array_equal(row, before)


@pytest.mark.parametrize(("players", "cards"), SIZES)
def test_every_group_of_features_agrees_with_the_state(players, cards):
    round_ = RandomRound(21, players, cards)
    rows, slots = encoded(round_.states)
    for state, row, slot in zip(round_.states, rows, slots, strict=True):
        part = {name: row[where] for name, where in INDEX.items()}
        me = state[SEAT]
        assert sorted(slot) == [0, 1, 2, 3]
        assert part["hand"].sum() == int(state[HANDS + me]).bit_count()
        assert part["seen"].sum() == int(state[SEEN]).bit_count()
        assert part["table"].sum() == 2 * state[IN_TRICK]  # a suit and a rank each
        assert part["winner"].sum() == part["led_suit"].sum() == (state[IN_TRICK] > 0)
        unseen = (1 << 52) - 1 & ~int(state[SEEN] | state[HANDS + me])
        assert set(part["outranked"].nonzero()[0].tolist()) == ranked(
            int(state[HANDS + me]), unseen, slot
        )
        best = int(state[TABLE + state[WINNER]])
        expected = ranked(1 << best, unseen, np.zeros(4, int)) if state[IN_TRICK] > 0 else set()
        assert set(part["winner_outranked"].nonzero()[0].tolist()) == expected
        assert part["has_trump"] == (state[TRUMP] != NO_TRUMP)
        assert part["players"].nonzero()[0].tolist() == [players - 3]
        assert part["round"].nonzero()[0].tolist() == [cards - 1]
        assert part["hand_size"].nonzero()[0].tolist() == [int(state[HANDS + me]).bit_count()]
        for name in ("dealer", "leader", "balance"):
            assert part[name].sum() == 1
        assert part["playing"].tolist() == [seat < players for seat in range(MAX_PLAYERS)]
        seats = [(me + relative) % players for relative in range(players)]
        bids = [int(state[BIDS + seat]) for seat in seats]
        assert part["has_bid"][:players].tolist() == [bid >= 0 for bid in bids]
        assert part["bid"][:players] == pytest.approx([max(bid, 0) / cards for bid in bids])
        tricks = [int(state[TRICKS + seat]) for seat in seats]
        assert part["tricks"][:players] == pytest.approx([taken / cards for taken in tricks])
        needs = part["need"].reshape(MAX_PLAYERS, -1)
        for seat, (bid, taken) in enumerate(zip(bids, tricks, strict=True)):
            expected = [] if bid < 0 else [min(max(bid - taken, -1), 6) + 1]
            assert needs[seat].nonzero()[0].tolist() == expected
        balance = sum(bid for bid in bids if bid >= 0) - cards
        assert part["balance"].argmax() == min(max(balance, -6), 6) + 6
        for relative, seat in enumerate(seats):
            shown = part["voids"][4 * relative : 4 * relative + 4]
            assert [shown[slot[suit]] for suit in range(4)] == [
                int(state[VOIDS + seat]) >> suit & 1 for suit in range(4)
            ]
        for name in ("has_bid", "bid", "tricks", "need", "voids"):
            assert not part[name][players * len(part[name]) // MAX_PLAYERS :].any()
        others = {n: p for n, p in part.items() if n not in ("bid", "tricks")}
        assert all(set(np.unique(p)) <= {0.0, 1.0} for p in others.values())
        assert 0 <= row.min() <= row.max() <= 1


@pytest.mark.parametrize(("players", "cards"), SOME_SIZES)
def test_exchanging_hidden_cards_changes_no_feature(players, cards):
    states = RandomRound(22, players, cards).states
    rows, slots = encoded(states)
    for seed in range(5):
        others = np.array([exchange_hidden(s, s[SEAT], seed) for s in states])
        assert (others != states).any()
        other_rows, other_slots = encoded(others)
        assert np.array_equal(rows, other_rows)
        assert np.array_equal(slots, other_slots)


@pytest.mark.parametrize(("players", "cards"), SOME_SIZES)
@pytest.mark.parametrize("trump", [0, 2, NO_TRUMP])
def test_renamed_suits_have_the_same_encoding_and_answer(players, cards, trump):
    states = RandomRound(23, players, cards, trump).states
    rows, slots = encoded(states)
    outputs = some_outputs(len(states))
    priors, values = decoded(states, outputs)
    for order in SUIT_ORDERS:
        renamed = np.array([rename_suits(state, order) for state in states])
        other_rows, other_slots = encoded(renamed)
        assert np.array_equal(rows, other_rows)
        other_priors, other_values = decoded(renamed, outputs)
        assert np.array_equal(values, other_values)
        for i, state in enumerate(states):
            known = [knowledge_of(state, suit) for suit in range(4)]
            alike = {suit for suit in range(4) if known.count(known[suit]) > 1}
            for suit in set(range(4)) - alike:
                assert other_slots[i, order[suit]] == slots[i, suit]
            prior = dict(zip(legal_of(state), priors[i], strict=False))
            other = dict(zip(legal_of(renamed[i]), other_priors[i], strict=False))
            for action, share in prior.items():
                if action >= FIRST_BID:
                    assert other[action] == share
                elif action // 13 not in alike:
                    assert other[13 * order[action // 13] + action % 13] == share


def test_suits_that_differ_only_by_a_discard_on_the_table_keep_one_encoding():
    """The fives of hearts and diamonds were both discarded; one of them is still on the table."""
    hands = [positions.cards("3♠ 7♠ 8♠"), positions.cards("4♠ 6♠ 9♠"), positions.cards("5♦ 5♥ 2♣")]
    state = new_round(3, 3, NO_TRUMP, 2, hands)
    for action in [FIRST_BID, FIRST_BID, FIRST_BID, *positions.cards("3♠ 4♠ 5♦ 6♠ 5♥")]:
        apply(state, action)
    rows = [encoded(rename_suits(state, order)[None])[0] for order in SUIT_ORDERS]
    assert all(np.array_equal(row, rows[0]) for row in rows)


@pytest.mark.parametrize(("players", "cards"), SOME_SIZES)
def test_rotated_seats_have_the_same_encoding_and_answer(players, cards):
    states = RandomRound(24, players, cards).states
    rows, slots = encoded(states)
    outputs = some_outputs(len(states))
    priors, values = decoded(states, outputs)
    for places in range(1, players):
        rotated = np.array([rotate_seats(state, places) for state in states])
        assert np.array_equal(encoded(rotated)[0], rows)
        assert np.array_equal(encoded(rotated)[1], slots)
        other_priors, other_values = decoded(rotated, outputs)
        assert np.array_equal(priors, other_priors)
        assert np.array_equal(np.roll(values[:, :players], places, 1), other_values[:, :players])


def test_different_situations_have_different_encodings():
    rows = [encoded(RandomRound(seed, *size).states)[0] for seed in range(4) for size in SIZES]
    rows = np.concatenate(rows)
    assert len(np.unique(rows, axis=0)) > 0.97 * len(rows)


def plain_softmax(logits: list[float]) -> list[float]:
    peak = max(logits)
    weights = [math.exp(logit - peak) for logit in logits]
    return [weight / sum(weights) for weight in weights]


def plain_value(state: np.ndarray, seat: int, logits: list[float]) -> float:
    """Return expected points over 10 + cards, summed over numbers of tricks."""
    players, cards = int(state[PLAYERS]), int(state[DEALT])
    left = cards - int(state[TRICKS : TRICKS + players].sum())
    counts = range(int(state[TRICKS + seat]), int(state[TRICKS + seat]) + left + 1)
    chances = dict(zip(counts, plain_softmax([logits[n] for n in counts]), strict=True))
    bid = int(state[BIDS + seat])
    if bid >= 0:
        return chances.get(bid, 0.0) * (10 + bid) / (10 + cards)
    return max(chance * (10 + n) for n, chance in chances.items()) / (10 + cards)


@pytest.mark.parametrize(("players", "cards"), SOME_SIZES)
@pytest.mark.parametrize("scale", [0.0, 1.0, 30.0])
def test_priors_and_values_agree_with_plain_python(players, cards, scale):
    states = RandomRound(25, players, cards).states
    outputs = some_outputs(len(states), scale)
    priors, values = decoded(states, outputs)
    _, slots = encoded(states)
    for i, state in enumerate(states):
        legal = legal_of(state)
        logits = [
            float(outputs[i, a if a >= FIRST_BID else 13 * slots[i, a // 13] + a % 13])
            for a in legal
        ]
        assert priors[i, : len(legal)] == pytest.approx(plain_softmax(logits), abs=1e-5)
        assert priors[i].sum() == pytest.approx(1, abs=1e-5)
        assert not priors[i, len(legal) :].any()
        for seat in range(players):
            relative = (seat - state[SEAT]) % players
            start = ACTION_COUNT + relative * TRICK_COUNTS
            logits = outputs[i, start : start + TRICK_COUNTS].tolist()
            assert values[i, seat] == pytest.approx(plain_value(state, seat, logits), abs=1e-5)
        assert not values[i, players:].any()


@pytest.mark.parametrize("players", [3, 8])
def test_huge_logits_do_not_overflow(players):
    states = RandomRound(26, players, 52 // players).states
    for size in (1e4, 3e38):
        outputs = np.sign(some_outputs(len(states))) * np.float32(size)
        priors, values = decoded(states, outputs)
        assert np.isfinite(priors).all()
        assert np.isfinite(values).all()
        assert priors.sum(axis=1) == pytest.approx(1, abs=1e-5)
        assert values.max() <= 1
