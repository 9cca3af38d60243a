"""Learning with a captured step, as on a GPU, gives the state of plain steps.

Without a GPU, the step itself stands in for the CUDA graph, with the same warm-up.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
from selfplayed import selfplayed

from blobmaster.config.learning import LearningSettings
from blobmaster.config.network import NetworkSettings
from blobmaster.model.network import new_network
from blobmaster.training import learner as module
from blobmaster.training.cuda_step import CudaGraphStep, warm_up
from blobmaster.training.learner import DivergedError, Learner
from blobmaster.training.replay_buffer import ReplayWindow

HERE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class RepeatedStep(CudaGraphStep):
    """Runs the step itself on each call, and counts captures."""

    captures = 0

    def __init__(
        self,
        step: Callable[[], torch.Tensor],
        changes: Callable[[], Iterable[torch.Tensor]],
    ) -> None:
        warm_up(step, changes)
        self._step = step
        RepeatedStep.captures += 1

    def __call__(self) -> torch.Tensor:
        return self._step()


@pytest.fixture
def captured(monkeypatch: pytest.MonkeyPatch) -> None:
    RepeatedStep.captures = 0
    if HERE.type == "cpu":
        monkeypatch.setattr(module, "CudaGraphStep", RepeatedStep)
        monkeypatch.setattr(module, "uses_cuda_graph", lambda _: True)


@pytest.fixture(scope="module")
def window() -> ReplayWindow:
    filled = ReplayWindow(10**6)
    filled.add(selfplayed())
    return filled


def new_learner(device: torch.device = HERE, **changes: Any) -> Learner:
    network = new_network(NetworkSettings(width=48, blocks=1), 1)
    settings = LearningSettings(**({"batch": 64, "threads": 1, "ema_decay": 0.9} | changes))
    return Learner(network, settings, 5, device)


def learn(learner: Learner, window: ReplayWindow, iterations: Iterable[int]) -> list[Any]:
    return [
        learner.learn(i, window, 7, on_step=lambda: None, should_stop=lambda: False)
        for i in iterations
    ]


def tensors(learner: Learner) -> list[torch.Tensor]:
    state = learner.state_dict()
    moments = [part[name] for part in state["optimizer"]["state"].values() for name in sorted(part)]
    return [*state["network"].values(), *state["average"].values(), *moments]


def test_a_captured_step_learns_like_a_plain_one(captured, window, monkeypatch):
    mine = new_learner()
    found = learn(mine, window, range(3))
    monkeypatch.setattr(module, "uses_cuda_graph", lambda _: False)
    other = new_learner(torch.device("cpu"))
    assert found[0].total == pytest.approx(learn(other, window, range(3))[0].total, rel=1e-3)
    for one, its in zip(tensors(mine), tensors(other), strict=True):
        torch.testing.assert_close(one.cpu(), its, rtol=1e-2, atol=1e-4)


def test_the_capture_changes_no_tensor(captured, window):
    """A second capture, when the optimizer already has moments, changes nothing either."""
    mine = new_learner()
    learn(mine, window, range(2))
    again = new_learner()
    learn(again, window, [0])
    kept = io.BytesIO()
    torch.save(again.state_dict(), kept)
    resumed = new_learner()
    resumed.load_state_dict(torch.load(io.BytesIO(kept.getvalue()), map_location="cpu"))
    learn(resumed, window, [1])
    for one, its in zip(tensors(mine), tensors(resumed), strict=True):
        assert torch.equal(one, its)


def test_a_learner_that_loads_a_state_captures_again(captured, window):
    mine, other = new_learner(), new_learner()
    learn(other, window, [0])
    learn(mine, window, [3])
    mine.load_state_dict(copy.deepcopy(other.state_dict()))
    learn(mine, window, [1])
    learn(other, window, [1])
    for one, its in zip(tensors(mine), tensors(other), strict=True):
        assert torch.equal(one, its)
    assert HERE.type == "cuda" or RepeatedStep.captures == 3


def test_the_learning_rate_follows_its_schedule_after_the_capture(captured, window):
    """A learning rate of almost 0 at the end of the schedule leaves the weights alone."""
    mine = new_learner(last_learning_rate=1e-30, schedule_iterations=10)
    learn(mine, window, [0])
    before = [weight.clone() for weight in mine.network.parameters()]
    learn(mine, window, [10])
    for one, its in zip(mine.network.parameters(), before, strict=True):
        torch.testing.assert_close(one, its, rtol=0, atol=1e-20)


def test_the_state_has_the_same_types_on_every_device(captured, window):
    mine = new_learner()
    learn(mine, window, [0])
    for group in mine.state_dict()["optimizer"]["param_groups"]:
        assert type(group["lr"]) is float
        assert group["capturable"] is False


def test_a_loss_that_is_not_finite_stops_learning(captured, window):
    mine = new_learner()
    learn(mine, window, [0])
    with torch.no_grad():
        next(mine.network.parameters()).fill_(float("nan"))
    with pytest.raises(DivergedError, match="loss is nan at step 7"):
        learn(mine, window, [1])
