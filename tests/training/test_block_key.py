"""The key of a finished block is stable, and changes with everything that a block follows from."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch

from blobmaster.cluster.hosts import host_facts
from blobmaster.config.compose import Tables, compose
from blobmaster.training import block_key as module
from blobmaster.training.block_key import block_key

CPU = torch.device("cpu")
BASE: Tables = {"inference": {"number_format": "fp32"}, "run": {"seed": 7}}
WEIGHTS = {"w": torch.arange(6.0).reshape(2, 3), "b": torch.ones(2)}


def key(
    changes: Tables | None = None,
    weights: dict[str, torch.Tensor] = WEIGHTS,
    iteration: int = 0,
    device: torch.device = CPU,
) -> str:
    return block_key(weights, compose(BASE, changes or {}), iteration, device)


def test_the_key_is_equal_in_another_process() -> None:
    code = "import test_block_key; print(test_block_key.key())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=__file__.rsplit("/", 1)[0],
        env={"PYTHONHASHSEED": "1", "PYTHONPATH": ":".join(sys.path)},
    )
    assert done.stdout.strip() == key()  # whose hash seed is random


def test_the_order_of_a_table_does_not_change_the_key() -> None:
    shares: dict[Any, float] = {4: 0.25, 5: 0.75}
    mirrored = dict(reversed(shares.items()))
    assert key({"rounds": {"players": shares}}) == key({"rounds": {"players": mirrored}})


@pytest.mark.parametrize(
    "changes",
    [
        {"run": {"seed": 8}},
        {"run": {"training_on": "games"}},
        {"rounds": {"longest_only": True}},
        {"self_play": {"rounds": 2001}},
        {"self_play": {"policy_step": 9.0}},
        {"self_play": {"lanes": 64}},
        {"self_play": {"decide_by": "search"}},
        {"inference": {"number_format": "bf16"}},
        {"curriculum": {"enabled": True}, "self_play": {"rounds_per_block": 64}},
    ],
)
def test_the_key_changes_with_each_setting_of_self_play(changes: Tables) -> None:
    assert key(changes) != key()


def test_the_key_changes_with_weights_and_device(monkeypatch: pytest.MonkeyPatch) -> None:
    other = WEIGHTS | {"b": torch.tensor([1.0, 1.0000001])}
    assert key(weights=other) != key()
    assert key(weights={"w": WEIGHTS["w"]}) != key()
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "a GPU")
    with_gpu = key(device=torch.device("cuda"))
    assert with_gpu != key()
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "another GPU")
    assert key(device=torch.device("cuda")) != with_gpu


@pytest.mark.parametrize("changed", ["cpu", "torch", "numba", "blobmaster", "kernels"])
def test_the_key_changes_with_the_code_and_the_processor_and_not_with_the_hosts_name(
    monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    before, facts = key(), host_facts()
    monkeypatch.setattr(module, "host_facts", lambda: facts._replace(name="elsewhere"))
    assert key() == before
    monkeypatch.setattr(module, "host_facts", lambda: facts._replace(**{changed: "another"}))
    assert key() != before


def test_with_search_the_key_changes_with_its_settings_and_its_growth() -> None:
    by_search: Tables = {"self_play": {"decide_by": "search"}, "curriculum": {"enabled": True}}
    assert key(by_search, iteration=49) != key(by_search, iteration=50)
    assert key(by_search) != key({**by_search, "search": {"exploration": 2.0}})


@pytest.mark.parametrize(
    "changes",
    [
        {"run": {"iterations": 9, "workers": 3, "blocks_per_worker": 2, "save_every": 4}},
        {"learning": {"batch": 99, "window": 10}},
        {"rating": {"deals": 20}},
        {"self_play": {"games": 77}},
        {"search": {"worlds": 5, "exploration": 2.0}},
    ],
)
def test_the_key_ignores_settings_that_change_no_block(changes: Tables) -> None:
    assert key(changes) == key()
