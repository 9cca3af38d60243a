"""Random rollouts: the value of a position for a search without a network."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from blobmaster.game.rules import State, apply, is_over, legal_actions
from blobmaster.kernels.compile import kernel
from blobmaster.kernels.rng import Stream, below


@kernel
def play_out(state: State, legal: npt.NDArray[np.int64], stream: Stream) -> None:
    """Take uniformly random legal actions, in place, until the round is over.

    Args:
        state: `[STATE]`, every hand known.
        legal: `[MAX_LEGAL]`, scratch.
        stream: drawn from.
    """
    while not is_over(state):
        apply(state, legal[below(stream, legal_actions(state, legal))])
