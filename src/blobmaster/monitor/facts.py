"""The run's own figures as labels and texts: fields known by name first, all others as they come.

A run need have none of the known ones: a plain training loop that publishes only `loss` shows that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from blobmaster.monitor.text import words

Metrics = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One figure: what it is called and what it is now."""

    label: str
    text: str


def facts(metrics: Metrics) -> tuple[Fact, ...]:
    """Everything that the loop publishes, in reading order."""
    known = tuple(
        Fact(label=label, text=words.clean(text(metrics), 120))
        for label, names, text in _KNOWN
        if any(name in metrics for name in names)
    )
    used = {name for _, names, _ in _KNOWN for name in names}
    others = tuple(
        Fact(
            label=words.clean(words.label(name), 40),
            text=words.clean(_plain(value) + _interval(name, metrics), 120),
        )
        for name, value in metrics.items()
        if name not in used
        and value is not None
        and not isinstance(value, dict | list)
        and not _is_end(name, metrics)
    )
    return known + others


def _interval(name: str, metrics: Metrics) -> str:
    """`  1390–1433` where the metric comes with its interval, else nothing."""
    low, high = number(metrics, f"{name}_low"), number(metrics, f"{name}_high")
    if low is None or high is None:
        return ""
    return f"  {words.metric(low)}–{words.metric(high)}"


def _is_end(name: str, metrics: Metrics) -> bool:
    base = name.removesuffix("_low").removesuffix("_high")
    return base != name and base in metrics


def number(metrics: Metrics, name: str) -> float | None:
    """A metric as a number; None where it is missing, null or something else."""
    value = metrics.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e300 else None


def _phase(metrics: Metrics) -> str:
    parts = [str(metrics[name]) for name in ("phase", "mcts_config") if metrics.get(name)]
    return " · ".join(parts) or words.UNKNOWN


def _elo(metrics: Metrics) -> str:
    elo = number(metrics, "elo")
    if elo is None:
        return "not rated yet"
    text = f"{elo:.0f}"
    change = number(metrics, "elo_change")
    if change is not None:
        text += f" ({words.signed(change)})"
    return text + _interval("elo", metrics)


def _loss(metrics: Metrics) -> str:
    text = _fixed(number(metrics, "loss"))
    for sign, name in (("π", "policy_loss"), ("v", "value_loss")):
        if name in metrics:
            text += f"  {sign} {_fixed(number(metrics, name))}"
    return text


def _fixed(value: float | None) -> str:
    """A loss with steady places, so that the eye sees it move and not jump."""
    if value is None or not 0.1 <= abs(value) < 100:
        return words.metric(value)
    return f"{value:.3f}"


def _learning_rate(metrics: Metrics) -> str:
    value = number(metrics, "learning_rate")
    return words.UNKNOWN if value is None else f"{value:.2e}"


def _units(metrics: Metrics) -> str:
    unit = metrics.get("unit_type") or "units"
    return f"{words.count(number(metrics, 'training_units_generated'))} {unit} an iteration"


def _target_tau(metrics: Metrics) -> str:
    value = number(metrics, "pi_target_tau")
    return words.UNKNOWN if value is None else f"{value:.3f}"


def _speed(metrics: Metrics) -> str:
    return f"{words.count(number(metrics, 'rounds_per_minute'))} rounds/min"


def _against(player: str) -> Callable[[Metrics], str]:
    """What the network makes at tables of one fixed player: `6.25 points, 41 % exact`; of games
    also the share that it wins."""

    def text(metrics: Metrics) -> str:
        points = number(metrics, f"points_vs_{player}")
        exact = number(metrics, f"exact_vs_{player}")
        wins = number(metrics, f"wins_vs_{player}")
        won = "" if wins is None else f", wins {words.percent(wins, 0)}"
        return f"{words.metric(points, 3)} points, {words.percent(exact, 0)} exact{won}"

    return text


def _one_card(metrics: Metrics) -> str:
    """How far the bids of a one-card round are from an equilibrium; 0 is one."""
    likeliest = number(metrics, "one_card_nash_conv")
    drawn = number(metrics, "one_card_nash_conv_drawn")
    return f"NashConv {words.metric(likeliest, 3)}, drawn {words.metric(drawn, 3)}"


def _calibration(metrics: Metrics) -> str:
    """How far stated probabilities of exact bids are from the shares that were made."""
    bid = number(metrics, "calibration_error")
    card = number(metrics, "calibration_error_at_first_card")
    return f"P(exact) off by {words.percent(bid)}, {words.percent(card)} at the first card"


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return words.metric(number({"value": value}, "value"))
    return str(value)


_KNOWN: Final[tuple[tuple[str, tuple[str, ...], Callable[[Metrics], str]], ...]] = (
    ("phase", ("phase", "mcts_config"), _phase),
    ("Elo", ("elo", "elo_change", "elo_low", "elo_high"), _elo),
    ("loss", ("loss", "policy_loss", "value_loss"), _loss),
    ("learning rate", ("learning_rate",), _learning_rate),
    ("units", ("training_units_generated", "unit_type"), _units),
    ("target τ", ("pi_target_tau",), _target_tau),
    ("speed", ("rounds_per_minute", "training_seconds", "training_core_seconds"), _speed),
    *(
        (
            f"vs {player}",
            tuple(f"{measure}_vs_{player}" for measure in ("points", "exact", "gain", "wins")),
            _against(player),
        )
        for player in ("heuristic", "random")
    ),
    ("one card", ("one_card_nash_conv", "one_card_nash_conv_drawn"), _one_card),
    (
        "calibration",
        (
            *("calibration_error", "calibration_error_at_first_card"),
            "calibration_error_by_chance",
        ),
        _calibration,
    ),
)
DOCUMENTED: Final = 7
"""The first so many are what every run of Blob is documented to show."""
