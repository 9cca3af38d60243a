"""Fields of `status.json`: the training loop's metrics under their documented names."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import Any

log = logging.getLogger(__name__)

UNKNOWN = "unknown"

SIZE = ("num_determinizations", "simulations_per_determinization")
"""Keys or attributes of a config that hold worlds and simulations per world."""

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


def status_fields(
    iteration: int | None,
    total_iterations: int | None,
    metrics: Mapping[str, Any],
    config: object,
) -> dict[str, Any]:
    """Return the documented fields, and every other metric under its own name.

    A metric that is missing is null. One that is malformed is null too, and logged: training must
    not end because of a figure.

    Args:
        iteration: 0-based; None if unknown.
        total_iterations: of the run; an iteration beyond it is logged. None if unknown.
        metrics: such as `current_elo` and `avg_total_loss`.
        config: a mapping or an object that has `decides_by(iteration)`,
            `get_mcts_params(iteration)`, or `num_determinizations` and
            `simulations_per_determinization`, or nothing at all; or None.
    """
    total = total_iterations
    if iteration is not None and total is not None and not 0 <= iteration < total:
        log.warning("status: iteration %s is outside the run's %s", iteration, total)
    fields: dict[str, Any] = {}
    for field, metric in NUMBERS.items():
        fields[field] = _number(metric, metrics.get(metric))
    for field, metric in WORDS.items():
        fields[field] = _word(metric, metrics.get(metric))
    fields["mcts_config"] = search_size(iteration, config)
    documented = {*NUMBERS.values(), *WORDS.values()}
    for name, value in metrics.items():
        if name not in documented:
            fields[name] = _number(name, value) if isinstance(value, float) else value
    return fields


def whole_number(name: str, value: object) -> int | None:
    """Return a count as a plain int, also one of numpy or torch; None if it is no whole number.

    A value that is left out is logged.
    """
    number = _plain_number(value)
    if number is not None and number == int(number):
        return int(number)
    log.warning("status: left out %s, since %r is not a whole number", name, value)
    return None


def _number(name: str, value: object) -> float | int | None:
    number = _plain_number(value)
    if value is not None and number is None:
        log.warning("status: left out %s, since %r is not a finite number", name, value)
    return number


def _plain_number(value: Any) -> float | int | None:
    """Return a finite number that JSON can hold, also of numpy or torch; None for anything else."""
    if value is None or isinstance(value, bool | str | bytes):
        return None
    try:
        number = value if isinstance(value, int) else float(value)
        is_small = isinstance(number, float) or abs(number) < 2**63
        return number if math.isfinite(number) and is_small else None
    except (TypeError, ValueError, OverflowError, RuntimeError):  # RuntimeError: torch's, of arrays
        return None


def _word(name: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    log.warning("status: left out %s, since %r is not text", name, value)
    return None


def search_size(iteration: int | None, config: object) -> str:
    """Return the search as `3×35`, `lookahead` without search, or `unknown`.

    Args:
        iteration: 0-based; None if unknown.
        config: see `status_fields`.
    """
    if config is None:
        return UNKNOWN
    decides_by = look_up(config, "decides_by")
    get_parameters = look_up(config, "get_mcts_params")
    try:
        if callable(decides_by):
            return str(decides_by(iteration))
        worlds, simulations = (
            get_parameters(iteration)
            if callable(get_parameters)
            else (look_up(config, name) for name in SIZE)
        )
        return f"{int(worlds)}×{int(simulations)}"
    except Exception as error:  # noqa: BLE001 (the callables are the user's and raise what they like)
        log.warning("status: the config does not give the size of the search: %r", error)
        return UNKNOWN


def look_up(config: object, name: str) -> Any:
    """Return a key of a mapping or an attribute of an object; None if there is none."""
    return config.get(name) if isinstance(config, Mapping) else getattr(config, name, None)
