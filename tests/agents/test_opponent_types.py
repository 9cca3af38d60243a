"""Who holds a seat is believed by Bayes' rule from what the seat does."""

from __future__ import annotations

import numpy as np
import pytest
from positions import RandomRound, legal_of

from blobmaster.agents.opponent_types import (
    STRAY,
    Types,
    add_type_likelihoods,
    draw_types,
    new_types,
)
from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.opponents import (
    BY_NETWORK,
    FIRST_STYLE,
    KIND_BITS,
    KINDS,
    RANDOM,
    kinds_of,
    pack_opponents,
    seat_mask,
    with_opponent,
)
from blobmaster.game.rules import MAX_LEGAL, OPPONENTS, PLAYERS, SEAT, apply, is_over, play_forced
from blobmaster.game.styles import STYLES, TRAINING_STYLES
from blobmaster.kernels.compile import kernel
from blobmaster.kernels.rng import stream
from blobmaster.search.determinization import new_table
from blobmaster.search.weighted_worlds import draw_worlds, list_past_choices, new_rows
from blobmaster.styles.rules import choose_by_style, write_style_chances

UNIFORM = 0.05
"""The uniform part of the network's policy here."""


def uniform_priors(states: np.ndarray) -> np.ndarray:
    priors = np.zeros((len(states), MAX_LEGAL), np.float32)
    for row, state in enumerate(states):
        priors[row, : len(legal_of(state))] = 1 / len(legal_of(state))
    return priors


def late_choice(style: int, seed: int) -> np.ndarray:
    """Return a late choice of seat 0 in a round whose other seats play by a style."""
    state = RandomRound(seed, 4, 8).states[0].copy()
    draws, last = stream(seed, "styles"), state.copy()
    while True:
        play_forced(state)
        if is_over(state):
            return last
        if state[SEAT] == 0:
            last = state.copy()
            apply(state, legal_of(state)[0])
        else:
            apply(state, choose_by_style(state, style, draws))


def believed(state: np.ndarray, share: float, worlds: int = 64) -> tuple[Types, np.ndarray]:
    """Return the beliefs after all choices so far, and the worlds with drawn players."""
    drawn = np.zeros((worlds, len(state)), np.int64)
    draws = stream(5, "worlds")
    draw_worlds(state, new_table(), draws, drawn)
    types, rows = new_types(worlds, share), new_rows(worlds * 40)
    end, count = list_past_choices(drawn, 0, rows)
    assert end == worlds
    add_type_likelihoods(uniform_priors(rows.state[:count]), rows, UNIFORM, types)
    draw_types(types, draws, drawn, np.empty(worlds))
    return types, drawn


@pytest.mark.parametrize("style", TRAINING_STYLES[:6], ids=lambda style: style.name)
def test_a_seat_that_plays_by_a_style_is_believed_to(style):
    number = STYLES.index(style)
    kind = FIRST_STYLE + number - 1
    shares = np.zeros(KINDS)
    for seed in range(12):
        worlds = believed(late_choice(number, seed), 0.5)[1]
        for seat in range(1, 4):
            kinds = worlds[:, OPPONENTS] >> (MAX_PLAYERS + KIND_BITS * seat) & (1 << KIND_BITS) - 1
            shares += np.bincount(kinds, minlength=KINDS)
    # The place of no opponent is the network's: random players are marked by 0, too.
    assert shares[FIRST_STYLE:].argmax() == kind - FIRST_STYLE


def test_before_any_choice_the_belief_is_the_prior():
    state = RandomRound(1, 5, 7).choices[0]
    types, worlds = believed(state, 0.3, worlds=4000)
    assert types.unlike == pytest.approx(0.3)
    assert types.log_likelihood.max() == types.log_likelihood.min() == 0.0
    marked = worlds[:, OPPONENTS, None] >> np.arange(MAX_PLAYERS) & 1
    others = [seat for seat in range(5) if seat != state[SEAT]]
    assert marked[:, others].mean() == pytest.approx(0.3, abs=0.02)
    assert marked[:, int(state[SEAT])].sum() == marked[:, 5:].sum() == 0


def test_the_evidence_is_the_sum_over_types_for_every_seat():
    state = late_choice(STYLES.index(TRAINING_STYLES[2]), 3)
    worlds = np.zeros((8, len(state)), np.int64)
    draw_worlds(state, new_table(), stream(1, "worlds"), worlds)
    types, rows = new_types(8, 0.4), new_rows(400)
    _, count = list_past_choices(worlds, 0, rows)
    priors = uniform_priors(rows.state[:count])
    priors[:, 0] += 0.5  # unlike a uniform player's
    add_type_likelihoods(priors, rows, UNIFORM, types)
    evidence = np.empty(8)
    draw_types(types, stream(1, "types"), worlds, evidence)

    chances = np.ones((8, MAX_PLAYERS, KINDS))
    by_style = np.empty(len(STYLES))
    for row in range(count):
        choices = int(rows.choices[row])
        of_seat = chances[rows.world[row], int(rows.state[row, SEAT])]
        write_style_chances(rows.state[row], int(rows.action[row]), by_style)
        of_seat[RANDOM] /= choices
        of_seat[BY_NETWORK] *= (1 - UNIFORM) * priors[row, rows.edge[row]] + UNIFORM / choices
        of_kinds = by_style[1 : 1 + KINDS - FIRST_STYLE]  # style 0 is no kind of opponent
        of_seat[FIRST_STYLE:] *= (1 - STRAY) * of_kinds + STRAY / choices
    prior = np.full(KINDS, 0.4 / (KINDS - 1))
    prior[BY_NETWORK] = 0.6
    others = [seat for seat in range(int(state[PLAYERS])) if seat != state[SEAT]]
    by_seat = (chances * prior).sum(axis=2)[:, others]
    assert evidence == pytest.approx(np.log(by_seat).sum(axis=1))
    like = (chances[..., BY_NETWORK] * prior[BY_NETWORK])[:, others] / by_seat
    assert types.unlike == pytest.approx(1 - like.mean(axis=1))


@kernel
def seated(opponents: int, seat: int, kind: int) -> int:
    return with_opponent(opponents, seat, kind)  # an inner kernel, which only kernels can call


def test_an_opponent_at_a_seat_is_packed_as_by_the_deals():
    is_seated = np.array([[False, True, False, False, True, False, False, False]])
    kinds = np.array([[0, 3, 0, 0, KINDS - 1, 0, 0, 0]])
    packed = pack_opponents(is_seated, kinds)[0]
    assert seated(seated(0, 1, 3), 4, KINDS - 1) == packed
    assert seat_mask(packed) == 0b10010
    assert kinds_of(packed) == 3 << KIND_BITS | (KINDS - 1) << 4 * KIND_BITS
