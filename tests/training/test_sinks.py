"""Every metric sink receives the metrics of each iteration; ratings only where they were made."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from blobmaster.config.compose import compose
from blobmaster.training.learner import Losses
from blobmaster.training.run_metrics import RunMetrics
from blobmaster.training.self_play_step import Played
from blobmaster.training.sinks import HistorySink


class Tracker:
    """A sink as an experiment tracker would have it."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, Mapping[str, Any]]] = []

    def write(self, iteration: int, metrics: Mapping[str, Any]) -> None:
        self.rows.append((iteration, metrics))


PLAYED = Played(SimpleNamespace(decision_count=55), per_minute=120.0)  # type: ignore[arg-type]


def record(metrics: RunMetrics, iteration: int, elo: float | None) -> None:
    metrics.record(
        iteration,
        PLAYED,
        Losses(3.0, 2.0, 1.0),
        learning_rate=1e-3,
        replay_decisions=99,
        more={"training_seconds": 1.5},
    )
    if elo is not None:
        rating: Any = SimpleNamespace(
            elo=elo, metrics=lambda: {"elo": elo, "points_vs_random": 9.0}
        )
        metrics.record_rating(rating, {})
    metrics.write(iteration, is_rated=elo is not None)


def test_all_sinks_receive_each_iteration_with_its_own_figures() -> None:
    tracker, history = Tracker(), HistorySink()
    shown: dict[str, Any] = {}
    metrics = RunMetrics(compose(), shown.update, (tracker, history))
    for iteration, elo in ((3, None), (4, 1000.0), (5, None), (9, 1010.0)):
        metrics.show(iteration)
        record(metrics, iteration, elo)
        assert history.take() == tracker.rows[-1][1]
    assert [iteration for iteration, _ in tracker.rows] == [3, 4, 5, 9]
    assert ["elo" in row for _, row in tracker.rows] == [False, True, False, True]
    assert ["points_vs_random" in row for _, row in tracker.rows] == [False, True, False, True]
    assert tracker.rows[-1][1]["elo_change"] == 10.0
    assert {row["loss"] for _, row in tracker.rows} == {3.0}
    assert shown["elo"] == 1000.0  # the status keeps the last rating until the next one


def test_a_row_of_the_history_is_taken_once() -> None:
    history = HistorySink()
    history.write(0, {"loss": 1.0})
    assert history.take() == {"loss": 1.0}
    assert history.take() == {}


def test_metrics_continue_from_their_state() -> None:
    first = RunMetrics(compose(), lambda _: None, ())
    record(first, 4, 1000.0)
    tracker = Tracker()
    second = RunMetrics(compose(), lambda _: None, (tracker,))
    second.load_state_dict(first.state_dict())
    record(second, 9, 990.0)
    assert tracker.rows[0][1]["elo_change"] == -10.0
