"""Savings of self-play: cheap searches for a share of decisions, and no search once settled."""

from __future__ import annotations

import numpy as np
import pytest
from evaluators import UniformEvaluator
from playing import decisions_of, ignore, never, play, some_deals
from positions import legal_of

from blobmaster.config.search import SearchSettings
from blobmaster.config.self_play import SelfPlaySettings
from blobmaster.game.records import Rounds, replay_out
from blobmaster.game.rules import PLAYERS, STATE, legal_count
from blobmaster.game.scoring import points
from blobmaster.kernels.rng import generator
from blobmaster.search.endgame import is_settled
from blobmaster.selfplay import by_lookahead as lookahead
from blobmaster.selfplay.by_search import play_block
from blobmaster.training.replay_buffer import ReplayWindow, new_batch

SEARCH = SearchSettings(worlds=2, simulations=12)


def asked_by(deals, search: SearchSettings = SEARCH, **settings: float) -> tuple[Rounds, int]:
    """Play a block; return its rounds and the number of values that it requested."""
    evaluator = UniformEvaluator()
    rounds = play_block(
        evaluator,
        deals,
        search,
        SelfPlaySettings(**({"lanes": 5} | settings)),
        should_stop=never,
        on_rounds=ignore,
    )
    assert rounds is not None
    return rounds, sum(map(len, evaluator.judged))


def points_of(record: np.ndarray) -> list[int]:
    end = np.empty(STATE, np.int64)
    replay_out(record.astype(np.int64), end)
    return [int(points(end, seat)) for seat in range(end[PLAYERS])]


@pytest.mark.parametrize("root", ["puct", "gumbel"])
def test_the_given_share_of_decisions_is_searched_in_full_and_has_a_policy_to_learn(root):
    search = SearchSettings(worlds=2, simulations=12, root=root)
    rounds, asked = asked_by(some_deals(60), search, full_share=0.25, cheap_simulations=3)
    learned = [policy.sum() > 0 for _, policy, _ in decisions_of(rounds)]
    assert len(learned) == rounds.decision_count > 1000
    assert np.mean(learned) == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / len(learned)))
    for state, policy, _ in decisions_of(rounds):
        whole = abs(policy.sum() - 255) <= legal_count(state) / 2
        assert whole or (policy == 0).all()
    _, all_asked = asked_by(some_deals(60), search)
    assert asked < 0.6 * all_asked  # a quarter in full, the others at a quarter


def test_cheap_searches_leave_no_policy_but_values_to_learn():
    rounds, _ = asked_by(some_deals(30), full_share=0.3, cheap_simulations=2)
    window = ReplayWindow(100_000)
    window.add(rounds)
    batch = new_batch(2000)
    window.read(window.order(generator(0, "order"), 2000, window.decisions), 0.8, batch)
    sums = batch.policy.sum(axis=1)
    learned = sums > 0
    assert 0.2 < learned.mean() < 0.4
    assert sums[learned] == pytest.approx(1, abs=1e-5)
    assert (batch.tricks[~learned][:, 0] >= 0).all()


def test_cheap_searches_of_full_size_differ_only_by_noise_at_the_root():
    """Without noise and temperature, full and cheap searches draw the same worlds."""
    quiet = SearchSettings(worlds=2, simulations=6, noise_share=0.0)
    cold = {"bid_temperature": 0.0, "play_temperature": 0.0, "last_temperature": 0.0}
    mixed, asked = asked_by(some_deals(25), quiet, full_share=0.5, cheap_simulations=50, **cold)
    assert asked <= asked_by(some_deals(25), quiet, **cold)[1] * 1.05
    assert any((policy > 0).any() for _, policy, _ in decisions_of(mixed))
    for state, policy, action in decisions_of(mixed):
        if policy.any():
            assert action == legal_of(state)[policy.argmax()]


def blocks_of(way: str, **settings: float) -> Rounds:
    """Play a block by search or by lookahead."""
    deals = some_deals(120)
    if way == "search":
        return play(deals, **settings)
    chosen = SelfPlaySettings(**({"lanes": 5} | settings))
    rounds = lookahead.play_block(
        UniformEvaluator(), deals, chosen, should_stop=never, on_rounds=ignore
    )
    assert rounds is not None
    return rounds


@pytest.mark.parametrize("way", ["search", "lookahead"])
def test_random_play_after_a_round_is_settled_changes_nothing_before_and_no_points(way):
    whole, cut = blocks_of(way), blocks_of(way, end_settled=True)
    assert (whole.decisions > 0).all()
    early = 0
    whole_at = list(rounds_decisions(whole))
    for number, decisions in enumerate(rounds_decisions(cut)):
        for (state, policy, action), (other, expected, taken) in zip(
            decisions, whole_at[number], strict=False
        ):
            if is_settled(state):
                assert (policy == 0).all()
                early += 1
                continue
            assert (state == other).all()
            assert (policy == expected).all()
            assert action == taken
    assert early > 50
    for mine, other in zip(cut, whole, strict=True):
        assert points_of(mine) == points_of(other)


def rounds_decisions(rounds: Rounds):
    """Yield the list of `decisions_of` of each round."""
    for start, end, decisions in zip(
        rounds.starts[:-1], rounds.starts[1:], rounds.decisions, strict=True
    ):
        one = Rounds(rounds.data[start:end], np.array([0, end - start]), np.array([decisions]))
        yield list(decisions_of(one))


def test_rounds_that_are_never_settled_early_do_not_change():
    whole, cut = blocks_of("search"), blocks_of("search", end_settled=True)
    same = 0
    for mine, other, decisions in zip(cut, whole, rounds_decisions(whole), strict=True):
        if not any(is_settled(state) for state, _, _ in decisions):
            assert mine.tobytes() == other.tobytes()
            same += 1
    assert same > 30


EVERYTHING = SearchSettings(
    worlds=2, simulations=8, root="gumbel", tree="shared", solve_tricks=2, considered=4
)


@pytest.mark.parametrize("lanes", [1, 4, 100])
def test_the_number_of_lanes_changes_no_round_with_every_option(lanes):
    options = {"full_share": 0.5, "cheap_simulations": 2, "end_settled": True}
    expected = play(some_deals(20), EVERYTHING, lanes=7, **options).to_bytes()
    assert play(some_deals(20), EVERYTHING, lanes=lanes, **options).to_bytes() == expected


def test_gumbel_policies_give_every_action_a_share():
    search = SearchSettings(worlds=2, simulations=8, root="gumbel", considered=2)
    tried = 0
    for state, policy, _ in decisions_of(play(some_deals(20), search)):
        assert abs(policy.sum() - 255) <= legal_count(state) / 2
        tried += legal_count(state) > 2 and (policy > 0).all()
    assert tried > 50  # actions that were not considered keep a share
