"""`blobmaster export`."""

from __future__ import annotations

from pathlib import Path

import click

from blobmaster.cli.shared import PATH
from blobmaster.run.errors import RunError

DEFAULT_OUTPUT = Path("model.onnx")


@click.command()
@click.argument("checkpoint", type=PATH)
@click.option(
    "-o",
    "--output",
    type=PATH,
    help=f"ONNX file to write ({DEFAULT_OUTPUT}); an earlier model is replaced, any other file "
    "never.",
)
@click.option(
    "--web",
    type=PATH,
    help="Write one HTML file instead, on which to play and ask for advice in a browser; with a "
    "name that ends in .json, the network alone, for the modules in web/.",
)
@click.option(
    "--web-level",
    "levels",
    type=PATH,
    multiple=True,
    metavar="CHECKPOINT",
    help="Another checkpoint to choose as opponent on the page; give it once for each.",
)
def export(
    checkpoint: Path, output: Path | None, web: Path | None, levels: tuple[Path, ...]
) -> int:
    """Export the policy of CHECKPOINT to an ONNX file, and check it against torch first.

    With --web, export it to an HTML file that plays in a browser, offline.
    """
    if web is None and levels:
        raise click.UsageError("--web-level is for --web: name the HTML file with --web")
    if web is not None and output is not None:
        raise click.UsageError("-o and --web name two files: export to one after the other")
    if web is not None:
        from blobmaster.export.web_command import run_web_export

        return run_web_export(checkpoint, levels, web)
    try:
        from blobmaster.export.command import run_export
    except ModuleNotFoundError as error:
        raise RunError(f"export needs {error.name}: run `pip install onnx onnxruntime`") from None
    return run_export(checkpoint, output or DEFAULT_OUTPUT)
