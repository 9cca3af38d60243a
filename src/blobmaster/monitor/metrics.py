"""The catalogue of known metrics: every label, unit and help text that a reader of a run shows.

The screen, `--once`, the report and Prometheus all take their texts from here. A new metric is one
line in `METRICS`; one that is not listed still appears everywhere under its own name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

Metrics = Mapping[str, Any]

OWN: Final = ""
"""A metric's chart: one of its own."""
NONE: Final = "-"
"""A metric's chart: none, as its curve tells nothing about the run."""


class Metric(NamedTuple):
    """A metric that a training loop publishes."""

    name: str
    """Field in status.json and history.jsonl, and gauge `blobmaster_<name>` in Prometheus."""
    label: str
    """Label of the figure that shows it; metrics with the same label share one figure."""
    help: str
    """One sentence, for Prometheus."""
    unit: str = ""
    chart: str = OWN
    """Title of the chart that draws it, `OWN` or `NONE`."""
    legend: str = ""
    """Name of its curve in a chart of several."""


class ChartKind(NamedTuple):
    """A chart of a Blob run: texts and, for metrics named by a pattern, the pattern."""

    title: str
    """On the screen, where there is little room."""
    heading: str
    """In the report."""
    unit: str
    note: str
    """A remark under the report's heading."""
    prefix: str = ""
    """The chart draws every metric whose name begins with this."""


def _versus(player: str) -> Iterable[Metric]:
    """Return the metrics of matches against one fixed player."""
    label = f"vs {player}"
    return (
        Metric(f"points_vs_{player}", label, f"Points a round at tables of {player}.", "points"),
        Metric(f"exact_vs_{player}", label, f"Share of bids made at tables of {player}."),
        Metric(
            f"gain_vs_{player}",
            label,
            f"Points a round above the untrained network at tables of {player}.",
            "points",
        ),
        Metric(
            f"wins_vs_{player}", label, f"Share of games won at tables of {player}, ties shared."
        ),
    )


METRICS: Final = (
    Metric("phase", "phase", "Phase of training."),
    Metric(
        "mcts_config", "phase", "Worlds × simulations of the search in self-play, or lookahead."
    ),
    Metric("elo", "Elo", "Elo rating; 1000 is the untrained network.", "Elo", "Elo"),
    Metric("elo_change", "Elo", "Change of the Elo rating since the previous one.", "Elo", NONE),
    Metric("elo_low", "Elo", "Lower end of the rating's 95 % interval.", "Elo"),
    Metric("elo_high", "Elo", "Upper end of the rating's 95 % interval.", "Elo"),
    Metric("loss", "loss", "Total loss of the iteration.", "", "loss"),
    Metric("policy_loss", "loss", "Loss of the policy.", "", "loss", "π"),
    Metric("value_loss", "loss", "Loss of the value.", "", "loss", "v"),
    Metric("learning_rate", "learning rate", "Learning rate.", "", NONE),
    Metric("training_units_generated", "units", "Rounds or games of the iteration.", "", NONE),
    Metric("unit_type", "units", "Kind of unit that self-play generates."),
    Metric("pi_target_tau", "target τ", "Temperature of the policy target.", "", NONE),
    Metric("rounds_per_minute", "speed", "Speed of self-play.", "rounds/min", "rounds/min"),
    Metric(
        "training_seconds",
        "speed",
        "Wall time of the iteration's self-play and learning.",
        "s",
        NONE,
    ),
    Metric(
        "training_core_seconds",
        "speed",
        "Processor time of the iteration's self-play and learning.",
        "s",
        NONE,
    ),
    *_versus("heuristic"),
    *_versus("random"),
    Metric(
        "doubling_gain",
        "gain",
        "Points a round ahead of copies of the network at half of the rounds.",
        "points",
        "gain",
    ),
    Metric("doubling_since", "gain", "Iteration of the network at half of the rounds.", "", NONE),
    Metric("flat_since", "gain", "Iteration since which the run gains nothing.", "", NONE),
    Metric(
        *(
            "one_card_nash_conv",
            "one card",
            "NashConv of one-card rounds with the most likely bids; 0 is an equilibrium.",
        ),
        "points",
        "one-card NashConv",
    ),
    Metric(
        *(
            "one_card_nash_conv_drawn",
            "one card",
            "NashConv of one-card rounds with bids drawn from the policy.",
        ),
        "points",
        "one-card NashConv",
        "drawn",
    ),
    Metric(
        *(
            "calibration_error",
            "calibration",
            "Distance between P(exact) at the bid and the share of bids made.",
        ),
        "",
        "calibration error",
        "bid",
    ),
    Metric(
        "calibration_error_at_first_card",
        "calibration",
        *(
            "Distance between P(exact) at the first card and the share of bids made.",
            "",
            "calibration error",
            "card",
        ),
    ),
    Metric(
        "calibration_error_by_chance",
        "calibration",
        "Part of the calibration error at the bid that is chance.",
        "",
        "calibration error",
        "chance",
    ),
    Metric(
        "self_play_network",
        "",
        "Iteration whose network plays self-play; 0 is the untrained one.",
        "",
        NONE,
    ),
    Metric("elapsed_hours", "", "Training time.", "h", NONE),
    Metric("eta_hours", "", "Estimated time left.", "h", NONE),
    Metric("eta_days", "", "Estimated time left.", "days", NONE),
)

CHARTS: Final = (
    ChartKind("Elo", "Elo rating", "Elo", "1000 is the untrained network"),
    ChartKind(
        "loss", "Losses", "loss", "of each iteration: in all, of the policy (π), of the value (v)"
    ),
    ChartKind("games won", "games won", "games won", "", prefix="wins"),
    ChartKind(
        *(
            "points",
            "Points against fixed players",
            "points a round",
            "at tables of the player named",
        ),
        prefix="points",
    ),
    ChartKind(
        "gain",
        "Gain over the last doubling",
        "points a round",
        "ahead of copies of the network at half of the rounds",
    ),
    ChartKind("rounds/min", "Speed", "rounds a minute", "self-play of each iteration"),
    ChartKind(
        "exact bids",
        "Exact bids",
        "share of rounds",
        "at tables of the fixed player named",
        prefix="exact",
    ),
    ChartKind("one-card NashConv", "one-card NashConv", "one-card NashConv", ""),
    ChartKind(
        "calibration error",
        "Calibration",
        "share",
        "of P(exact), at the bid and at the first card",
    ),
)
"""In the order in which they are drawn, before those of unknown metrics."""

_BY_NAME: Final = {metric.name: metric for metric in METRICS}


def find(name: str) -> Metric | None:
    """Return the catalogue's entry for a metric, None if it is unknown."""
    return _BY_NAME.get(name)


def label(name: str) -> str:
    """Turn a field name into a label: `rounds_per_minute` becomes `rounds per minute`."""
    return name.replace("_", " ").replace(".", " ").strip()


def is_interval_end(name: str, metrics: Mapping[str, object]) -> bool:
    """Return True if a metric is only the lower or upper end of another one's interval."""
    base = name.removesuffix("_low").removesuffix("_high")
    return base != name and base in metrics


def number(metrics: Metrics, name: str) -> float | None:
    """Return a metric as a number; None if it is missing, null or no finite number."""
    value = metrics.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # JSON integers have any size: beyond 1e308 the conversion would raise OverflowError.
    return float(value) if abs(value) < 1e300 else None
