"""Snapshots of a state: deep copies that a thread writes while training goes on."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch


def copied(state: Any, into: Any = None) -> Any:
    """Return a deep copy of a state with all tensors on the CPU.

    Args:
        state: dictionaries, lists and tuples of tensors and plain values.
        into: an earlier copy that is no longer needed. Tensors of equal shape are written into its
            memory, since copying into newly allocated pages takes three times as long.
    """
    if isinstance(state, torch.Tensor):
        return _copied_tensor(state.detach(), into)
    if isinstance(state, dict):
        old = into if isinstance(into, dict) else {}
        return {key: copied(item, old.get(key)) for key, item in state.items()}
    if isinstance(state, list | tuple):
        places = into if isinstance(into, list | tuple) and len(into) == len(state) else state
        return type(state)(copied(item, place) for item, place in zip(state, places, strict=True))
    return state


def _copied_tensor(tensor: torch.Tensor, into: Any) -> torch.Tensor:
    # `data_ptr`: a caller that passes the state itself as `into` must still get a copy.
    fits = (
        isinstance(into, torch.Tensor)
        and into.data_ptr() != tensor.data_ptr()
        and into.device.type == "cpu"
        and (into.shape, into.dtype) == (tensor.shape, tensor.dtype)
    )
    return into.copy_(tensor) if fits else tensor.to("cpu", copy=True)


def as_tensors(state: Any) -> Any:
    """Return a state with its arrays as tensors that share their memory.

    `torch.load(weights_only=True)` refuses pickled numpy arrays.
    """
    if isinstance(state, np.ndarray):
        return torch.from_numpy(state)
    if isinstance(state, dict):
        return {key: as_tensors(item) for key, item in state.items()}
    if isinstance(state, list | tuple):
        return [as_tensors(item) for item in state]
    return state


def as_arrays(state: Any) -> Any:
    """Return a state with its tensors as arrays that share their memory; undoes `as_tensors`."""
    if isinstance(state, torch.Tensor):
        return state.numpy()
    if isinstance(state, dict):
        return {key: as_arrays(item) for key, item in state.items()}
    if isinstance(state, list):
        return [as_arrays(item) for item in state]
    return state
