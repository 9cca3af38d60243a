"""Records of rounds: every decision is replayed exactly, and files give the same rounds back."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from positions import SIZES, RandomRound

from blobmaster.game.opponents import KINDS, pack_opponents
from blobmaster.game.records import (
    GREEDY,
    IN_GAME,
    MAX_POLICY_BYTES,
    STYLED,
    WIDE_KINDS,
    Rounds,
    game_header,
    join,
    no_rounds,
    replay_out,
    replay_to,
)
from blobmaster.game.rules import LONGEST, OPPONENTS, ROUNDS_LEFT, SCORES, STATE, legal_count


def policies_of(round_: RandomRound, seed: int) -> list[list[int]]:
    """Return random policies for the round's real choices: one byte per legal action."""
    draws = np.random.default_rng(seed)
    return [draws.integers(0, 256, legal_count(state)).tolist() for state in round_.choices]


def record_of(round_: RandomRound, policies: list[list[int]]) -> np.ndarray:
    """Return the record in the format that the module's docstring describes."""
    players, cards = round_.states[0, :2].tolist()
    header = [players, cards, round_.trump, round_.dealer, 0]
    hands = round_.deck[: players * cards].tolist()
    entries = header + hands + round_.actions.tolist() + [*chain(*policies)]
    return np.array(entries, np.uint8)


def rounds_of(records: list[np.ndarray], decisions: list[int]) -> Rounds:
    ends = np.cumsum([0] + [len(record) for record in records])
    return Rounds(np.concatenate(records), ends, np.array(decisions))


@pytest.mark.parametrize(("players", "cards"), SIZES)
def test_each_decision_is_replayed_exactly_and_its_policy_found(players, cards):
    round_ = RandomRound(11, players, cards)
    policies = policies_of(round_, players)
    record = record_of(round_, policies).astype(np.int64)
    state = np.full(STATE, -7)
    for decision, (expected, policy) in enumerate(zip(round_.choices, policies, strict=True)):
        offset = replay_to(record, decision, state)
        assert (state == expected).all()
        assert record[offset : offset + len(policy)].tolist() == policy
    assert offset + len(policy) == len(record)
    replay_out(record, state)
    assert (state == round_.end).all()


def test_a_record_keeps_the_seats_of_random_opponents():
    round_ = RandomRound(11, 4, 3)
    record = record_of(round_, policies_of(round_, 0)).astype(np.int64)
    record[4] = 0b1010
    state = np.empty(STATE, np.int64)
    replay_to(record, 2, state)
    assert state[OPPONENTS] == 0b1010
    state[OPPONENTS] = 0
    assert (state == round_.choices[2]).all()
    replay_out(record, state)
    assert state[OPPONENTS] == 0b1010


@pytest.mark.parametrize("in_game", [False, True])
@pytest.mark.parametrize("flags", [0, GREEDY])
@pytest.mark.parametrize("bits", [4, 6], ids=["of an older run", "of today"])
def test_a_record_keeps_the_kinds_of_opponents(in_game, flags, bits):
    round_ = RandomRound(11, 5, 3)
    policies = policies_of(round_, 0)
    plain = record_of(round_, policies).tolist()
    is_seated = np.array([[True, False, True, True, False, False, False, False]])
    largest = 9 if bits == 4 else KINDS - 1
    opponents = int(pack_opponents(is_seated, np.array([[largest, 3, 0, 7, 1, 1, 1, 1]]))[0])
    kinds = [*(largest | 7 << 3 * bits).to_bytes(bits, "little")]
    game = game_header(3, 2, 0b1, np.array([0, 300, 20, 10, 0])).tolist() if in_game else []
    plain[0] |= STYLED | flags | (IN_GAME if in_game else 0)
    plain[1] |= WIDE_KINDS if bits == 6 else 0
    plain[4] = 0b1101
    record = np.array(plain[:5] + game + kinds + plain[5:])
    state = np.empty(STATE, np.int64)
    for decision, policy in enumerate(policies):
        offset = replay_to(record, decision, state)
        assert record[offset : offset + len(policy)].tolist() == policy
        assert state[OPPONENTS] == opponents
        assert state[SCORES + 1] == (300 if in_game else 0)
        expected = round_.choices[decision]
        unlike = [OPPONENTS, LONGEST, ROUNDS_LEFT, *range(SCORES, SCORES + 8)]
        assert (np.delete(state, unlike) == np.delete(expected, unlike)).all()
    replay_out(record, state)
    assert state[OPPONENTS] == opponents


def test_a_decision_beyond_the_last_raises_an_error():
    round_ = RandomRound(11, 4, 3)
    record = record_of(round_, policies_of(round_, 0)).astype(np.int64)
    with pytest.raises(IndexError):
        replay_to(record, len(round_.choices), np.empty(STATE, np.int64))


def test_no_rounds_policies_exceed_the_documented_length():
    longest = [p * (c + 1 + c * (c + 1) // 2) for p, c in SIZES]
    assert max(longest) == MAX_POLICY_BYTES


packed = st.lists(st.lists(st.integers(0, 255), min_size=1, max_size=9), max_size=6).map(
    lambda records: (
        rounds_of([np.array(r, np.uint8) for r in records], [r[0] % 5 for r in records])
        if records
        else no_rounds()
    )
)


def contents(rounds: Rounds) -> list[tuple[list[int], int]]:
    records = [record.tolist() for record in rounds]
    return list(zip(records, rounds.decisions.tolist(), strict=True))


@given(packed)
def test_rounds_survive_a_trip_through_bytes(rounds):
    content = rounds.to_bytes()
    back = Rounds.from_bytes(content)
    assert contents(back) == contents(rounds)
    assert back.to_bytes() == content
    assert [a.dtype for a in back.state_dict().values()] == [np.uint8, np.int64, np.int64]


@given(st.lists(packed, max_size=4))
def test_joined_rounds_are_the_rounds_of_all_parts_in_order(parts):
    joined = join(parts)
    assert contents(joined) == [*chain(*map(contents, parts))]
    assert len(joined) == sum(len(part) for part in parts)
    assert joined.decision_count == sum(part.decision_count for part in parts)
    assert joined.starts[0] == 0
    assert joined.starts[-1] == len(joined.data)


@given(packed, st.integers(0, 8))
def test_the_newest_rounds_are_the_last_ones(rounds, count):
    newest = rounds.newest(count)
    expected = contents(rounds)
    assert contents(newest) == expected[max(len(expected) - count, 0) :]
    assert contents(join([newest])) == contents(newest)
    assert not np.shares_memory(newest.data, rounds.data)
