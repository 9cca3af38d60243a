"""The fixtures of the monitor's tests."""

from monitor_terminal import layout
from terminals import open_terminal

__all__ = ["layout", "open_terminal"]
