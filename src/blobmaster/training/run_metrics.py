"""The metrics of a run: gathered after each iteration, then sent to the metric sinks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from blobmaster.config.config import Config
from blobmaster.evaluation.ratings import Rating
from blobmaster.training.learner import Losses
from blobmaster.training.metrics import status_fields
from blobmaster.training.self_play_step import Played
from blobmaster.training.sinks import MetricSink


class RunMetrics:
    """The newest metrics of a run. Those of a rating stay until the next rating."""

    def __init__(
        self,
        config: Config,
        publish: Callable[[Mapping[str, Any]], object],
        sinks: Sequence[MetricSink],
    ) -> None:
        """`publish` takes fields of the status and shows them."""
        self._config = config
        self._publish = publish
        self._sinks = sinks
        self._iteration: dict[str, Any] = {}
        self._rating: dict[str, Any] = {}

    def record(
        self,
        iteration: int,
        played: Played,
        losses: Losses,
        *,
        learning_rate: float,
        replay_decisions: int,
        more: Mapping[str, Any],
    ) -> None:
        """Replace the metrics by those of an iteration (0-based).

        Args:
            iteration: 0-based.
            played: its self-play.
            losses: its mean losses.
            learning_rate: the one at which the next iteration starts.
            replay_decisions: decisions in the replay window.
            more: further metrics by name.
        """
        self._iteration = {
            "avg_total_loss": losses.total,
            "avg_policy_loss": losses.policy,
            "avg_value_loss": losses.value,
            "learning_rate": learning_rate,
            "pi_target_tau": self._config.targets.tau(iteration),
            "training_units_generated": self._config.units(iteration),
            "decisions_generated": played.rounds.decision_count,
            "replay_decisions": replay_decisions,
            "rounds_per_minute": played.per_minute,
            **more,
        }

    def record_rating(self, rating: Rating, more: Mapping[str, Any]) -> None:
        """Replace the metrics of the rating, and compare its Elo with that of the one before."""
        before = self._rating.get("current_elo")
        change = None if before is None else rating.elo - before
        self._rating = {**rating.metrics(), **more, "current_elo": rating.elo, "elo_change": change}

    def show(self, iteration: int) -> None:
        """Show the newest metrics in the status, beside the settings of the running iteration."""
        total = self._config.run.iterations
        self._publish(status_fields(iteration, total, self._known(), self._config))

    def write(self, iteration: int, *, is_rated: bool) -> None:
        """Send the metrics of a finished iteration (0-based) to all sinks."""
        total = self._config.run.iterations
        fields = status_fields(iteration, total, self._known(), self._config)
        if not is_rated:  # the history has a rating's metrics only where the rating was made
            fields = {k: v for k, v in fields.items() if k != "elo" and k not in self._rating}
        for sink in self._sinks:
            sink.write(iteration, fields)

    def _known(self) -> dict[str, Any]:
        unit = self._config.run.training_on
        return {**self._iteration, **self._rating, "phase": unit, "unit_type": unit}

    def state_dict(self) -> dict[str, Any]:
        """Return the metrics to save, by the keys of the run's state."""
        return {"metrics": self._iteration, "rating": self._rating}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a `state_dict`."""
        self._iteration = dict(state["metrics"])
        self._rating = dict(state["rating"])
