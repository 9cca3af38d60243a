"""A snapshot keeps its bits while training changes the state."""

from __future__ import annotations

import io

import numpy as np
import torch

from blobmaster.training.snapshot import as_arrays, as_tensors, copied


def state_of(value: float) -> dict[str, object]:
    """A state like a learner's: tensors in dictionaries, lists and tuples, and plain values."""
    return {
        "weights": {"w": torch.full((3, 2), value)},
        "groups": [{"lr": value, "betas": (0.9, 0.999), "step": torch.tensor(value)}],
        "steps": int(value),
    }


def test_a_snapshot_keeps_its_bits_while_the_state_moves_on() -> None:
    state = state_of(1.0)
    snapshot = copied(state)
    state["weights"]["w"].add_(5.0)
    state["groups"][0]["lr"] = 9.0
    assert torch.equal(snapshot["weights"]["w"], torch.full((3, 2), 1.0))
    assert snapshot["groups"] == state_of(1.0)["groups"]


def test_a_second_snapshot_is_written_into_the_memory_of_the_first() -> None:
    first = copied(state_of(1.0))
    place = first["weights"]["w"].data_ptr()
    second = copied(state_of(2.0), into=first)
    assert second["weights"]["w"].data_ptr() == place
    assert torch.equal(second["weights"]["w"], torch.full((3, 2), 2.0))
    assert second["groups"] == state_of(2.0)["groups"]
    assert second["steps"] == 2


def test_memory_that_no_longer_fits_is_not_used() -> None:
    first = copied({"w": torch.zeros(2), "n": [torch.zeros(1)]})
    second = copied(
        {"w": torch.ones(3), "n": [torch.ones(1), torch.ones(1)], "new": torch.ones(1)},
        into=first,
    )
    assert torch.equal(second["w"], torch.ones(3))
    assert [tensor.item() for tensor in second["n"]] == [1.0, 1.0]
    assert torch.equal(second["new"], torch.ones(1))


def test_a_snapshot_never_shares_memory_with_the_living_state() -> None:
    state = {"w": torch.ones(4)}
    snapshot = copied(state, into=state)
    state["w"].zero_()
    assert torch.equal(snapshot["w"], torch.ones(4))


def test_arrays_come_back_from_a_file_without_pickled_code() -> None:
    state = {"data": np.arange(5, dtype=np.uint8), "names": ["a"], "deep": {"x": np.eye(2)}}
    file = io.BytesIO()
    torch.save(as_tensors(state), file)
    file.seek(0)
    back = as_arrays(torch.load(file, weights_only=True))
    assert np.array_equal(back["data"], state["data"])
    assert back["data"].dtype == np.uint8
    assert np.array_equal(back["deep"]["x"], np.eye(2))
    assert back["names"] == ["a"]
