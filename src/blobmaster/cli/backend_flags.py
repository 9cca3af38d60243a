"""The flags that choose who plays the blocks of a command: threads or a Ray cluster."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Literal

import click

_FLAGS = (
    click.option(
        "--backend",
        type=click.Choice(["threads", "ray"]),
        default="threads",
        show_default=True,
        help="Play on threads of this process or by Ray, see docs/cluster.md; results do not "
        "depend on it.",
    ),
    click.option(
        "--ray-address",
        metavar="HOST:PORT|auto",
        help="Join this Ray cluster; without it, --backend ray starts Ray on this machine.",
    ),
    click.option(
        "--mixed-hosts",
        is_flag=True,
        help="Also use hosts of the cluster with another CPU, torch, numba or BlobMaster: results "
        "can then not be repeated bit for bit.",
    ),
)


def backend_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the flags; it gets them as one argument, `backend`."""

    @functools.wraps(command)
    def with_backend(
        *arguments: Any,
        backend: Literal["threads", "ray"],
        ray_address: str | None,
        mixed_hosts: bool,
        **options: Any,
    ) -> Any:
        from blobmaster.cluster.backend import PlayBackend

        try:
            chosen = PlayBackend(backend, ray_address, mixed_hosts)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        return command(*arguments, backend=chosen, **options)

    for flag in reversed(_FLAGS):
        with_backend = flag(with_backend)
    return with_backend
