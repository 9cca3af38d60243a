"""Estimate the memory of the blocks in play from the settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from blobmaster.config.network import NetworkSettings
from blobmaster.config.rounds import RoundMix
from blobmaster.config.search import SearchSettings
from blobmaster.config.self_play import SelfPlaySettings
from blobmaster.inference.evaluator import bytes_per_row
from blobmaster.search.batch import new_requests, new_search

GPU_BYTES_PER_BLOCK = 96_000_000
"""Upper bound of the GPU memory of a block's CUDA graphs without their rows: mostly the workspaces
of matrix products. Twice what was measured on an H100."""
GPU_BYTES_PER_ROW = 22_000
"""Upper bound of the GPU memory per row of a block's CUDA graphs. Twice what was measured."""


def block_bytes(
    mix: RoundMix, settings: SelfPlaySettings, search: SearchSettings, network: NetworkSettings
) -> int:
    """Return the bytes that a block in play holds: its trees, and the evaluator's rows."""
    rows = _rows(mix, settings, search) * bytes_per_row(network)
    if settings.decide_by == "lookahead":
        return rows
    lanes = _lanes(settings)
    return rows + bytes_of((new_search(lanes, search), new_requests(lanes, search)))


def gpu_bytes(mix: RoundMix, settings: SelfPlaySettings, search: SearchSettings) -> int:
    """Return an upper bound of the GPU memory of a block without the weights, in bytes."""
    return GPU_BYTES_PER_BLOCK + _rows(mix, settings, search) * GPU_BYTES_PER_ROW


def _lanes(settings: SelfPlaySettings) -> int:
    # As in `play_block`: a block never has more lanes than rounds.
    return min(settings.lanes, settings.rounds_per_block)


def _rows(mix: RoundMix, settings: SelfPlaySettings, search: SearchSettings) -> int:
    """Return the most rows of an evaluation."""
    if settings.decide_by == "lookahead":
        longest = max(cards for sizes in mix.most_cards.values() for cards in sizes)
        return _lanes(settings) * (longest + 1)
    return _lanes(settings) * search.trees


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
