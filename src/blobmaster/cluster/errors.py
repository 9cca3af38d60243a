"""The errors of a cluster: `str(error)` is one line that says what is wrong and what to do."""

from blobmaster.run.errors import RunError


class ClusterError(RunError):
    """The cluster cannot be reached, or cannot play the blocks of a run."""


class DriverLostError(Exception):
    """The process that holds the connection to Ray has ended, or does not answer any more."""


def one_line(error: BaseException) -> str:
    """Return the error's first line of text, with its type."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
