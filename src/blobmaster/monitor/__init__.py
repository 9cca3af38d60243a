"""The monitor: shows a run from its files alone, from any machine, and never disturbs it."""

from blobmaster.monitor.command import run_monitor
from blobmaster.monitor.options import MonitorOptions

__all__ = ["MonitorOptions", "run_monitor"]
