"""Fields of `status.json`: the training loop's metrics under their documented names."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

log = logging.getLogger(__name__)

UNKNOWN = "unknown"

NUMBERS = {
    "elo": "current_elo",
    "elo_change": "elo_change",
    "learning_rate": "learning_rate",
    "loss": "avg_total_loss",
    "policy_loss": "avg_policy_loss",
    "value_loss": "avg_value_loss",
    "training_units_generated": "training_units_generated",
    "pi_target_tau": "pi_target_tau",
}
"""Number fields of the status, and the metrics that they show."""

WORDS = {"phase": "phase", "unit_type": "unit_type"}
"""Text fields of the status, and the metrics that they show."""


@runtime_checkable
class HasDecisions(Protocol):
    """Settings that describe the policy of self-play, with or without search."""

    def decides_by(self, iteration: int) -> str:
        """Describe the policy of an iteration (0-based), in words or as `3×35`."""
        ...


@runtime_checkable
class HasSearchParameters(Protocol):
    """Settings whose search grows over the iterations."""

    def get_mcts_params(self, iteration: int) -> tuple[int, int]:
        """Return the worlds and the simulations per world of an iteration (0-based)."""
        ...


class StatusWriter:
    """Publishes the metrics of a training loop as fields of the status."""

    def __init__(self, publish: Callable[[Mapping[str, Any]], None]) -> None:
        self._publish = publish

    def update(
        self,
        iteration: int,
        total_iterations: int,
        metrics: Mapping[str, Any],
        config: Mapping[str, Any] | object,
    ) -> dict[str, Any]:
        """Publish and return `status_fields` of the same arguments."""
        fields = status_fields(iteration, total_iterations, metrics, config)
        self._publish(fields)
        return fields


def status_fields(
    iteration: int,
    total_iterations: int,
    metrics: Mapping[str, Any],
    config: Mapping[str, Any] | object,
) -> dict[str, Any]:
    """Return the documented fields, and every other metric under its own name.

    A metric that is missing is null. One that is malformed is null too, and logged: training must
    not end because of a figure.

    Args:
        iteration: 0-based.
        total_iterations: of the run; an iteration beyond it is logged.
        metrics: such as `current_elo` and `avg_total_loss`.
        config: a mapping or an object that has `decides_by(iteration)`,
            `get_mcts_params(iteration)`, or `num_determinizations` and
            `simulations_per_determinization`.
    """
    if not 0 <= iteration < total_iterations:
        log.warning("status: iteration %s is outside the run's %s", iteration, total_iterations)
    fields: dict[str, Any] = {}
    for field, metric in NUMBERS.items():
        fields[field] = _number(metric, metrics.get(metric))
    for field, metric in WORDS.items():
        fields[field] = _word(metric, metrics.get(metric))
    fields["mcts_config"] = _search_size(iteration, config)
    documented = {*NUMBERS.values(), *WORDS.values()}
    for name, value in metrics.items():
        if name not in documented:
            fields[name] = _number(name, value) if isinstance(value, float) else value
    return fields


def _number(name: str, value: object) -> float | int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        log.warning("status: left out %s, since %r is not a finite number", name, value)
        return None
    return value


def _word(name: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    log.warning("status: left out %s, since %r is not text", name, value)
    return None


def _search_size(iteration: int, config: Mapping[str, Any] | object) -> str:
    """Return the search as `3×35`, `lookahead` without search, or `unknown`."""
    if isinstance(config, HasDecisions):
        return config.decides_by(iteration)
    try:
        if isinstance(config, HasSearchParameters):
            worlds, simulations = config.get_mcts_params(iteration)
        else:
            fields = config if isinstance(config, Mapping) else vars(config)
            worlds = fields["num_determinizations"]
            simulations = fields["simulations_per_determinization"]
    except (KeyError, TypeError, ValueError) as error:
        log.warning("status: the config does not give the size of the search: %r", error)
        return UNKNOWN
    return f"{worlds}×{simulations}"
