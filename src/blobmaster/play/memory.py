"""How much memory the rounds in play take: all of it follows from the settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from blobmaster.net.inference import BYTES_A_ROW
from blobmaster.play.settings import RoundMix, SelfPlaySettings
from blobmaster.search.search import new_questions, new_search
from blobmaster.search.settings import SearchSettings


def block_bytes(mix: RoundMix, settings: SelfPlaySettings, search: SearchSettings) -> int:
    """Bytes that a block in play holds: its trees, and the rows that the network is asked."""
    slots = min(settings.slots, settings.rounds_per_block)
    if settings.decide_by == "lookahead":
        longest = max(cards for sizes in mix.most_cards.values() for cards in sizes)
        return slots * (longest + 1) * BYTES_A_ROW
    trees = new_search(slots, search), new_questions(slots, search)
    return bytes_of(trees) + slots * search.trees * BYTES_A_ROW


def bytes_of(arrays: object) -> int:
    """Of all arrays in a tuple, or in tuples within it; what several are views of counts once."""
    owners = {id(owner): owner.nbytes for owner in _owners(arrays)}
    return sum(owners.values())


def _owners(arrays: object) -> Iterator[npt.NDArray[Any]]:
    if isinstance(arrays, np.ndarray):
        yield from [arrays] if arrays.base is None else _owners(arrays.base)
    elif isinstance(arrays, tuple):
        for part in arrays:
            yield from _owners(part)
