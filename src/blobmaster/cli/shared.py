"""Options shared by several commands, and the fast end of a process."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import NoReturn

import click

from blobmaster.run.files.layout import DEFAULT_DIRECTORY

NEWEST = "newest"
"""Value of `--resume` without a path."""

directory = click.option(
    "--checkpoint-dir",
    "root",
    type=click.Path(path_type=Path),
    default=DEFAULT_DIRECTORY,
    show_default=True,
    help="Run directory.",
)


def end_process(status: int) -> NoReturn:
    """End the process at once, without Python's shutdown; all results must be on disk by now.

    Shutting torch and its threads down took 1.5 s on a busy machine, and a trainer that receives a
    signal promises to be gone within 2 s.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # the reader of a pipe may be gone
            stream.flush()
    os._exit(status)
