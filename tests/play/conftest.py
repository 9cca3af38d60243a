"""The fixtures of the table's tests."""

from terminals import open_terminal

__all__ = ["open_terminal"]
