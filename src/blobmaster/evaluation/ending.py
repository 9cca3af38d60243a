"""The ends of a measurement: complete, by Ctrl+C or a signal, or by the loss of its cluster.

Its results so far are printed in each case.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

import click

from blobmaster.cluster.errors import ClusterError
from blobmaster.terminal.console import call_interruptibly

INTERRUPTED = 130
NOTE = "interrupted: the results so far"
FAILED = 1


class Ending(NamedTuple):
    """The end of a measurement."""

    status: int = 0
    """Exit status of the command."""
    note: str | None = None
    """A line for a person that stands with results that are not complete."""
    problem: str | None = None
    """Why the measurement failed."""

    @property
    def is_complete(self) -> bool:
        """True if everything was played."""
        return self.status == 0

    def report_problem(self) -> None:
        """Print on stderr why the measurement failed, if it did."""
        if self.problem is not None:
            click.echo(f"blobmaster: {self.problem}", err=True)


def run_to_end(measure: Callable[[], None], stopping: threading.Event) -> Ending:
    """Call `measure` in another thread until it returns, is interrupted or loses its cluster.

    Args:
        measure: keeps its results as they come.
        stopping: set at Ctrl+C, or where a signal raises SystemExit as in `Tally`. After that,
            `measure` may go on for a moment.
    """
    try:
        call_interruptibly(measure)
    except KeyboardInterrupt:
        stopping.set()
        return Ending(INTERRUPTED, NOTE)
    except SystemExit as left:
        stopping.set()
        return Ending(left.code if isinstance(left.code, int) else INTERRUPTED, NOTE)
    except ClusterError as error:
        return Ending(FAILED, "failed: the results so far", " ".join(str(error).split()))
    return Ending()
