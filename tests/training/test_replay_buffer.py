"""The replay window: batches agree with the records, and the oldest rounds are dropped."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from selfplayed import decisions_of, greedy_rounds, rounds_with_random_opponents, selfplayed

from blobmaster.config.learning import LearningSettings
from blobmaster.game.cards import MAX_PLAYERS, SUITS
from blobmaster.game.records import GREEDY, Rounds, replay_out
from blobmaster.game.rules import (
    ACTIONS,
    BIDS,
    DEALT,
    FIRST_BID,
    OPPONENTS,
    PLAYERS,
    SEAT,
    STATE,
    TRICKS,
)
from blobmaster.kernels.rng import generator
from blobmaster.model.features import DEAL_INDEX, FEATURES, WHOLE_FEATURES, encode_whole_rows
from blobmaster.training.replay_buffer import ABSENT, Batch, ReplayWindow, new_batch


def filled_window(capacity: int = 10**6) -> ReplayWindow:
    window = ReplayWindow(capacity)
    window.add(selfplayed())
    return window


def drawn(window: ReplayWindow, size: int, tau: float = 1.0) -> tuple[Batch, list[int]]:
    """Draw into a batch that held garbage; return it with the numbers of its decisions."""
    batch = new_batch(size)
    for array in batch:
        array[:] = 1
    numbers = window.order(generator(2, "order"), size, window.decisions)
    window.read(numbers, tau, batch)
    return batch, numbers.tolist()


@pytest.mark.parametrize("tau", [1.0, 0.7, 0.25])
def test_a_batch_holds_the_records_decisions_and_their_targets(tau):
    window = filled_window()
    decisions = decisions_of(selfplayed())
    assert window.decisions == len(decisions) == selfplayed().decision_count
    batch, chosen = drawn(window, 500, tau)
    assert max(chosen) > 0.9 * len(decisions)
    for i, number in enumerate(chosen):
        state, shares, tricks = decisions[number]
        row, lanes = np.empty(WHOLE_FEATURES, np.float32), np.empty(SUITS, np.int64)
        encode_whole_rows(state[None], row[None], lanes[None])
        assert np.array_equal(batch.wholes[i], row)
        outputs = {a: a if a >= FIRST_BID else 13 * lanes[a // 13] + a % 13 for a in shares}
        assert batch.legal[i].nonzero()[0].tolist() == sorted(outputs.values())
        powers = {action: share ** (1 / tau) for action, share in shares.items()}
        for action, power in powers.items():
            expected = power / sum(powers.values())
            assert batch.policy[i, outputs[action]] == pytest.approx(expected, abs=1e-6)
        assert not batch.policy[i][~batch.legal[i]].any()
        players, me = int(state[PLAYERS]), int(state[SEAT])
        assert batch.tricks[i].tolist() == tricks + [ABSENT] * (MAX_PLAYERS - players)
        taken = [int(state[TRICKS + (me + n) % players]) for n in range(players)]
        left = int(state[DEALT]) - sum(taken)
        for relative, possible in enumerate(batch.possible[i]):
            counts = []
            if relative < players:
                counts = list(range(taken[relative], taken[relative] + left + 1))
                assert tricks[relative] in counts
            assert possible.nonzero()[0].tolist() == counts


@pytest.mark.parametrize("tau", [1.0, 0.7, 1e-3, 1e-6])
def test_targets_sum_to_one_however_much_they_are_sharpened(tau):
    batch, _ = drawn(filled_window(), 400, tau)
    assert batch.policy.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (batch.policy >= 0).all()


def test_decisions_of_random_opponents_have_no_policy_target():
    rounds = rounds_with_random_opponents()
    window = ReplayWindow(10**6)
    window.add(rounds)
    decisions = decisions_of(rounds)
    batch, chosen = drawn(window, 400, 0.7)
    strange = [bool(decisions[n].state[OPPONENTS] >> decisions[n].state[SEAT] & 1) for n in chosen]
    assert 0 < sum(strange) < 400
    assert batch.policy.sum(axis=1) == pytest.approx([1.0 - s for s in strange], abs=1e-5)
    assert batch.wholes[:, FEATURES:][:, DEAL_INDEX["random_seats"]].any()  # the critic sees it


def test_tau_falls_linearly_and_then_stays():
    settings = LearningSettings(mean_log_from=1.0)
    assert [settings.tau(iteration) for iteration in (0, 50, 100, 200, 201, 10_000)] == (
        pytest.approx([1.0, 0.925, 0.85, 0.7, 0.7, 0.7])
    )


def test_a_batch_of_all_decisions_has_each_once():
    window = ReplayWindow(10**6)
    window.add(selfplayed().newest(3))
    batch, chosen = drawn(window, window.decisions)
    assert sorted(chosen) == list(range(window.decisions))
    assert len(np.unique(batch.wholes, axis=0)) == window.decisions


@given(st.integers(1, 300), st.integers(1, 60), st.integers(0, 5))
def test_no_decision_of_the_newest_comes_again_before_the_others(draws, pool, seed):
    window = ReplayWindow(10**6)
    window.add(numbered_rounds(0, [7, 13, 20]))
    order = window.order(generator(seed, "order"), draws, pool)
    assert len(order) == draws
    newest = set(range(max(40 - pool, 0), 40))
    for start in range(0, draws, len(newest)):
        piece = order[start : start + len(newest)].tolist()
        assert len(set(piece)) == len(piece)
        assert set(piece) <= newest


def test_orders_of_equal_streams_are_equal_and_of_others_differ():
    window = filled_window()
    one, same = (window.order(generator(3, "order"), 500, 400).tolist() for _ in range(2))
    other = window.order(generator(4, "order"), 500, 400).tolist()
    assert one == same != other
    assert one != sorted(one)


def test_drawing_from_an_empty_window_is_an_error():
    with pytest.raises(ValueError, match="window is empty"):
        ReplayWindow(10).order(generator(0, "order"), 1, 1)


@pytest.mark.parametrize("numbers", [[0], [0, 1, 2], [0, -1], [0, 10**6]])
def test_decisions_that_the_window_or_the_batch_has_no_room_for_are_refused(numbers: list[int]):
    with pytest.raises(ValueError, match="into 2 rows"):
        filled_window().read(np.array(numbers), 1.0, new_batch(2))


def numbered_rounds(first: int, decisions: list[int]) -> Rounds:
    """Return rounds for bookkeeping alone: the record of round n repeats the byte n."""
    records = [[first + i] * count for i, count in enumerate(decisions)]
    return Rounds(
        np.array(sum(records, []), np.uint8),  # noqa: RUF017 (a few short lists)
        np.cumsum([0, *decisions]),
        np.array(decisions, np.int64),
    )


@given(
    st.integers(1, 40),
    st.lists(st.lists(st.integers(1, 30), max_size=6), min_size=1, max_size=6),
)
def test_the_oldest_rounds_are_dropped_whole_and_the_newest_stay(capacity, additions):
    window = ReplayWindow(capacity)
    everything: list[tuple[int, int]] = []  # each round's number and decisions
    for decisions in additions:
        window.add(numbered_rounds(len(everything), decisions))
        everything += enumerate(decisions, len(everything))
        state = window.state_dict()
        held = list(
            zip(state["data"][state["starts"][:-1]].tolist(), state["decisions"], strict=True)
        )
        assert held == everything[len(everything) - len(held) :]
        assert window.decisions == sum(count for _, count in held)
        assert window.decisions <= capacity or len(held) == 1
        assert held or not everything  # the newest round stays, whatever its size
        if len(held) < len(everything):  # one more would not have fitted
            assert window.decisions + everything[-len(held) - 1][1] > capacity
        assert state["starts"].tolist() == np.cumsum([0, *state["decisions"]]).tolist()


def test_a_saved_state_never_changes():
    window = filled_window(300)
    state = window.state_dict()
    before = {name: array.copy() for name, array in state.items()}
    window.add(selfplayed(seed=2))
    drawn(window, 50)
    assert all(np.array_equal(before[name], state[name]) for name in before)


def test_a_window_continues_from_its_state():
    window = filled_window(500)
    other = ReplayWindow(500)
    other.load_state_dict(window.state_dict())
    for each in (window, other):
        each.add(selfplayed(seed=2).newest(10))
    assert window.decisions == other.decisions
    for one, same in zip(drawn(window, 64)[0], drawn(other, 64)[0], strict=True):
        assert np.array_equal(one, same)


def test_a_batch_marks_greedy_rounds():
    window = ReplayWindow(10**6)
    window.add(greedy_rounds())
    flags = [bool(record[0] & GREEDY) for record in greedy_rounds()]
    assert 10 < sum(flags) < 30
    of_decision = np.repeat(flags, greedy_rounds().decisions)
    batch, chosen = drawn(window, 300)
    assert batch.greedy.tolist() == of_decision[chosen].tolist()


def test_a_batch_has_the_bid_of_every_bidding_decision():
    window = filled_window()
    decisions = decisions_of(selfplayed())
    records = np.repeat(np.arange(len(selfplayed())), selfplayed().decisions)
    final = np.empty(STATE, np.int64)
    batch, chosen = drawn(window, 300)
    for i, number in enumerate(chosen):
        state = decisions[number].state
        replay_out(list(selfplayed())[records[number]].astype(np.int64), final)
        bids = state[ACTIONS] < state[PLAYERS]
        assert batch.bid[i] == (final[BIDS + state[SEAT]] if bids else ABSENT)
    assert 0.1 < (batch.bid != ABSENT).mean() < 0.6
