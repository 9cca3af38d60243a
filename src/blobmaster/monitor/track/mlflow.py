"""MLflow: a local SQLite database, or the server that MLFLOW_TRACKING_URI names.

MLflow takes back no metric, so a rewind is a new segment: the run is written anew as another run of
the same name, and the old one is marked as deleted.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from blobmaster.monitor.track.tracker import Row, TrackedRun

MOST_METRICS: Final = 1000
"""Metrics that MLflow takes in one batch."""
MOST_PARAMETERS: Final = 100
LONGEST_PARAMETER: Final = 6000
_TAG: Final = "blobmaster.run"
_FOREIGN: Final = re.compile(r"[^\w\-. /]")
"""Characters that MLflow does not take in a name."""


class MlflowExport:
    """One run in MLflow's store."""

    def __init__(self, target: Path, run: TrackedRun) -> None:
        """Find the run in the store, or create it."""
        logging.getLogger("alembic").setLevel(logging.WARNING)
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
        from mlflow.tracking import MlflowClient

        own, server = target.absolute() / "mlflow.db", os.environ.get("MLFLOW_TRACKING_URI")
        if server is None:
            _make_database(own)
        self._client = MlflowClient(server or f"sqlite:///{own}")
        self._run = run
        self._artifacts = None if server else target / "artifacts"
        self._id = self._find() or self._create()
        self._client.update_run(self._id, status="RUNNING")

    def held(self) -> Sequence[Row]:
        """Return the rows of the store."""
        steps: dict[int, dict[str, float]] = {}
        for name in self._client.get_run(self._id).data.metrics:
            for metric in self._client.get_metric_history(self._id, name):
                steps.setdefault(metric.step, {})[name] = metric.value
        return [Row(step, steps[step]) for step in sorted(steps)]

    def as_held(self, row: Row) -> Row:
        """Return the row with names that MLflow takes."""
        return Row(row.iteration, {_name(name): value for name, value in row.values.items()})

    def keep_first(self, count: int) -> int:
        """Begin a new segment."""
        del count
        old, self._id = self._id, self._create()
        self._client.delete_run(old)
        return 0

    def add(self, rows: Sequence[Row]) -> None:
        """Log as many rows as a batch takes, again and again."""
        from mlflow.entities import Metric

        metrics = [
            Metric(name, value, int(1000 * row.at), row.iteration)
            for row in rows
            for name, value in self.as_held(row).values.items()
        ]
        for at in range(0, len(metrics), MOST_METRICS):
            self._client.log_batch(self._id, metrics=metrics[at : at + MOST_METRICS])

    def close(self) -> None:
        """Mark the run as finished; an export that is started again continues it."""
        self._client.set_terminated(self._id)

    def _experiment(self) -> str:
        found = self._client.get_experiment_by_name(self._run.project)
        if found is not None:
            return str(found.experiment_id)
        place = None if self._artifacts is None else self._artifacts.absolute().as_uri()
        return str(self._client.create_experiment(self._run.project, artifact_location=place))

    def _find(self) -> str | None:
        # A kill between the creation of a segment and the deletion of the old one leaves both.
        wanted = f"tags.`{_TAG}` = '{self._run.name}'"
        runs = self._client.search_runs([self._experiment()], wanted, order_by=["start_time DESC"])
        for old in runs[1:]:
            self._client.delete_run(old.info.run_id)
        return str(runs[0].info.run_id) if runs else None

    def _create(self) -> str:
        from mlflow.entities import Param

        tags = {_TAG: self._run.name}
        made = self._client.create_run(self._experiment(), tags=tags, run_name=self._run.name)
        run_id = str(made.info.run_id)
        params: list[Any] = [
            Param(_name(name), str(value)[:LONGEST_PARAMETER])
            for name, value in self._run.settings.items()
        ]
        for at in range(0, len(params), MOST_PARAMETERS):
            self._client.log_batch(run_id, params=params[at : at + MOST_PARAMETERS])
        return run_id


def _make_database(path: Path) -> None:
    """Make an empty database, unless there is one.

    It is made under another name: MLflow creates table after table, and cannot go on with a
    database in which a kill left some of them.
    """
    if path.exists():
        return
    from mlflow.tracking import MlflowClient

    fresh = path.with_name(".mlflow.db.new")
    for left in path.parent.glob(f"{fresh.name}*"):  # also its journal, which would be played back
        left.unlink()
    MlflowClient(f"sqlite:///{fresh}")
    fresh.replace(path)


def _name(name: str) -> str:
    return _FOREIGN.sub("-", name)
