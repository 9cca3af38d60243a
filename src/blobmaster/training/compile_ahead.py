"""Compiles the kernels of self-play in a second process while the trainer loads torch.

numba compiles under one lock per process, so a second thread would gain nothing. Both processes
save kernels in the same cache, and `blobmaster.kernels.once` keeps them from compiling one twice.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from blobmaster.config.compose import as_tables, compose
from blobmaster.config.config import Config
from blobmaster.run.container import memory_limit, usable_cores

log = logging.getLogger(__name__)

NEEDED_BYTES = 1 << 30
"""Memory that a container must have left; the second process takes up to 0.5 GB."""

# The path of this process: a wheel, a checkout and `PYTHONPATH` all find the same code again.
_BOOT = (
    "import json, sys; given = json.loads(sys.stdin.readline()); sys.path[:] = given['path']; "
    "from blobmaster.training.compile_ahead import compile_self_play; compile_self_play(given)"
)


@contextlib.contextmanager
def second_compiler(config: Config) -> Iterator[None]:
    """Run a second compiler inside the block if no kernel is compiled yet and a core is free.

    Raises:
        KernelsUnavailableError: kernels cannot be compiled on this machine.
    """
    folder = kernel_folder()
    process = _start(config, folder) if _is_worth_starting(config, folder) else None
    try:
        yield
    finally:
        if process is not None:
            _end(process)


def kernel_folder() -> Path:
    """Return the folder of this code's compiled kernels.

    Raises:
        KernelsUnavailableError: kernels cannot be compiled on this machine.
    """
    import numba

    import blobmaster.kernels.compile  # noqa: F401 (sets numba's folder)

    return Path(numba.config.CACHE_DIR)


def _is_worth_starting(config: Config, folder: Path) -> bool:
    memory = memory_limit()
    return (
        next(folder.rglob("*.nbi"), None) is None  # numba's index of a compiled kernel
        and config.run.workers != 1  # a run that is to use one core gets no second one
        and usable_cores() > 1
        and (memory is None or memory.bytes - (memory.used_bytes or 0) >= NEEDED_BYTES)
        and bool(sys.executable)
    )


def _start(config: Config, folder: Path) -> subprocess.Popen[bytes] | None:
    given = {"path": sys.path, "folder": str(folder), "settings": as_tables(config)}
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", _BOOT],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,  # Ctrl+C and a hang-up are for the trainer
        )
        assert process.stdin is not None
        # Stays open: its end tells the process that this one has ended, however it ended.
        process.stdin.write(json.dumps(given).encode() + b"\n")
        process.stdin.flush()
    except OSError as error:
        log.debug("no second process compiles: %s", error)
        return None
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    assert process.stdin is not None
    with contextlib.suppress(OSError):  # what a process that failed early did not read
        process.stdin.close()


def compile_self_play(given: dict[str, Any]) -> None:
    """Play one round, as the trainer will, and end the process: the work of the second compiler.

    Args:
        given: the folder for kernels and the settings of the run, as `_start` wrote them.
    """
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # Without a folder that it may write, the trainer uses a private one, which others cannot find.
    if str(kernel_folder()) == given["folder"]:
        # The kernels are the same in all number formats and on a GPU.
        fixed = {"inference": {"number_format": "fp32", "device": "cpu"}}
        _play(compose(given["settings"], fixed))
    os._exit(0)


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)
    os._exit(0)


def _play(config: Config) -> None:
    import torch

    from blobmaster.inference.evaluator import use_one_thread
    from blobmaster.model.network import new_network
    from blobmaster.selfplay.pool import LocalPool
    from blobmaster.training.self_play_step import new_engine
    from blobmaster.training.warm_up import play_one_round

    use_one_thread()
    network = new_network(config.network, config.run.seed, sees_games=config.plays_games).eval()
    engine = new_engine(config, LocalPool(1, prepare=use_one_thread), torch.device("cpu"))
    play_one_round(engine, network)
