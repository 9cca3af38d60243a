"""The trackers, one line each. To add one, write its file and add a line to `TRACKERS`.

The files import their library when a store is opened, so that naming a tracker needs none.
"""

from __future__ import annotations

from typing import Final

from blobmaster.monitor.track.mlflow import MlflowExport
from blobmaster.monitor.track.tensorboard import TensorBoardExport
from blobmaster.monitor.track.tracker import Tracker
from blobmaster.monitor.track.trackio import TrackioExport
from blobmaster.monitor.track.wandb import WandbExport

TRACKERS: Final = (
    Tracker("tensorboard", "tensorboard", TensorBoardExport, "tensorboard --logdir {folder}"),
    Tracker("wandb", "wandb", WandbExport, "wandb sync {folder}/wandb/offline-run-*"),
    Tracker("trackio", "trackio", TrackioExport, "TRACKIO_DIR={folder} trackio show"),
    Tracker(
        "mlflow",
        "mlflow",
        MlflowExport,
        "mlflow ui --backend-store-uri sqlite:///{folder}/mlflow.db",
    ),
)
NAMES: Final = tuple(tracker.name for tracker in TRACKERS)


def find(name: str) -> Tracker:
    """Return the tracker of that name.

    Raises:
        KeyError: there is none.
    """
    return {tracker.name: tracker for tracker in TRACKERS}[name]
