"""Evaluates states with a network: encode, one forward pass, decode."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from blobmaster.game.cards import MAX_PLAYERS, SUITS
from blobmaster.game.rules import MAX_LEGAL, State
from blobmaster.net.model import BlobNetwork
from blobmaster.net.observation import FEATURES, encode_rows
from blobmaster.net.prediction import decode_rows


class NetworkEvaluator:
    """Priors and values of information sets by one network, in batches of up to `capacity` rows.

    It owns its buffers, so each worker thread has its own; the network's weights are shared.
    Rows start at the buffer's first, 64-byte aligned by torch: a row's result then depends on the
    batch's size alone, never on where numpy happened to put an array.
    """

    def __init__(self, network: BlobNetwork, capacity: int, device: torch.device) -> None:
        self._network = network
        self._device = device
        self._pinned = device.type == "cuda"
        self._rows = torch.zeros(capacity, FEATURES, pin_memory=self._pinned)
        self._rows_view = self._rows.numpy()
        self._slots = np.zeros((capacity, SUITS), np.int64)
        self._priors = np.zeros((capacity, MAX_LEGAL), np.float32)
        self._values = np.zeros((capacity, MAX_PLAYERS), np.float32)

    def evaluate(self, states: State) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """See `blobmaster.search.search.Evaluator`; the arrays are overwritten by the next call.

        Raises:
            ValueError: there are more rows than `capacity`; a kernel would write past the buffers.
        """
        count = len(states)
        if count > len(self._priors):
            raise ValueError(f"this evaluator has room for {len(self._priors)} rows, not {count}")
        encode_rows(states, self._rows_view[:count], self._slots[:count])
        decode_rows(states, self._slots[:count], self._forward(count), self._priors, self._values)
        return self._priors[:count], self._values[:count]

    def _forward(self, count: int) -> npt.NDArray[np.float32]:
        with torch.inference_mode():
            rows = self._rows[:count].to(self._device, non_blocking=self._pinned)
            outputs: npt.NDArray[np.float32] = self._network(rows).cpu().numpy()
        return outputs


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


def use_one_thread() -> None:
    """A worker's network runs on its own core: a row's bits must not depend on the others."""
    torch.set_num_threads(1)
