"""Measure the cost of a run's files: checkpoints and the status."""

from __future__ import annotations

import statistics
import time
from typing import Any

import msgspec
import torch

from blobmaster.bench.common import REPEATS, Figures, filled_window, folder_here, seconds
from blobmaster.config.config import Config
from blobmaster.model.network import ARCHITECTURE, new_network, parameter_count
from blobmaster.run.checkpoints.store import RunIdentity
from blobmaster.run.control.process import this_process
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.session import RunSession
from blobmaster.run.status.publisher import StatusPublisher
from blobmaster.run.status.step_progress import StepProgress
from blobmaster.training.autotune import autotuned
from blobmaster.training.learner import Learner
from blobmaster.training.replay_buffer import ReplayWindow
from blobmaster.training.trainer import TrainingPipeline

MILESTONES = 100
"""Checkpoints that a run of 500 iterations keeps for good."""
CACHED = 4
"""Latest checkpoints that it keeps beside them."""


def measure_checkpoint() -> Figures:
    """Measure the time that a commit blocks the training loop, and its size, with a full window."""
    config = autotuned(Config())
    held: list[float] = []
    plain: list[float] = []
    with folder_here() as folder:
        root = folder / "run"
        with RunSession.open(root, command="blobmaster bench") as session:
            pipeline = TrainingPipeline(config, session, workers=1)
            session.begin(_identity(config), config.run.iterations, None, "")
            window = filled_window(config.learning.window)
            state = pipeline.state_dict(0)
            state["learner"] = _state_after_a_step(config, window)
            state["window"] = {
                name: torch.from_numpy(array) for name, array in window.state_dict().items()
            }
            pipeline.load_state_dict(state)
            for iteration in range(REPEATS + 1):
                began = time.perf_counter()
                pipeline.commit(iteration, None)
                held.append(time.perf_counter() - began)
                session.wait_for_commit()
                plain.append(seconds(lambda: torch.save(state, root / "plain")))
            entry, _ = session.store.newest_valid()
            assert entry is not None
            size = entry.path.stat().st_size
    return {
        "setting": f"default run, {window.decisions:,} decisions in the window",
        "held_ms": 1e3 * statistics.median(held[1:]),
        "plain_save_ms": 1e3 * statistics.median(plain[1:]),
        "bytes": size,
        "bytes_of_500_iterations": size * (MILESTONES + CACHED),
    }


def _state_after_a_step(config: Config, window: ReplayWindow) -> dict[str, Any]:
    """Return a learner's state with the optimizer's moments, which the first step creates."""
    settings = msgspec.structs.replace(config.learning, batch=8)
    learner = Learner(new_network(config.network, 0), settings, 0, torch.device("cpu"))
    learner.learn(0, window, 1, on_step=lambda: None, should_stop=lambda: False)
    return learner.state_dict()


def measure_status() -> Figures:
    """Measure a write of status.json with new values, the file synced."""
    with folder_here() as folder:
        progress = StepProgress(time.monotonic(), time.time())
        publisher = StatusPublisher(RunLayout(folder), this_process(), progress, lambda: None)
        times = []
        for loss in range(300):
            publisher.update(metrics={"loss": float(loss), "phase": "rounds"})
            times.append(seconds(publisher.write))
        publisher.close()
    return {
        "setting": "the file synced, in the working folder",
        "write_ms": 1e3 * statistics.median(times),
        "write_p99_ms": 1e3 * statistics.quantiles(times, n=100)[-1],
    }


def _identity(config: Config) -> RunIdentity:
    return RunIdentity(
        run_id="bench",
        project="Blobmaster",
        architecture=ARCHITECTURE,
        parameters=parameter_count(new_network(config.network, 0)),
        start_date="20000101",
        seed=0,
    )
