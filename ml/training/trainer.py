"""`TrainingPipeline` and `StatusWriter` under their documented names."""

from blobmaster.training.status_file import StatusWriter
from blobmaster.training.trainer import TrainingPipeline

__all__ = ["StatusWriter", "TrainingPipeline"]
