"""`blobmaster settings`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from blobmaster.cli.shared import PATH

if TYPE_CHECKING:
    from blobmaster.config.config import Config


@click.command()
@click.argument("path", metavar="[RUN_DIR]", required=False, type=PATH)
@click.option("--toml", is_flag=True, help="A complete settings file.")
@click.option("--json", is_flag=True, help="The JSON schema and the values.")
@click.option("--markdown", is_flag=True, help="The page docs/settings.md.")
def settings(path: Path | None, **forms: bool) -> int:
    """Print every setting with its default, range and meaning.

    With RUN_DIR, or the path of a checkpoint, print the settings of that run and mark those that
    differ from the defaults.
    """
    from blobmaster.config import rendering
    from blobmaster.config.config import Config

    chosen = [form for form, is_chosen in forms.items() if is_chosen]
    if len(chosen) > 1:
        flags = " and ".join(f"--{form}" for form in chosen)
        raise click.UsageError(f"{flags} are different forms: leave out all but one")
    form = chosen[0] if chosen else ""
    if form == "markdown":
        if path is not None:
            raise click.UsageError("--markdown describes the defaults: leave out RUN_DIR")
        click.echo(rendering.as_markdown(), nl=False)
        return 0
    render = {"toml": rendering.as_toml, "json": rendering.as_json}.get(form, rendering.as_text)
    click.echo(render(Config() if path is None else _settings_of(path)))
    return 0


def _settings_of(path: Path) -> Config:
    """Read the settings of a run directory's newest whole checkpoint, or of a checkpoint.

    Raises:
        CheckpointError: there is no checkpoint, or it cannot be read.
    """
    from blobmaster.checkpoint.file import read_checkpoint
    from blobmaster.run.checkpoints.store import CheckpointStore
    from blobmaster.run.errors import CheckpointError
    from blobmaster.run.files.layout import RunLayout

    if path.is_dir():
        entry, skipped = CheckpointStore(RunLayout(path)).newest_valid()
        if entry is None and skipped:
            raise CheckpointError(
                f"{path} has no whole checkpoint, only damaged ones: copy a whole one back into "
                "it, or name another run directory"
            )
        if entry is None:
            raise CheckpointError(f"there is no whole checkpoint in {path}: name a run directory")
        path = entry.path
    return read_checkpoint(path).config
