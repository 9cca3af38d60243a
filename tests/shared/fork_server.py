"""A fork server: it imports everything once and forks trainers, which then start at once.

Importing torch takes seconds, most of the time of a test that kills a hundred trainers. A forked
trainer is an ordinary process in its own session and runs `blobmaster` as `main` does.

Protocol: one JSON line per request on stdin, one per answer on stdout. `{"start": [arguments],
"output": path}` is answered by `{"pid": n}`, and `{"poll": n}` by `{"status": s}`, where s is null
while the trainer runs, then its exit status, negative for a signal.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import numpy as np
import torch

from blobmaster.cli.main import main
from blobmaster.config.compose import compose
from blobmaster.config.config import Config
from blobmaster.config.search import SearchSettings
from blobmaster.model.network import new_network
from blobmaster.selfplay.engine import SelfPlayEngine
from blobmaster.selfplay.pool import LocalPool
from blobmaster.training.learner import Learner
from blobmaster.training.replay_buffer import ReplayWindow, new_batch


def load_kernels() -> None:
    """Play a round, so that kernels and optimizer are loaded before the fork.

    Its worker threads end here: only the thread that forks exists in the child.
    """
    config: Config = compose({"network": {"width": 16, "blocks": 1}})
    network = new_network(config.network, 0)
    learner = Learner(network, config.learning, 0, torch.device("cpu"))
    pool = LocalPool(1, prepare=lambda: torch.set_num_threads(1))
    engine = SelfPlayEngine(pool, config.rounds, config.self_play, 0, torch.device("cpu"))
    played = engine.play(
        0,
        learner.ema,
        SearchSettings(worlds=1, simulations=2),
        1,
        [0],
        should_stop=lambda: False,
        on_rounds=lambda _: None,
    )
    window = ReplayWindow(100)
    for _, rounds in played:
        window.add(rounds)
        window.draw(np.random.default_rng(0), 1.0, new_batch(1))


def fork_trainer(arguments: list[str], output: str) -> int:
    """Fork a trainer and return its pid; in the trainer, never return."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        os.setsid()
        file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(file, 1)
        os.dup2(file, 2)
        sys.argv = ["blobmaster", *arguments]
        main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Carry out one request."""
    if "start" in request:
        return {"pid": fork_trainer(request["start"], request["output"])}
    pid, status = os.waitpid(request["poll"], os.WNOHANG)
    return {"status": os.waitstatus_to_exitcode(status) if pid else None}


if __name__ == "__main__":
    torch.set_num_threads(1)  # OpenMP's threads would not survive the fork
    load_kernels()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
