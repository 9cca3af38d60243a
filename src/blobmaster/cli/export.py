"""`blobmaster export`."""

from __future__ import annotations

from pathlib import Path

import click

from blobmaster.run.errors import RunError


@click.command()
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("model.onnx"),
    show_default=True,
    help="The file to write; an earlier one there is replaced.",
)
def export(checkpoint: Path, output: Path) -> int:
    """Write the player of CHECKPOINT to an ONNX file, held against torch before it is there."""
    try:
        from blobmaster.export.command import run_export
    except ModuleNotFoundError as error:
        raise RunError(f"export needs {error.name}: pip install onnx onnxruntime") from None
    return run_export(checkpoint, output)
