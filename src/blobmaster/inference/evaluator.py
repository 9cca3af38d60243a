"""The evaluator: priors and values of states, by a network.

Everything that asks a network does so through `Evaluator`: search, self-play, advice, exact games.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from blobmaster.config.network import NetworkSettings
from blobmaster.game.cards import MAX_PLAYERS, SUITS
from blobmaster.game.rules import ACTION_COUNT, MAX_LEGAL, State
from blobmaster.inference.backend import Backend, check
from blobmaster.inference.batches import BatchedPart, Outputs
from blobmaster.inference.compiled import PartPasses, Passes, evaluate_once
from blobmaster.inference.cpu_plans import cpu_plans_for
from blobmaster.model.features import FEATURES, WHOLE_FEATURES, encode_rows, encode_whole_rows
from blobmaster.model.game_features import (
    GAME_WHOLE_FEATURES,
    STANDING_FEATURES,
    VIEW_FEATURES,
    encode_game_views,
    encode_game_wholes,
    encode_standing_rows,
)
from blobmaster.model.heads import (
    ACTOR_OUTPUTS,
    CRITIC_OUTPUTS,
    SHARE_OUTPUTS,
    TRICK_COUNTS,
    decode_chance_rows,
    decode_exact_rows,
    decode_prior_rows,
    decode_share_rows,
    decode_value_rows,
)
from blobmaster.model.layers import Parts

Priors = npt.NDArray[np.float32]
Values = npt.NDArray[np.float32]
Bids = npt.NDArray[np.int64]

STANDING_ROWS = 4096
"""Rows of a batch of standings."""

_BYTES_PER_ROW = 4 * (
    VIEW_FEATURES
    + GAME_WHOLE_FEATURES
    + ACTOR_OUTPUTS
    + CRITIC_OUTPUTS
    + MAX_LEGAL
    + 2 * MAX_PLAYERS
    + TRICK_COUNTS
) + 8 * (2 * SUITS + MAX_PLAYERS)
"""Bytes of an evaluator's own arrays per row of capacity, for games and with plans."""

_INPUTS, _OUTPUTS = VIEW_FEATURES + GAME_WHOLE_FEATURES, ACTOR_OUTPUTS + CRITIC_OUTPUTS


def bytes_per_row(network: NetworkSettings) -> int:
    """Return the most bytes that an evaluator holds per row of capacity, in any number format.

    That is its arrays, and the scratch of CPU plans: three activations and a copy of the rows.
    """
    return _BYTES_PER_ROW + 4 * (3 * network.width + _INPUTS + _OUTPUTS)


class Evaluator(Protocol):
    """Evaluates states, each argument `[rows, STATE]`. A result is overwritten by the next call."""

    def priors(self, states: State) -> Priors:
        """Return the actor's policy for the acting seats.

        `[rows, MAX_LEGAL]`, in the order of `legal_actions`; each row sums to one. Only what the
        acting seat of a state sees may change its row.
        """
        ...

    def values(self, states: State) -> Values:
        """Return the critic's values, with all hands known.

        `[rows, MAX_PLAYERS]`: the expected points of each seat over `most_points` of the round.
        """
        ...

    def evaluate(self, acting: State, judged: State) -> tuple[Priors, Values]:
        """Return the priors of `acting` and the values of `judged`, evaluated together."""
        ...

    def passes(self, acts: int, judges: int) -> Passes | None:
        """Plan batches of so many priors and values for compiled code of the calling thread.

        Returns:
            The argument of `blobmaster.inference.compiled.evaluate`, or None if the evaluator can
            only be called from Python, by its method `evaluate`.
        """
        ...

    def chances(self, states: State) -> tuple[Bids, Values]:
        """Return each seat's bid and the probability that it is made, with all hands known.

        Both are `[rows, MAX_PLAYERS]`. Every seat must have bid; the round may be over.
        """
        ...

    def standings(self, states: State) -> Values:
        """Return each seat's expected share of the win, before a state's round is dealt.

        `[rows, MAX_PLAYERS]`, for any number of rows. In a game that is over, `ROUNDS_LEFT` is -1
        and the winners share the win.
        """
        ...


class NetworkEvaluator:
    """An `Evaluator` by a network, in batches of up to `capacity` rows.

    It owns its buffers, so each worker thread has its own; the network's weights are shared. The
    rows of a batch start at the buffer's first, which torch aligns to 64 bytes: a row's result then
    depends on the batch's size and the capacity alone, never on where numpy put an array.

    All methods raise `ValueError` for more rows than `capacity`.
    """

    def __init__(
        self,
        network: Parts,
        capacity: int,
        device: torch.device,
        *,
        backend: Backend | None = None,
    ) -> None:
        """Args:
        network: on `device`.
        capacity: the most rows of a call.
        device: where the network runs.
        backend: plans the forward passes. The weights must then stay where they are in memory. None
            for CPU plans on a CPU where they are possible, and for passes from Python elsewhere:
            CUDA graphs pay from about ten calls of each batch size on.
        """
        if backend is None:
            backend = cpu_plans_for(device, capacity, network.actor, network.critic)
        self._backend = backend
        sizes = backend.sizes_at_most if backend else None
        in_games = network.sees_games
        views, wholes = FEATURES, WHOLE_FEATURES
        if in_games:
            views, wholes = VIEW_FEATURES, GAME_WHOLE_FEATURES
        self._actor = BatchedPart(
            network.actor, (capacity, views, ACTOR_OUTPUTS), sizes, device, backend
        )
        self._critic = BatchedPart(
            network.critic, (capacity, wholes, CRITIC_OUTPUTS), sizes, device, backend
        )
        self._standing: BatchedPart | None = None
        if network.standing is not None:
            shape = STANDING_ROWS, STANDING_FEATURES, SHARE_OUTPUTS
            # On a CPU this small part runs from Python: it does not describe its layers.
            planned_by = backend if device.type == "cuda" else None
            self._standing = BatchedPart(network.standing, shape, sizes, device, planned_by)
        self._encode_views = encode_game_views if in_games else encode_rows
        self._encode_wholes = encode_game_wholes if in_games else encode_whole_rows
        self._priors = np.zeros((capacity, MAX_LEGAL), np.float32)
        self._values = np.zeros((capacity, MAX_PLAYERS), np.float32)
        self._forecasts = np.zeros((capacity, TRICK_COUNTS), np.float32)
        self._bids = np.zeros((capacity, MAX_PLAYERS), np.int64)
        self._exact = np.zeros((capacity, MAX_PLAYERS), np.float32)
        self._passes: Passes | None = None
        if backend is not None:
            self._passes = Passes(
                backend.handles,
                backend.steps_at_once,
                self._actor.passes,
                self._critic.passes,
                self._priors,
                self._values,
                in_games or None,
            )

    def priors(self, states: State) -> Priors:
        """See `Evaluator`."""
        priors = self._priors[: self._checked(states)]
        decode_prior_rows(states, self._actor.passes.slots, self._act(states), priors)
        return priors

    def values(self, states: State) -> Values:
        """See `Evaluator`."""
        count = self._checked(states)
        values = self._values[:count]
        decode_value_rows(states, self._judge(states), values)
        return values

    def evaluate(self, acting: State, judged: State) -> tuple[Priors, Values]:
        """See `Evaluator`."""
        acts, judges = self._checked(acting), self._checked(judged)
        passes = self.passes(acts, judges)
        if passes is None:
            return self.priors(acting), self.values(judged)
        check(evaluate_once(passes, acting, judged))
        return self._priors[:acts], self._values[:judges]

    def passes(self, acts: int, judges: int) -> Passes | None:
        """See `Evaluator`."""
        if self._backend is None:
            return None
        self._backend.attach()
        self._actor.plan(acts)
        self._critic.plan(judges)
        return self._passes

    @property
    def counted(self) -> tuple[PartPasses, PartPasses]:
        """Buffers and counters of actor and critic."""
        return self._actor.passes, self._critic.passes

    def chances(self, states: State) -> tuple[Bids, Values]:
        """See `Evaluator`."""
        count = self._checked(states)
        bids, exact = self._bids[:count], self._exact[:count]
        decode_chance_rows(states, self._judge(states), bids, exact)
        return bids, exact

    def standings(self, states: State) -> Values:
        """See `Evaluator`; for a network that sees games."""
        standing = self._standing
        assert standing is not None, "this network does not see games"
        shares = np.empty((len(states), MAX_PLAYERS), np.float32)
        for begin in range(0, len(states), STANDING_ROWS):
            some = states[begin : begin + STANDING_ROWS]
            encode_standing_rows(some, standing.passes.rows)
            decode_share_rows(some, standing.evaluate(len(some)), shares[begin : begin + len(some)])
        return shares

    def forecasts(self, states: State) -> tuple[Priors, Values]:
        """Return priors, and `[rows, TRICK_COUNTS]`: P(exact) by bid; see `decode_exact_rows`."""
        count = self._checked(states)
        priors, exact = self._priors[:count], self._forecasts[:count]
        outputs = self._act(states)
        decode_prior_rows(states, self._actor.passes.slots, outputs, priors)
        decode_exact_rows(states, outputs[:, ACTION_COUNT:], exact)
        return priors, exact

    def _act(self, states: State) -> Outputs:
        self._encode_views(states, self._actor.passes.rows, self._actor.passes.slots)
        return self._actor.evaluate(len(states))

    def _judge(self, states: State) -> Outputs:
        self._encode_wholes(states, self._critic.passes.rows, self._critic.passes.slots)
        return self._critic.evaluate(len(states))

    def _checked(self, states: State) -> int:
        # Kernels do not check bounds: they would write past the buffers.
        if len(states) > len(self._priors):
            raise ValueError(
                f"this evaluator has room for {len(self._priors)} rows, not {len(states)}"
            )
        return len(states)


def choose_device(wanted: str) -> torch.device:
    """Return the device for `auto`, `cpu` or `cuda`.

    Raises:
        ValueError: `cuda` is wanted and torch sees no CUDA device.
    """
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            "--device cuda: this torch sees no CUDA device; use --device cpu, or install a CUDA "
            "build as the README says"
        )
    return torch.device(wanted)


def gpu_uuid(device: torch.device) -> str | None:
    """Return the card's id in NVIDIA's tools, `GPU-…`; None for another device."""
    if device.type != "cuda":
        return None
    return f"GPU-{torch.cuda.get_device_properties(device).uuid}"


def use_one_thread() -> None:
    """Run torch on one core in this process: each worker has its own.

    Split over threads, a row's last bits would depend on how many there are.
    """
    torch.set_num_threads(1)
