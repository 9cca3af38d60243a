"""Evaluates states with a network: encode, forward, decode."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from blobmaster.config.network import NetworkSettings
from blobmaster.game.cards import MAX_PLAYERS, SUITS
from blobmaster.game.rules import ACTION_COUNT, MAX_LEGAL, State
from blobmaster.inference.compiled import UNRECORDED, PartPasses, Passes, Records, answer, graph_of
from blobmaster.inference.cpu_plans import programs_for
from blobmaster.inference.cuda_graphs import NOTHING, Forward, check, replay
from blobmaster.inference.precision import Parts
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

Priors = npt.NDArray[np.float32]
Values = npt.NDArray[np.float32]
Bids = npt.NDArray[np.int64]
Outputs = npt.NDArray[np.float32]

STANDING_ROWS = 4096
"""Rows of standings that are evaluated at once."""

_BYTES_A_ROW = 4 * (
    VIEW_FEATURES
    + GAME_WHOLE_FEATURES
    + ACTOR_OUTPUTS
    + CRITIC_OUTPUTS
    + MAX_LEGAL
    + 2 * MAX_PLAYERS
    + TRICK_COUNTS
) + 8 * (2 * SUITS + MAX_PLAYERS)
"""What an evaluator's own arrays take for each row of its capacity, of games and with passes
recorded."""

_INPUTS, _OUTPUTS = VIEW_FEATURES + GAME_WHOLE_FEATURES, ACTOR_OUTPUTS + CRITIC_OUTPUTS

ROUND_SIZE = 8
"""Where batches are padded, it is to multiples of this: vectors and tiles are filled anyway."""


def bytes_a_row(network: NetworkSettings) -> int:
    """What an evaluator holds at most for each row of its capacity, whatever it is made in: its
    arrays, and what programs work in: three times the stream, and the rows copied."""
    return _BYTES_A_ROW + 4 * (3 * network.width + _INPUTS + _OUTPUTS)


class _Part:
    """One part of the network, and the rows that it is asked."""

    def __init__(
        self,
        forward: Forward,
        shape: tuple[int, int, int],
        sizes: int | None,
        device: torch.device,
        recorder: Records | None,
    ) -> None:
        """Args:
        forward: what is asked.
        shape: rows at most, inputs and outputs.
        sizes: how many sizes of batches there are to be at most; None for all.
        device: where it runs.
        recorder: records its passes, or None.
        """
        rows, inputs, outputs = shape
        pinned = device.type == "cuda"
        self._forward = forward
        self._device = device
        self._recorder = recorder
        self._rows = torch.zeros(rows, inputs, pin_memory=pinned)
        self._batches: dict[int, torch.Tensor] = {}
        self._inference = torch.inference_mode()
        recorded = rows if recorder else 0
        self._outputs = torch.zeros(recorded, outputs, pin_memory=pinned)
        step = 1 if sizes is None else step_of(rows, sizes)
        graphs = np.full(1 + -(-recorded // step), UNRECORDED, np.int64)
        graphs[0] = NOTHING
        self.passes = PartPasses(
            step=step,
            graphs=graphs,
            rows=self._rows.numpy(),
            slots=np.zeros((rows, SUITS), np.int64),
            outputs=self._outputs.numpy(),
            asked=np.zeros(2, np.int64),
        )

    def record(self, count: int) -> int:
        """The graph of so many rows, recorded now where it was not."""
        graph = graph_of(self.passes, count)
        if graph == UNRECORDED:
            assert self._recorder is not None
            size = padded(count, self.passes.step, len(self._rows))
            graph = self._recorder.graph(self._forward, self._rows[:size], self._outputs[:size])
            self.passes.graphs[-(-count // self.passes.step)] = graph
        return graph

    def answer(self, count: int) -> Outputs:
        """The outputs of the first `count` rows."""
        self.passes.asked[0] += count
        self.passes.asked[1] += count > 0
        if self._recorder is not None:
            self._recorder.attach()
            check(replay(self._recorder.handles, self.record(count)))
            return self.passes.outputs[:count]
        if count == 0:
            return np.zeros((0, self._outputs.shape[1]), np.float32)
        batch = self._batch(count).to(self._device, non_blocking=True)
        with self._inference:
            outputs: Outputs = self._forward(batch).cpu().numpy()
        return outputs[:count]

    def _batch(self, count: int) -> torch.Tensor:
        """The rows that are evaluated for `count`; cut once, as torch takes its time for it."""
        size = padded(count, self.passes.step, len(self._rows))
        batch = self._batches.get(size)
        if batch is None:
            batch = self._batches[size] = self._rows[:size]
        return batch


class NetworkEvaluator:
    """Priors by the actor and values by the critic, in batches of up to `capacity` rows.

    It owns its buffers, so each worker thread has its own; the network's weights are shared. What
    a method returns is overwritten by its next call. Rows start at the buffer's first, 64-byte
    aligned by torch: a row's result then depends on the batch's size and the capacity alone, never
    on where numpy happened to put an array.

    All methods raise `ValueError` for more rows than `capacity`, and take `[rows, STATE]`.
    """

    def __init__(
        self,
        network: Parts,
        capacity: int,
        device: torch.device,
        *,
        recorder: Records | None = None,
    ) -> None:
        """Args:
        network: on `device`.
        capacity: the most rows of a call.
        device: where it runs.
        recorder: records each forward pass, to be replayed, which pays on a GPU from some ten calls
            of each size on. On a CPU passes are programs without one. Either way the network's
            weights must stay where they are in memory.
        """
        if recorder is None:
            recorder = programs_for(device, capacity, network.actor, network.critic)
        self._recorder = recorder
        sizes = recorder.sizes_at_most if recorder else None
        in_games = network.sees_games
        views, wholes = FEATURES, WHOLE_FEATURES
        if in_games:
            views, wholes = VIEW_FEATURES, GAME_WHOLE_FEATURES
        self._actor = _Part(
            network.actor, (capacity, views, ACTOR_OUTPUTS), sizes, device, recorder
        )
        self._critic = _Part(
            network.critic, (capacity, wholes, CRITIC_OUTPUTS), sizes, device, recorder
        )
        self._standing: _Part | None = None
        if network.standing is not None:
            shape = STANDING_ROWS, STANDING_FEATURES, SHARE_OUTPUTS
            records = recorder if device.type == "cuda" else None
            self._standing = _Part(network.standing, shape, sizes, device, records)
        self._encode_views = encode_game_views if in_games else encode_rows
        self._encode_wholes = encode_game_wholes if in_games else encode_whole_rows
        self._priors = np.zeros((capacity, MAX_LEGAL), np.float32)
        self._values = np.zeros((capacity, MAX_PLAYERS), np.float32)
        self._forecasts = np.zeros((capacity, TRICK_COUNTS), np.float32)
        self._bids = np.zeros((capacity, MAX_PLAYERS), np.int64)
        self._exact = np.zeros((capacity, MAX_PLAYERS), np.float32)
        self._passes: Passes | None = None
        if recorder is not None:
            self._passes = Passes(
                recorder.handles,
                recorder.steps_at_once,
                self._actor.passes,
                self._critic.passes,
                self._priors,
                self._values,
                in_games,
            )

    def priors(self, states: State) -> Priors:
        """`[rows, MAX_LEGAL]`, in the order of `legal_actions`, as the acting seat sees it."""
        priors = self._priors[: self._checked(states)]
        decode_prior_rows(states, self._actor.passes.slots, self._act(states), priors)
        return priors

    def values(self, states: State) -> Values:
        """`[rows, MAX_PLAYERS]`: each seat's expected points over 10 + cards, all hands known."""
        count = self._checked(states)
        values = self._values[:count]
        decode_value_rows(states, self._judge(states), values)
        return values

    def answer(self, acting: State, judged: State) -> tuple[Priors, Values]:
        """The priors of `acting` and the values of `judged`, which a GPU is asked for together."""
        acts, judges = self._checked(acting), self._checked(judged)
        passes = self.passes(acts, judges)
        if passes is None:
            return self.priors(acting), self.values(judged)
        check(answer(passes, acting, judged))
        return self._priors[:acts], self._values[:judges]

    def passes(self, acts: int, judges: int) -> Passes | None:
        """What compiled code of this thread asks for so many rows; None if it must ask `answer`."""
        if self._recorder is None:
            return None
        self._recorder.attach()
        self._actor.record(acts)
        self._critic.record(judges)
        return self._passes

    @property
    def asked(self) -> tuple[PartPasses, PartPasses]:
        """What actor and critic were asked so far."""
        return self._actor.passes, self._critic.passes

    def chances(self, states: State) -> tuple[Bids, Values]:
        """Each seat's bid, and how likely it is to be exact, all hands known.

        Both are `[rows, MAX_PLAYERS]`; a seat that has not bid is taken to bid what pays best.
        """
        count = self._checked(states)
        bids, exact = self._bids[:count], self._exact[:count]
        decode_chance_rows(states, self._judge(states), bids, exact)
        return bids, exact

    def standings(self, states: State) -> Values:
        """`[rows, MAX_PLAYERS]`: each seat's share of the win, before a state's round is dealt.

        For games, by a network that sees them; any number of rows. A game that is over, its `LEFT`
        -1, is its winners'.
        """
        standing = self._standing
        assert standing is not None, "only a network that sees games is asked"
        shares = np.empty((len(states), MAX_PLAYERS), np.float32)
        for begin in range(0, len(states), STANDING_ROWS):
            some = states[begin : begin + STANDING_ROWS]
            encode_standing_rows(some, standing.passes.rows)
            decode_share_rows(some, standing.answer(len(some)), shares[begin : begin + len(some)])
        return shares

    def forecasts(self, states: State) -> tuple[Priors, Values]:
        """Priors, and `[rows, TRICK_COUNTS]`: P(exact) by bid, as `decode_exact_rows` tells it."""
        count = self._checked(states)
        priors, exact = self._priors[:count], self._forecasts[:count]
        outputs = self._act(states)
        decode_prior_rows(states, self._actor.passes.slots, outputs, priors)
        decode_exact_rows(states, outputs[:, ACTION_COUNT:], exact)
        return priors, exact

    def _act(self, states: State) -> Outputs:
        self._encode_views(states, self._actor.passes.rows, self._actor.passes.slots)
        return self._actor.answer(len(states))

    def _judge(self, states: State) -> Outputs:
        self._encode_wholes(states, self._critic.passes.rows, self._critic.passes.slots)
        return self._critic.answer(len(states))

    def _checked(self, states: State) -> int:
        # A kernel would write past the buffers.
        if len(states) > len(self._priors):
            raise ValueError(
                f"this evaluator has room for {len(self._priors)} rows, not {len(states)}"
            )
        return len(states)


def step_of(capacity: int, sizes: int) -> int:
    """Rows between the sizes of batches, where there are to be so many sizes at most."""
    return ROUND_SIZE * max(-(-capacity // (sizes * ROUND_SIZE)), 1)


def padded(count: int, step: int, capacity: int) -> int:
    """The size of batch in which `count` rows are evaluated."""
    return min(-(-count // step) * step, capacity)


def choose_device(wanted: str) -> torch.device:
    """The device for `auto`, `cpu` or `cuda`.

    Raises:
        ValueError: `cuda` is asked for and torch sees none.
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
    """The card's name for NVIDIA's tools, `GPU-…`; None for another device."""
    if device.type != "cuda":
        return None
    return f"GPU-{torch.cuda.get_device_properties(device).uuid}"


def use_one_thread() -> None:
    """A worker's network runs on its own core: a row's bits must not depend on the others."""
    torch.set_num_threads(1)
