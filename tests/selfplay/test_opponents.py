"""Opponents in self-play: who they are, how they play, and that nothing is learned from them."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import pytest
from evaluators import UniformEvaluator
from playing import SEARCH, decisions_of
from playing import play as play_by_search
from positions import legal_of
from scipy.stats import chisquare

from blobmaster.agents.styles import StyleAgent
from blobmaster.config.rounds import RoundMix
from blobmaster.config.self_play import STYLE_NAMES, SelfPlaySettings
from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.opponents import FIRST_VARIED, KIND_BITS, KINDS, KNOWN, RANDOM
from blobmaster.game.records import STYLED, Rounds, open_record
from blobmaster.game.rules import ACTIONS, OPPONENTS, SEAT, STATE
from blobmaster.kernels.compile import kernel
from blobmaster.kernels.rng import generator
from blobmaster.selfplay.by_lookahead import play_block
from blobmaster.selfplay.deals import Deals, assign_players, deal, deal_games

MIX = RoundMix(players={3: 0.3, 4: 0.4, 8: 0.3}, most_cards={3: {9: 1.0}, 4: {5: 1.0}, 8: {4: 1.0}})
EXACT = {"ducker": 1.0, "grabber": 2.0, "sandbagger": 1.0}
"""Styles that draw nothing."""


class LeaningEvaluator(UniformEvaluator):
    """Priors that fall by half from each legal action to the next."""

    def priors(self, states: np.ndarray) -> np.ndarray:
        priors = super().priors(states) > 0
        priors = priors * 0.5 ** np.arange(priors.shape[1])
        return (priors / priors.sum(axis=1, keepdims=True)).astype(np.float32)


def some_deals(rounds: int, mix: RoundMix = MIX, games: bool = False, **settings: Any) -> Deals:
    draws = generator(9, "test opponents")
    plain = {"opponent_rounds": 0.8, "opponent_styles": 0.0, "greedy_rounds": 0.0}
    plain |= {"opponents_known": 0.0}
    chosen = SelfPlaySettings(**(plain | settings))
    return assign_players((deal_games if games else deal)(mix, rounds, draws), chosen, draws)


def play(deals: Deals, evaluator: UniformEvaluator | None = None, **settings: Any) -> Rounds:
    rounds = play_block(
        evaluator or UniformEvaluator(),
        deals,
        SelfPlaySettings(**({"lanes": 5} | settings)),
        should_stop=lambda: False,
        on_rounds=lambda _: None,
    )
    assert rounds is not None
    return rounds


def name_at(state: np.ndarray, seat: int) -> str | None:
    """Return who holds the seat: a style, `random`, or None for the network."""
    if not int(state[OPPONENTS]) >> seat & 1:
        return None
    kind = int(state[OPPONENTS]) >> (8 + KIND_BITS * seat) & (1 << KIND_BITS) - 1
    return STYLE_NAMES[min(kind, FIRST_VARIED) - 1] if kind else "random"


def names_in(deals: Deals) -> list[list[str]]:
    """Return the opponents of each round."""
    found = []
    for word in deals.opponents:
        state = np.zeros(OPPONENTS + 1, np.int64)
        state[OPPONENTS] = word
        found.append([n for seat in range(MAX_PLAYERS) if (n := name_at(state, seat))])
    return found


def test_styles_move_no_other_draw_and_without_them_all_opponents_are_random():
    plain, styled = some_deals(300), some_deals(300, opponent_styles=1.0)
    assert (plain.opponents < 256).all()
    assert RANDOM == 0
    assert (styled.opponents & 255 == plain.opponents).all()
    assert (styled.greedy == plain.greedy).all()
    assert (styled.deck == plain.deck).all()
    assert (styled.streams == plain.streams).all()


def test_kinds_follow_the_shares_and_weights_of_the_settings():
    mix = {"ducker": 3.0, "noisy-self": 1.0}
    deals = some_deals(6000, opponent_styles=0.5, opponents_alike=0.0, opponent_mix=mix)
    names = [name for table in names_in(deals) for name in table]
    counts = [names.count(name) for name in ("random", "ducker", "noisy-self")]
    assert sum(counts) == len(names) > 5000
    expected = np.array([0.5, 0.375, 0.125]) * len(names)
    assert chisquare(counts, expected).pvalue > 1e-3


def test_varied_styles_are_drawn_alike_and_one_of_them_for_a_table_of_one_style():
    settings = {"opponent_styles": 1.0, "opponent_mix": {"varied": 1.0}}
    apart = [kinds_in(word) for word in some_deals(4000, opponents_alike=0.0, **settings).opponents]
    kinds = [kind for table in apart for kind in table]
    assert chisquare(np.bincount(kinds, minlength=KINDS)[FIRST_VARIED:]).pvalue > 1e-3
    alike = [kinds_in(word) for word in some_deals(300, opponents_alike=1.0, **settings).opponents]
    assert all(len(set(table)) <= 1 for table in alike)
    assert any(len(set(table)) > 1 for table in apart)


def test_without_varied_styles_the_deals_are_those_of_runs_before_them():
    named = {"ducker": 3.0, "noisy-self": 1.0}
    deals = some_deals(300, opponent_styles=0.5, opponents_known=0.4, opponent_mix=named)
    kinds = [
        [word >> 8 + KIND_BITS * seat & (1 << KIND_BITS) - 1 for seat in range(8)]
        for word in deals.opponents.tolist()
    ]
    rows = np.column_stack([deals.opponents & 255, kinds, deals.opponents >= KNOWN])
    # Computed by commit ff050e5, the last one without them.
    assert zlib.crc32(rows.astype(np.uint8).tobytes()) == 2960200125


def kinds_in(word: int) -> list[int]:
    """Return the kinds of a round's opponents."""
    kinds = [int(word) >> (8 + KIND_BITS * seat) & (1 << KIND_BITS) - 1 for seat in range(8)]
    return [kind for seat, kind in enumerate(kinds) if int(word) >> seat & 1]


def test_a_share_of_the_tables_is_known_and_that_moves_no_other_draw():
    plain = some_deals(4000, opponent_styles=0.7)
    known = some_deals(4000, opponent_styles=0.7, opponents_known=0.4)
    assert (plain.opponents < KNOWN).all()
    assert (known.opponents & KNOWN - 1 == plain.opponents).all()
    share = np.mean(known.opponents >= KNOWN)
    assert share == pytest.approx(0.4, abs=0.03)
    without = known.opponents & KNOWN - 1 == 0  # a table of the network alone is known, too
    assert np.mean(known.opponents[without] >= KNOWN) == pytest.approx(0.4, abs=0.06)
    for name in ("deck", "streams", "greedy", "plan"):
        assert np.array_equal(getattr(known, name), getattr(plain, name))


@pytest.mark.parametrize("games", [False, True])
def test_the_records_say_which_tables_are_known(games):
    deals = some_deals(12, games=games, opponent_styles=0.7, opponents_known=0.5)
    state = np.empty(STATE, np.int64)
    rounds = play_by_search(deals)
    assert 0 < np.mean(deals.opponents >= KNOWN) < 1
    for record, opponents in zip(rounds, deals.opponents, strict=True):
        open_record_of(record.astype(np.int64), state)
        assert state[OPPONENTS] == opponents


@kernel
def open_record_of(record, state):
    open_record(record, state)  # an inner kernel, which only kernels can call


def test_the_order_of_the_weights_in_a_file_does_not_matter():
    one = some_deals(100, opponent_styles=0.7, opponent_mix={"ducker": 1.0, "grabber": 2.0})
    other = some_deals(100, opponent_styles=0.7, opponent_mix={"grabber": 2.0, "ducker": 1.0})
    assert (one.opponents == other.opponents).all()


@pytest.mark.parametrize("alike", [0.0, 0.4, 1.0])
def test_a_share_of_the_tables_has_one_style_only(alike):
    deals = some_deals(
        4000,
        RoundMix(players={8: 1.0}, most_cards={8: {1: 1.0}}),
        opponent_seats=1.0,
        opponent_styles=1.0,
        opponents_alike=alike,
    )
    tables = [set(table) for table in names_in(deals) if table]
    assert np.mean([len(table) == 1 for table in tables]) == pytest.approx(alike, abs=0.03)


def test_an_opponent_stays_for_a_whole_game():
    deals = some_deals(20, games=True, opponent_styles=0.7)
    for first, end in zip(deals.starts[:-1], deals.starts[1:], strict=True):
        assert len(set(deals.opponents[first:end].tolist())) == 1


@pytest.mark.parametrize("by", ["lookahead", "search"])
def test_an_opponent_plays_by_its_style_and_leaves_an_empty_policy(by):
    deals = some_deals(60, opponent_styles=0.7, opponent_mix=EXACT)
    rounds = play(deals) if by == "lookahead" else play_by_search(deals)
    assert [bool(record[0] & STYLED) for record in rounds] == (deals.opponents > 255).tolist()
    seen = dict.fromkeys([*EXACT, "random", None], 0)
    for state, policy, action in decisions_of(rounds):
        name = name_at(state, int(state[SEAT]))
        seen[name] += 1
        assert policy.any() == (name is None)
        if name in EXACT:
            streams = np.zeros((1, 1), np.uint64)
            assert action == StyleAgent(name).choose(state[None], streams)[0]
    assert min(seen.values()) > 30


def test_a_noisy_self_draws_by_the_square_roots_of_the_priors_and_teaches_nothing():
    mix = RoundMix.of_size(4, 3)
    deals = some_deals(3000, mix, opponent_styles=1.0, opponent_mix={"noisy-self": 1.0})
    counts: dict[bool, np.ndarray] = {True: np.zeros(4), False: np.zeros(4)}
    for state, policy, action in decisions_of(play(deals, LeaningEvaluator(), explore=0.0)):
        noisy = name_at(state, int(state[SEAT])) is not None
        assert policy.any() != noisy
        if state[ACTIONS] == 0:
            counts[noisy][legal_of(state).index(action)] += 1
    for noisy, power in ((True, 0.5), (False, 1.0)):
        expected = 0.5 ** (power * np.arange(4))
        expected *= counts[noisy].sum() / expected.sum()
        assert counts[noisy].sum() > 800
        assert chisquare(counts[noisy], expected).pvalue > 1e-3


def test_no_successor_of_a_noisy_selfs_decision_is_evaluated():
    evaluator = UniformEvaluator()
    mix = {"noisy-self": 1.0}
    play(some_deals(60, opponent_styles=1.0, opponent_mix=mix), evaluator, lanes=1)
    for acting, judged in zip(evaluator.acted, evaluator.judged, strict=True):
        if len(acting) == 1 and name_at(acting[0], int(acting[0, SEAT])) is not None:
            assert len(judged) == 0


def test_a_noisy_self_searches_cheaply_and_teaches_nothing():
    deals = some_deals(40, opponent_styles=1.0, opponent_mix={"noisy-self": 1.0})
    rounds = play_by_search(deals, SEARCH, cheap_simulations=2)
    for state, policy, _ in decisions_of(rounds):
        assert policy.any() == (name_at(state, int(state[SEAT])) is None)


@pytest.mark.parametrize("games", [False, True])
@pytest.mark.parametrize("by", ["lookahead", "search"])
def test_the_number_of_lanes_changes_no_round_with_styles(by, games):
    if games and by == "search":
        pytest.skip("games are played by lookahead")
    small = RoundMix(players={3: 0.5, 4: 0.5}, most_cards={3: {3: 1.0}, 4: {2: 1.0}})
    mix = dict.fromkeys(STYLE_NAMES, 1.0)
    deals = some_deals(25, small, games, opponent_styles=0.8, opponent_mix=mix)
    assert len({name for table in names_in(deals) for name in table}) > 6
    played = play if by == "lookahead" else play_by_search
    first = played(deals, lanes=7).to_bytes()
    for lanes in (1, 3, 40):
        assert played(deals, lanes=lanes).to_bytes() == first
