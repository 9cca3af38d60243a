"""The fields of the status that follow from a loop's metrics, also from malformed ones."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from blobmaster.config.compose import compose
from blobmaster.training.metrics import status_fields

BY_SEARCH = compose({"self_play": {"decide_by": "search"}})
METRICS = {
    "current_elo": 1052.5,
    "elo_change": -3.0,
    "avg_total_loss": 1.9,
    "avg_policy_loss": 1.2,
    "avg_value_loss": 0.7,
    "learning_rate": 1e-3,
    "training_units_generated": 2000,
    "unit_type": "rounds",
    "phase": "rounds",
    "pi_target_tau": 0.9,
}


def published(metrics: dict[str, Any], config: Any = None) -> dict[str, Any]:
    """Return the fields of the status."""
    return status_fields(3, 500, metrics, BY_SEARCH if config is None else config)


def test_metrics_appear_under_their_documented_names() -> None:
    assert published(METRICS) == {
        "elo": 1052.5,
        "elo_change": -3.0,
        "learning_rate": 1e-3,
        "loss": 1.9,
        "policy_loss": 1.2,
        "value_loss": 0.7,
        "training_units_generated": 2000,
        "pi_target_tau": 0.9,
        "phase": "rounds",
        "unit_type": "rounds",
        "mcts_config": "3×35",
    }


def test_missing_metrics_become_null() -> None:
    seen = published({})
    assert seen.pop("mcts_config") == "3×35"
    assert len(seen) == 10
    assert set(seen.values()) == {None}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "high", [1], True])
def test_malformed_metrics_become_null_and_a_log_line(
    value: object, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        seen = published({**METRICS, "avg_total_loss": value})
    assert seen["loss"] is None
    assert seen["policy_loss"] == 1.2
    assert "avg_total_loss" in caplog.text


def test_other_metrics_keep_their_names() -> None:
    assert published({**METRICS, "exact_vs_random": 0.4})["exact_vs_random"] == 0.4


class Old:
    """A config object with plain fields."""

    def __init__(self) -> None:
        self.num_determinizations = 4
        self.simulations_per_determinization = 45


@pytest.mark.parametrize(
    ("config", "size"),
    [
        ({"num_determinizations": 5, "simulations_per_determinization": 50}, "5×50"),
        (Old(), "4×45"),
        ({}, "unknown"),
        (object(), "unknown"),
        (compose({"self_play": {"decide_by": "lookahead"}}), "lookahead"),
        (BY_SEARCH, "3×35"),
        ({"num_determinizations": 5}, "unknown"),
    ],
)
def test_the_search_size_is_read_from_any_config(config: object, size: str) -> None:
    assert published(METRICS, config)["mcts_config"] == size
