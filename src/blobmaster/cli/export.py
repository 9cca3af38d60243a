"""`blobmaster export`."""

from __future__ import annotations

from pathlib import Path

import click

from blobmaster.cli.shared import PATH
from blobmaster.run.errors import RunError


@click.command()
@click.argument("checkpoint", type=PATH)
@click.option(
    "-o",
    "--output",
    type=PATH,
    default=Path("model.onnx"),
    show_default=True,
    help="File to write; an earlier model is replaced, any other file never.",
)
def export(checkpoint: Path, output: Path) -> int:
    """Export the policy of CHECKPOINT to an ONNX file, and check it against torch first."""
    try:
        from blobmaster.export.command import run_export
    except ModuleNotFoundError as error:
        raise RunError(f"export needs {error.name}: run `pip install onnx onnxruntime`") from None
    return run_export(checkpoint, output)
