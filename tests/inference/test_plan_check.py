"""A torch whose C functions compute something else: its results are noticed and not used."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from number_formats import skip_unless_possible
from positions import RandomRound

from blobmaster.config.network import NetworkSettings
from blobmaster.inference import cpu_program
from blobmaster.inference.cpu_plans import can_plan, computes_as_torch
from blobmaster.inference.evaluator import NetworkEvaluator
from blobmaster.inference.precision import convert, evaluations_per_second
from blobmaster.model.network import BlobNetwork, new_network

ADDMM = "aoti_torch_cpu_addmm_out"
INT8 = "aoti_torch_cpu__qlinear_pointwise_binary_tensor"


@pytest.fixture(autouse=True)
def checked_anew() -> Iterator[None]:
    """Forget what this process has found out about torch, before and after."""
    computes_as_torch.cache_clear()
    yield
    computes_as_torch.cache_clear()


def break_function(monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    """Let one of torch's C functions report success and write nothing."""
    right = cpu_program._function
    nothing = cpu_program._nothing.address
    monkeypatch.setattr(
        cpu_program, "_function", lambda name: nothing if name == broken else right(name)
    )


def network() -> BlobNetwork:
    return new_network(NetworkSettings(width=48, blocks=1), 3)


def test_a_float32_product_that_writes_nothing_is_noticed_and_torch_is_called_from_python(
    monkeypatch, caplog
):
    states = RandomRound(5, 4, 5).choices
    parts = network().parts
    expected = NetworkEvaluator(parts, len(states), torch.device("cpu")).values(states).copy()
    computes_as_torch.cache_clear()
    break_function(monkeypatch, ADDMM)
    evaluator = NetworkEvaluator(parts, len(states), torch.device("cpu"))
    assert evaluator.passes(1, 1) is None
    np.testing.assert_allclose(evaluator.values(states), expected, atol=1e-6)
    assert "float32 wrongly through its C functions" in caplog.text


def test_a_bf16_product_that_writes_nothing_is_noticed(monkeypatch, caplog):
    skip_unless_possible("bf16")
    parts = convert(network(), "bf16")
    assert can_plan(parts.critic)
    computes_as_torch.cache_clear()
    break_function(monkeypatch, ADDMM)
    assert not can_plan(parts.critic)
    assert "bfloat16 wrongly" in caplog.text


def test_int8_products_that_write_nothing_are_noticed_and_float32_is_used(monkeypatch, caplog):
    skip_unless_possible("int8")
    break_function(monkeypatch, INT8)
    whole = network()
    assert convert(whole, "int8").critic is whole.critic
    assert caplog.text.count("fp32 is used instead of int8") == 1
    assert set(evaluations_per_second(whole, 8, ["fp32", "int8"])) == {"fp32"}


def test_the_check_is_made_once_in_a_process_and_passes_with_this_torch(caplog):
    assert computes_as_torch(torch.float32)
    assert computes_as_torch(torch.float32)
    assert computes_as_torch.cache_info().misses == 1
    assert caplog.text == ""
