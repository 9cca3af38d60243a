"""Traits of a kind of opponent: what the network sees of a style beside its name.

Many styles share traits, so that the network can play against one by what it has learned of others.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from blobmaster.game.opponents import FIRST_STYLE, KINDS, RANDOM
from blobmaster.game.styles import (
    DUCK,
    HIGH_FIRST,
    LOW_FIRST,
    TAKE,
    TRAINING_STYLES,
    VARIED_STYLES,
    Style,
)

TRAITS: Final = 11
"""Traits of a kind: how much too low and too high it bids, the noise of its bids, its carelessness,
and its aims: four while tricks are missing, three once the bid is reached. The aims of the
heuristic player are those without a mark."""

_LARGEST_BIAS = 2.0


def _traits_of(style: Style) -> list[float]:
    return [
        max(-style.bid_bias, 0.0) / _LARGEST_BIAS,
        max(style.bid_bias, 0.0) / _LARGEST_BIAS,
        style.bid_noise,
        style.careless,
        *(float(style.until_met == aim) for aim in (DUCK, TAKE, HIGH_FIRST, LOW_FIRST)),
        *(float(style.once_met == aim) for aim in (TAKE, HIGH_FIRST, LOW_FIRST)),
    ]


def _table() -> npt.NDArray[np.float64]:
    table = np.zeros((KINDS, TRAITS))
    table[RANDOM] = _traits_of(Style("random", "plays uniformly", careless=1.0))
    table[FIRST_STYLE:] = [_traits_of(style) for style in (*TRAINING_STYLES, *VARIED_STYLES)]
    return table


TRAITS_OF: Final = _table()
"""`[KINDS, TRAITS]`: from 0 to 1, as int8 needs its inputs. The network itself with noise,
`BY_NETWORK`, has none."""
