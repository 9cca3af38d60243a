"""The facts of a host that decide the last bits of a block, and how two hosts differ in them."""

from __future__ import annotations

import platform
import socket
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

CPUINFO = Path("/proc/cpuinfo")
MODEL_KEYS = ("model name", "CPU implementer", "CPU part")
"""Keys of a processor's model in `CPUINFO`: the first on x86-64, the others on arm64."""


class HostFacts(NamedTuple):
    """A host, and all that may change the bits of a block that it plays."""

    name: str
    cpu: str
    torch: str
    numba: str
    blobmaster: str
    kernels: str
    """Hash of the sources of all kernels."""


def host_facts() -> HostFacts:
    """Return the facts of this host."""
    import numba
    import torch

    import blobmaster.kernels.compile  # noqa: F401 (names numba's folder by the sources)

    # Beside the model: a virtual machine may hide instructions, and torch then uses others.
    instructions = torch.backends.cpu.get_cpu_capability()
    return HostFacts(
        name=socket.gethostname(),
        cpu=f"{cpu_model()} with {instructions}",
        torch=str(torch.__version__),
        numba=numba.__version__,
        blobmaster=version("blobmaster"),
        kernels=Path(numba.config.CACHE_DIR).name.removeprefix("kernels-"),
    )


def cpu_model(cpuinfo: Path = CPUINFO) -> str:
    """Return the model of the first processor; the architecture where it is not known."""
    try:
        lines = cpuinfo.read_text(errors="replace").split("\n\n", 1)[0].splitlines()
    except OSError:
        lines = []
    pairs = (line.partition(":") for line in lines)
    found = [value.strip() for key, _, value in pairs if key.strip() in MODEL_KEYS]
    return " ".join(found) or platform.machine()


def difference(ours: HostFacts, theirs: HostFacts) -> str | None:
    """Describe in one line how another host differs from the trainer's; None if it does not."""
    pairs = zip(HostFacts._fields, ours, theirs, strict=True)
    parts = [
        f"{field} {other} instead of {own}"
        for field, own, other in pairs
        if field != "name" and own != other
    ]
    return f"{theirs.name} has " + ", ".join(parts) if parts else None
