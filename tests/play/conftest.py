"""Fixtures of the tests of `blobmaster play`."""

from terminals import open_terminal

__all__ = ["open_terminal"]
