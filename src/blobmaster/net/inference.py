"""Evaluates states with a network: encode, forward, decode."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from blobmaster.game.cards import MAX_PLAYERS, SUITS
from blobmaster.game.rules import ACTION_COUNT, MAX_LEGAL, State
from blobmaster.kernels import kernel
from blobmaster.net.formats import Forward, Parts
from blobmaster.net.game_observation import (
    GAME_WHOLE_FEATURES,
    STANDING_FEATURES,
    VIEW_FEATURES,
    encode_game_views,
    encode_game_wholes,
    encode_standing_rows,
)
from blobmaster.net.observation import FEATURES, WHOLE_FEATURES, encode_rows, encode_whole_rows
from blobmaster.net.prediction import (
    ACTOR_OUTPUTS,
    TRICK_COUNTS,
    decode_chance_rows,
    decode_exact_rows,
    decode_prior_rows,
    decode_share_rows,
    decode_value_rows,
)
from blobmaster.net.recording import Recorder, check, launch, replay, wait

Priors = npt.NDArray[np.float32]
Values = npt.NDArray[np.float32]
Bids = npt.NDArray[np.int64]
Outputs = npt.NDArray[np.float32]

STANDING_ROWS = 4096
"""Rows of standings that are evaluated at once."""

BYTES_A_ROW = 4 * (
    VIEW_FEATURES + GAME_WHOLE_FEATURES + MAX_LEGAL + 2 * MAX_PLAYERS + TRICK_COUNTS
) + 8 * (2 * SUITS + MAX_PLAYERS)
"""What an evaluator holds for each row of its capacity, of games; of rounds it is less."""


SIZES = 64
"""Batches are padded to one of so many sizes at most, where each size costs."""

RECORDED_SIZES = 12
"""The same where each is recorded: that takes memory of the card, which has speed to spare."""

ROUND_SIZE = 8
"""And to multiples of this: vectors and tiles are filled anyway."""


class NetworkEvaluator:
    """Priors by the actor and values by the critic, in batches of up to `capacity` rows.

    It owns its buffers, so each worker thread has its own; the network's weights are shared. What
    a method returns is overwritten by its next call. Rows start at the buffer's first, 64-byte
    aligned by torch: a row's result then depends on the batch's size and the capacity alone, never
    on where numpy happened to put an array.

    All methods raise `ValueError` for more rows than `capacity`, and take `[rows, STATE]`.
    """

    def __init__(
        self, network: Parts, capacity: int, device: torch.device, *, records: bool = False
    ) -> None:
        """Args:
        network: on `device`.
        capacity: the most rows of a call.
        device: where it runs.
        records: on a GPU, record each forward pass and replay it, which pays from some ten calls
            of each size on. The network's weights must then stay where they are in memory.
        """
        self._network = network
        self._device = device
        self._pinned = device.type == "cuda"
        self._recorder = Recorder(device) if records and self._pinned else None
        self._sizes = RECORDED_SIZES if self._recorder else SIZES if network.pads else None
        in_games = network.sees_games
        self._encode_views = encode_game_views if in_games else encode_rows
        self._encode_wholes = encode_game_wholes if in_games else encode_whole_rows
        self._views = self._buffer(capacity, VIEW_FEATURES if in_games else FEATURES)
        self._wholes = self._buffer(capacity, GAME_WHOLE_FEATURES if in_games else WHOLE_FEATURES)
        self._standings = self._buffer(STANDING_ROWS if in_games else 0, STANDING_FEATURES)
        self._slots = np.zeros((capacity, SUITS), np.int64)
        self._whole_slots = np.zeros((capacity, SUITS), np.int64)
        self._priors = np.zeros((capacity, MAX_LEGAL), np.float32)
        self._values = np.zeros((capacity, MAX_PLAYERS), np.float32)
        self._forecasts = np.zeros((capacity, TRICK_COUNTS), np.float32)
        self._bids = np.zeros((capacity, MAX_PLAYERS), np.int64)
        self._exact = np.zeros((capacity, MAX_PLAYERS), np.float32)
        self._nothing = np.zeros((0, ACTOR_OUTPUTS), np.float32)

    def _buffer(self, rows: int, width: int) -> torch.Tensor:
        return torch.zeros(rows, width, pin_memory=self._pinned)

    def priors(self, states: State) -> Priors:
        """`[rows, MAX_LEGAL]`, in the order of `legal_actions`, as the acting seat sees it."""
        priors = self._priors[: self._checked(states)]
        decode_prior_rows(states, self._slots, self._act(states), priors)
        return priors

    def values(self, states: State) -> Values:
        """`[rows, MAX_PLAYERS]`: each seat's expected points over 10 + cards, all hands known."""
        count = self._checked(states)
        values = self._values[:count]
        decode_value_rows(states, self._judge(states), values)
        return values

    def answer(self, acting: State, judged: State) -> tuple[Priors, Values]:
        """The priors of `acting` and the values of `judged`, which a GPU is asked for together."""
        if self._recorder is None:
            return self.priors(acting), self.values(judged)
        acts, judges = self._checked(acting), self._checked(judged)
        priors, values = self._priors[:acts], self._values[:judges]
        actor = self._recorder.recording(self._network.actor, self._batch(self._views, acts))
        critic = self._recorder.recording(self._network.critic, self._batch(self._wholes, judges))
        code = _answer(
            self._recorder.handles,
            actor.graph,
            critic.graph,
            acting,
            judged,
            self._views.numpy(),
            self._wholes.numpy(),
            self._slots,
            self._whole_slots,
            actor.outputs,
            critic.outputs,
            priors,
            values,
            self._network.sees_games,
        )
        check(code)
        return priors, values

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
        standing = self._network.standing
        assert standing is not None, "only a network that sees games is asked"
        shares = np.empty((len(states), MAX_PLAYERS), np.float32)
        for begin in range(0, len(states), len(self._standings)):
            some = states[begin : begin + len(self._standings)]
            encode_standing_rows(some, self._standings.numpy())
            outputs = self._forward(standing, self._standings, len(some))
            decode_share_rows(some, outputs, shares[begin : begin + len(some)])
        return shares

    def forecasts(self, states: State) -> tuple[Priors, Values]:
        """Priors, and `[rows, TRICK_COUNTS]`: P(exact) by bid, as `decode_exact_rows` tells it."""
        count = self._checked(states)
        priors, exact = self._priors[:count], self._forecasts[:count]
        outputs = self._act(states)
        decode_prior_rows(states, self._slots, outputs, priors)
        decode_exact_rows(states, outputs[:, ACTION_COUNT:], exact)
        return priors, exact

    def _batch(self, rows: torch.Tensor, count: int) -> torch.Tensor:
        """The first `count` rows of a buffer, and those that pad them."""
        size = count if self._sizes is None else padded(count, len(rows), self._sizes)
        return rows[:size]

    def _act(self, states: State) -> Outputs:
        self._encode_views(states, self._views.numpy(), self._slots)
        return self._forward(self._network.actor, self._views, len(states))

    def _judge(self, states: State) -> Outputs:
        self._encode_wholes(states, self._wholes.numpy(), self._slots)
        return self._forward(self._network.critic, self._wholes, len(states))

    def _checked(self, states: State) -> int:
        # A kernel would write past the buffers.
        if len(states) > len(self._priors):
            raise ValueError(
                f"this evaluator has room for {len(self._priors)} rows, not {len(states)}"
            )
        return len(states)

    def _forward(self, part: Forward, rows: torch.Tensor, count: int) -> Outputs:
        """The outputs of the first `count` rows of a buffer."""
        if count == 0:
            return self._nothing
        asked = self._batch(rows, count)
        if self._recorder is not None:
            return replay(self._recorder, self._recorder.recording(part, asked))[:count]
        with torch.inference_mode():
            there = asked.to(self._device, non_blocking=self._pinned)
            outputs: Outputs = part(there).cpu().numpy()
        return outputs[:count]


@kernel
def _answer(
    handles: npt.NDArray[np.int64],
    actor: int,
    critic: int,
    acting: State,
    judged: State,
    views: Outputs,
    wholes: Outputs,
    slots: npt.NDArray[np.int64],
    whole_slots: npt.NDArray[np.int64],
    acted: Outputs,
    said: Outputs,
    priors: Priors,
    values: Values,
    in_games: bool,
) -> int:
    """Encode, replay both passes and decode without Python between; the driver's code.

    The GPU acts while the rows to be judged are encoded.
    """
    if in_games:
        encode_game_views(acting, views, slots)
    else:
        encode_rows(acting, views, slots)
    code = launch(handles, actor)
    if in_games:
        encode_game_wholes(judged, wholes, whole_slots)
    else:
        encode_whole_rows(judged, wholes, whole_slots)
    if code == 0:
        code = launch(handles, critic)
    if code == 0:
        code = wait(handles)
    if code == 0:
        decode_prior_rows(acting, slots, acted, priors)
        decode_value_rows(judged, said, values)
    return code


def padded(count: int, capacity: int, sizes: int) -> int:
    """The size of batch in which `count` rows are evaluated, where there are to be few sizes."""
    step = ROUND_SIZE * -(-capacity // (sizes * ROUND_SIZE))
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
