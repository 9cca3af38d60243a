"""Estimate the memory of the blocks in play from the settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from blobmaster.config.network import NetworkSettings
from blobmaster.config.rounds import RoundMix
from blobmaster.config.search import SearchSettings
from blobmaster.config.self_play import SelfPlaySettings
from blobmaster.game.schedule import round_count
from blobmaster.inference.evaluator import bytes_per_row
from blobmaster.kernels.rng import generator
from blobmaster.search.batch import new_requests, new_search
from blobmaster.selfplay.deals import deal
from blobmaster.selfplay.finished_bidding import new_bidders
from blobmaster.selfplay.lanes import Block, new_block
from blobmaster.selfplay.successors import new_successors
from blobmaster.selfplay.win_values import max_outcomes, new_outcomes

GPU_BYTES_PER_BLOCK = 96_000_000
"""Upper bound of the GPU memory of a block's CUDA graphs without their rows: mostly the workspaces
of matrix products. Twice what was measured on an H100."""
GPU_BYTES_PER_ROW = 22_000
"""Upper bound of the GPU memory per row of a block's CUDA graphs. Twice what was measured."""


def block_bytes(
    mix: RoundMix,
    settings: SelfPlaySettings,
    search: SearchSettings,
    network: NetworkSettings,
    *,
    whole_games: bool = False,
) -> int:
    """Return the most bytes that a block in play holds.

    These are its rounds, the trees or successors of its decisions, and the evaluator's rows.

    Args:
        mix: the sizes of its rounds or games.
        settings: its lanes, and the policy that decides.
        search: of a decision, if the policy is to search.
        network: is evaluated.
        whole_games: it plays games, not single rounds.
    """
    lanes, rounds = _lanes(settings, whole_games), _rounds(mix, settings, whole_games)
    evaluators = 2 if settings.exploited else 1  # see `FrozenOpponents`
    rows = _rows(mix, settings, search, whole_games) * bytes_per_row(network)

    def block(rounds: int, lanes: int) -> Block:
        return new_block(deal(mix, rounds, generator(0, "memory")), lanes, settings)

    def decisions(lanes: int) -> tuple[object, ...]:
        if settings.decide_by == "search":
            return new_search(lanes, search), new_requests(lanes, search)
        children = lanes * _children(mix)
        successors = new_successors(children, lanes)
        if not whole_games:
            return successors
        outcomes = lanes * max_outcomes(_largest(mix))
        return successors, new_bidders(children), new_outcomes(outcomes, lanes)

    return (
        evaluators * rows
        + _bytes_of_many(lambda count: block(count, 1), rounds)
        + _bytes_of_many(lambda count: block(1, count), lanes)
        + _bytes_of_many(decisions, lanes)
    )


def gpu_bytes(
    mix: RoundMix,
    settings: SelfPlaySettings,
    search: SearchSettings,
    *,
    whole_games: bool = False,
) -> int:
    """Return an upper bound of the GPU memory of a block without the weights, in bytes."""
    return GPU_BYTES_PER_BLOCK + _rows(mix, settings, search, whole_games) * GPU_BYTES_PER_ROW


def _lanes(settings: SelfPlaySettings, whole_games: bool) -> int:
    # As in `play_block`: a block never has more lanes than rounds or games.
    return min(settings.lanes, _units(settings, whole_games))


def _units(settings: SelfPlaySettings, whole_games: bool) -> int:
    return settings.games_per_block if whole_games else settings.rounds_per_block


def _rounds(mix: RoundMix, settings: SelfPlaySettings, whole_games: bool) -> int:
    """Return the most rounds of a block."""
    if not whole_games:
        return settings.rounds_per_block
    return settings.games_per_block * max(round_count(*size) for size in _largest(mix).tolist())


def _rows(
    mix: RoundMix, settings: SelfPlaySettings, search: SearchSettings, whole_games: bool
) -> int:
    """Return the most rows of an evaluation."""
    lanes = _lanes(settings, whole_games)
    return lanes * (_children(mix) if settings.decide_by == "lookahead" else search.trees)


def _children(mix: RoundMix) -> int:
    """Return the most successors of a decision."""
    return int(_largest(mix)[:, 1].max()) + 1


def _largest(mix: RoundMix) -> npt.NDArray[np.int64]:
    """Return the players and cards of the longest round of each game of the mix, `[games, 2]`."""
    return np.array([(n, most) for n in mix.players for most in mix.most_cards[n]])


def _bytes_of_many(allocate: Callable[[int], object], count: int) -> int:
    """Return the bytes of `allocate(count)`, whose arrays grow by the same amount with each unit.

    They are not allocated: this is to say how much they would take, also where that is too much.
    """
    one, two = bytes_of(allocate(1)), bytes_of(allocate(2))
    return one + (count - 1) * (two - one)


def bytes_of(arrays: object) -> int:
    """Return the bytes of all arrays in nested tuples; memory that arrays share counts once."""
    owners = {id(owner): owner.nbytes for owner in _owners(arrays)}
    return sum(owners.values())


def _owners(arrays: object) -> Iterator[npt.NDArray[Any]]:
    if isinstance(arrays, np.ndarray):
        # An array may be a view of a tensor's memory: its base is the tensor then, not an array.
        yield from _owners(arrays.base) if isinstance(arrays.base, np.ndarray) else [arrays]
    elif isinstance(arrays, tuple):
        for part in arrays:
            yield from _owners(part)
