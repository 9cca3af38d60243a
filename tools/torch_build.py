"""Print which build of torch is installed beside this Python, and how large it is."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import click

LIBRARIES = ("nvidia", "triton")
"""Packages that a CUDA build of torch brings with it, by the start of their names."""


def main() -> None:
    """Print one line, such as `torch 2.13.0 for the CPU, 0.6 GB`."""
    distributions = [
        found
        for found in importlib.metadata.distributions()
        if found.name == "torch" or found.name.startswith(LIBRARIES)
    ]
    size = sum(
        Path(str(file.locate())).stat().st_size
        for found in distributions
        for file in found.files or ()
        if Path(str(file.locate())).is_file()
    )
    kind = "for CUDA" if len(distributions) > 1 else "for the CPU"
    version = importlib.metadata.version("torch")
    click.echo(f"torch {version} {kind}, {size / 1e9:.1f} GB")


if __name__ == "__main__":
    main()
