"""`blobmaster train`. The flags of settings are declared beside the settings, in `config`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from blobmaster.cli.backend_flags import backend_flags
from blobmaster.cli.setting_flags import setting_flags, taken_from
from blobmaster.cli.shared import NEWEST, PATH, directory, end_process, require_unix

if TYPE_CHECKING:
    from blobmaster.cluster.backend import PlayBackend


class _Train(click.Command):
    """Also keeps its options as they were typed."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words after the command's name."""
        ctx.meta[_TYPED] = tuple(args)
        return super().parse_args(ctx, args)


_TYPED = f"{__name__}.typed"
_NOT_REPEATED = ("root", "resume", "auto_resume")
"""Options that a command which resumes has in another form."""


def _typed_options(ctx: click.Context) -> tuple[str, ...]:
    """Return the options as typed, but with absolute paths, to be repeated from any folder."""
    values, _, order = ctx.command.make_parser(ctx).parse_args(list(ctx.meta[_TYPED]))
    words: list[str] = []
    for option in dict.fromkeys(order):
        if option.name is None or option.name in _NOT_REPEATED:
            continue
        words.append(option.opts[0])
        if not (isinstance(option, click.Option) and option.is_flag):
            value = values[option.name]
            words.append(str(Path(value).absolute()) if option.type is PATH else str(value))
    return tuple(words)


@click.command(cls=_Train)
@click.option(
    "--fast", is_flag=True, help="Train a small network for five iterations, in about a minute."
)
@click.option(
    "--resume",
    type=PATH,
    is_flag=False,
    flag_value=NEWEST,
    metavar="[PATH]",
    help="Resume the run from its newest whole checkpoint, or from PATH.",
)
@click.option(
    "--auto-resume",
    is_flag=True,
    help="Resume the run in the directory, or begin one; for services and batch jobs.",
)
@click.option(
    "--init-from",
    type=PATH,
    metavar="CHECKPOINT",
    help="Start phase 2 from the network and settings of a phase 1.",
)
@click.option(
    "--exploit",
    type=PATH,
    metavar="CHECKPOINT",
    help="Train an exploiter of a checkpoint: it starts from that network, whose copies hold all "
    "seats but one.",
)
@directory
@click.option(
    "--config",
    "config_file",
    type=PATH,
    help="TOML file of settings; `blobmaster settings --toml` prints one.",
)
@backend_flags
@setting_flags
@click.pass_context
def train(
    ctx: click.Context,
    /,
    root: Path,
    fast: bool,
    resume: Path | None,
    auto_resume: bool,
    init_from: Path | None,
    exploit: Path | None,
    config_file: Path | None,
    backend: PlayBackend,
    **flags: Any,
) -> NoReturn:
    """Train a player, from the start or with --resume from the newest checkpoint.

    --auto-resume may be given always: it begins a run where there is none, goes on where there is
    one, and exits with 0 when nothing is left to train.
    """
    require_unix()
    from blobmaster.training.command import run_training
    from blobmaster.training.options import TrainOptions

    if resume is not None and auto_resume:
        raise click.UsageError(
            "--auto-resume begins or resumes, --resume only resumes: leave out one of them"
        )
    for name, origin in (("--init-from", init_from), ("--exploit", exploit)):
        if resume is not None and origin is not None:
            raise click.UsageError(
                f"{name} starts a run and --resume continues one: leave out one of them"
            )
    if exploit is not None and init_from is not None:
        raise click.UsageError(
            "--exploit starts from the checkpoint that it names: leave out --init-from"
        )
    options = TrainOptions(
        root=root,
        is_fast=fast,
        is_resumed=resume is not None,
        is_auto=auto_resume,
        resume=None if resume is None or str(resume) == NEWEST else resume,
        init_from=init_from or exploit,
        is_exploiter=exploit is not None,
        config_file=config_file,
        flags=taken_from(flags),
        backend=backend,
        typed=_typed_options(ctx),
    )
    end_process(run_training(options))
