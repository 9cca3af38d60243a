"""A run's metrics as labelled texts: those of the catalogue first, then all others as they come.

A run need have none of the known metrics: a plain training loop that publishes only `loss` shows
that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from blobmaster.monitor.metrics import METRICS, Metrics, find, is_interval_end, label, number
from blobmaster.monitor.text import fmt


class Fact(NamedTuple):
    """One figure: its label and its current text."""

    label: str
    text: str


def facts(metrics: Metrics) -> tuple[Fact, ...]:
    """Return all published metrics, in reading order."""
    known = tuple(
        Fact(shown, fmt.clean(_text(shown, names, metrics), 120))
        for shown, names in _FIGURES.items()
        if any(name in metrics for name in names)
    )
    others = tuple(
        Fact(
            fmt.clean(label(name), 40),
            fmt.clean(_plain(value) + _interval(name, metrics), 120),
        )
        for name, value in metrics.items()
        if not _is_in_figure(name)
        and value is not None
        and not isinstance(value, dict | list)
        and not is_interval_end(name, metrics)
    )
    return known + others


def _figures() -> dict[str, list[str]]:
    """Return the catalogue's metrics by the label of their figure."""
    found: dict[str, list[str]] = {}
    for metric in METRICS:
        if metric.label:
            found.setdefault(metric.label, []).append(metric.name)
    return found


_FIGURES: Final = _figures()


def _is_in_figure(name: str) -> bool:
    metric = find(name)
    return metric is not None and bool(metric.label)


def _text(shown: str, names: list[str], metrics: Metrics) -> str:
    """Return a figure's text: by its own function, or else each of its metrics with its unit."""
    if shown in _TEXTS:
        return _TEXTS[shown](metrics)
    if shown.startswith("vs "):
        return _against(shown.removeprefix("vs "), metrics)
    return "  ".join(_with_unit(name, metrics) for name in names if name in metrics)


def _with_unit(name: str, metrics: Metrics) -> str:
    metric = find(name)
    unit = f" {metric.unit}" if metric is not None and metric.unit else ""
    return f"{_plain(metrics[name])}{unit}{_interval(name, metrics)}"


def _interval(name: str, metrics: Metrics) -> str:
    """Return `  1390–1433` if the metric has an interval, otherwise nothing."""
    low, high = number(metrics, f"{name}_low"), number(metrics, f"{name}_high")
    if low is None or high is None:
        return ""
    return f"  {fmt.metric(low)}–{fmt.metric(high)}"


def _plain(value: object) -> str:
    if value is None:
        return fmt.UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return fmt.metric(number({"value": value}, "value"))
    return str(value)


def _phase(metrics: Metrics) -> str:
    parts = [str(metrics[name]) for name in ("phase", "mcts_config") if metrics.get(name)]
    return " · ".join(parts) or fmt.UNKNOWN


def _elo(metrics: Metrics) -> str:
    elo = number(metrics, "elo")
    if elo is None:
        return "not rated yet"
    text = fmt.fixed(elo)
    change = number(metrics, "elo_change")
    if change is not None:
        text += f" ({fmt.signed(change)})"
    return text + _interval("elo", metrics)


def _loss(metrics: Metrics) -> str:
    text = _fixed(number(metrics, "loss"))
    for sign, name in (("π", "policy_loss"), ("v", "value_loss")):
        if name in metrics:
            text += f"  {sign} {_fixed(number(metrics, name))}"
    return text


def _fixed(value: float | None) -> str:
    """Format a loss with a fixed number of decimals, so that its digits stay in place."""
    if value is None or not 0.1 <= abs(value) < 100:
        return fmt.metric(value)
    return f"{value:.3f}"


def _learning_rate(metrics: Metrics) -> str:
    value = number(metrics, "learning_rate")
    return fmt.UNKNOWN if value is None else f"{value:.2e}"


def _units(metrics: Metrics) -> str:
    unit = metrics.get("unit_type") or "units"
    return f"{fmt.count(number(metrics, 'training_units_generated'))} {unit} an iteration"


def _target_tau(metrics: Metrics) -> str:
    value = number(metrics, "pi_target_tau")
    return fmt.fixed(value, 3)


def _speed(metrics: Metrics) -> str:
    return f"{fmt.count(number(metrics, 'rounds_per_minute'))} rounds/min"


def _against(player: str, metrics: Metrics) -> str:
    """Return results at tables of a fixed player: `6.25 points, 41 % exact`, and games won."""
    points = number(metrics, f"points_vs_{player}")
    exact = number(metrics, f"exact_vs_{player}")
    wins = number(metrics, f"wins_vs_{player}")
    won = "" if wins is None else f", wins {fmt.percent(wins, 0)}"
    return f"{fmt.metric(points, 3)} points, {fmt.percent(exact, 0)} exact{won}"


def _one_card(metrics: Metrics) -> str:
    """Return the NashConv of one-card rounds, which is 0 in an equilibrium."""
    likeliest = number(metrics, "one_card_nash_conv")
    drawn = number(metrics, "one_card_nash_conv_drawn")
    return f"NashConv {fmt.metric(likeliest, 3)}, drawn {fmt.metric(drawn, 3)}"


def _calibration(metrics: Metrics) -> str:
    """Return the error of predicted probabilities of exact bids against observed shares."""
    bid = number(metrics, "calibration_error")
    card = number(metrics, "calibration_error_at_first_card")
    return f"P(exact) off by {fmt.percent(bid)}, {fmt.percent(card)} at the first card"


def _gain(metrics: Metrics) -> str:
    """Return the gain over the last doubling of the rounds, and since when there is none."""
    gain, since = number(metrics, "doubling_gain"), number(metrics, "doubling_since")
    if gain is None or since is None:
        return fmt.UNKNOWN
    low, high = number(metrics, "doubling_gain_low"), number(metrics, "doubling_gain_high")
    reach = "" if low is None or high is None else f" ({_lead(low)} to {_lead(high)})"
    flat = number(metrics, "flat_since")
    told = "" if flat is None else f", flat since iteration {fmt.fixed(flat)}"
    return f"{_lead(gain)}{reach} since iteration {fmt.fixed(since)}{told}"


def _lead(value: float) -> str:
    return fmt.fixed(value, 2, sign=True)


_TEXTS: Final[dict[str, Callable[[Metrics], str]]] = {
    "phase": _phase,
    "Elo": _elo,
    "loss": _loss,
    "learning rate": _learning_rate,
    "units": _units,
    "target τ": _target_tau,
    "speed": _speed,
    "gain": _gain,
    "one card": _one_card,
    "calibration": _calibration,
}
"""Figures with a text of their own, by label; `vs …` figures share `_against`."""
DOCUMENTED: Final = 7
"""The first figures, which every run of Blob is documented to show."""
