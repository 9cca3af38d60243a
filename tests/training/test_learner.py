"""The learner: it learns, is deterministic to the bit, and stops at numbers that are not finite."""

from __future__ import annotations

import io
import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from selfplayed import selfplayed, telling_rounds

from blobmaster.config.learning import LearningSettings
from blobmaster.config.network import NetworkSettings
from blobmaster.game.rules import ACTION_COUNT
from blobmaster.kernels.rng import generator
from blobmaster.model.features import WHOLE_FEATURES
from blobmaster.model.heads import ACTOR_OUTPUTS, CRITIC_OUTPUTS, TRICK_COUNTS, TRICK_OUTPUTS
from blobmaster.model.network import new_network
from blobmaster.training.learner import DivergedError, Learner, Losses
from blobmaster.training.losses import losses
from blobmaster.training.replay_buffer import ABSENT, Batch, ReplayWindow, new_batch

CPU = torch.device("cpu")


def settings(**changes: Any) -> LearningSettings:
    return LearningSettings(**({"batch": 64, "threads": 1, "ema_decay": 0.9} | changes))


def new_learner(seed: int = 5, **changes: Any) -> Learner:
    network = new_network(NetworkSettings(width=48, blocks=1), 1)
    return Learner(network, settings(**changes), seed, CPU)


@pytest.fixture
def window() -> ReplayWindow:
    filled = ReplayWindow(10**6)
    filled.add(selfplayed())
    return filled


def ignore() -> None:
    pass


def never() -> bool:
    return False


def learn(learner: Learner, iteration: int, window: ReplayWindow, steps: int) -> Losses:
    found = learner.learn(iteration, window, steps, on_step=ignore, should_stop=never)
    assert found is not None
    return found


def flat(network: torch.nn.Module) -> torch.Tensor:
    return torch.cat([weight.detach().flatten() for weight in network.parameters()])


def everything(learner: Learner) -> bytes:
    """Return the bytes of the learner's whole state."""
    file = io.BytesIO()
    torch.save(learner.state_dict(), file)
    return file.getvalue()


def entropy(shares: np.ndarray) -> float:
    return -sum(share * math.log(share) for share in shares.tolist() if share > 0)


def test_the_loss_falls_on_real_rounds():
    window = ReplayWindow(10**6)
    window.add(telling_rounds())
    learner = new_learner(learning_rate=3e-3)
    batch = new_batch(2000)
    window.read(window.order(generator(1, "judge"), 2000, window.decisions), 1.0, batch)
    tensors = [torch.from_numpy(array) for array in batch]

    def judged() -> tuple[float, float]:
        """Return the policy loss above the targets' entropy, its minimum, and the value loss."""
        floor = np.mean([entropy(shares) for shares in batch.policy])
        found = losses(learner.ema, *tensors)
        return found.policy.item() - floor, found.value.item()

    before = judged()
    trained = [learn(learner, iteration, window, 50) for iteration in range(4)]
    after = judged()
    assert 0 < after[0] < 0.65 * before[0]
    assert after[1] < 0.75 * before[1]
    assert trained[-1].total < trained[0].total
    assert (
        trained[0].total > trained[0].policy + trained[0].value
    )  # the auxiliary loss is part of the total


def test_losses_are_the_cross_entropies_of_plain_python(window):
    batch = new_batch(40)
    window.read(window.order(generator(1, "batch"), 40, window.decisions), 0.8, batch)
    batch.policy[7] = 0.0  # a random opponent's
    batch.greedy[:] = np.arange(40) % 3 == 0
    draws = np.random.default_rng(1)
    outputs = draws.normal(0, 2, (40, ACTOR_OUTPUTS)).astype(np.float32)
    judged = draws.normal(0, 2, (40, CRITIC_OUTPUTS)).astype(np.float32)

    class Fixed(torch.nn.Module):
        standing = None  # it sees no games

        def forward(self, wholes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            assert wholes.shape == (40, WHOLE_FEATURES)
            return torch.from_numpy(outputs), torch.from_numpy(judged)

    found = losses(Fixed(), *map(torch.from_numpy, batch))
    policies, divergences, values, views, made = [], [], [], [], []
    for i in range(40):
        legal = batch.legal[i].nonzero()[0]
        total = math.log(sum(math.exp(outputs[i, a]) for a in legal))
        policies.append(sum(batch.policy[i, a] * (total - outputs[i, a]) for a in legal))
        if batch.policy[i].any():
            logs = {a: outputs[i, a] - total for a in legal}
            divergences.append(
                sum(
                    math.exp(logs[a]) * (logs[a] - math.log(max(batch.policy[i, a], 0.5 / 255)))
                    for a in legal
                )
            )
        for seat, tricks in enumerate(batch.tricks[i]):
            if tricks != ABSENT:
                counts = batch.possible[i, seat].nonzero()[0]
                for of, predicted in ((values, judged[i]), (views, outputs[i, ACTION_COUNT:])):
                    if of is views and not batch.greedy[i]:
                        continue
                    logits = predicted[seat * TRICK_COUNTS :][:TRICK_COUNTS]
                    of.append(math.log(sum(math.exp(logits[n]) for n in counts)) - logits[tricks])
        bid = batch.bid[i]
        if batch.greedy[i] and bid != ABSENT:
            odds = float(outputs[i, ACTION_COUNT + TRICK_OUTPUTS + bid])
            chance = 1 / (1 + math.exp(-odds))
            made.append(-math.log(chance if batch.tricks[i, 0] == bid else 1 - chance))
    assert found.policy.item() == pytest.approx(np.sum(policies) / 39, abs=1e-5)
    assert len(divergences) == 39
    assert found.divergence.item() == pytest.approx(np.mean(divergences), abs=1e-5)
    assert found.value.item() == pytest.approx(np.mean(values), abs=1e-5)
    assert len(made) > 1
    assert found.view.item() == pytest.approx(np.mean(views) + np.mean(made), abs=1e-5)
    assert found.policy.item() > np.mean([entropy(row) for row in batch.policy])
    batch.greedy[:] = False
    of_none = losses(Fixed(), *map(torch.from_numpy, batch)).view.item()
    batch.greedy[:] = True
    assert losses(Fixed(), *map(torch.from_numpy, batch)).view.item() == of_none
    assert of_none != pytest.approx(found.view.item(), abs=1e-3)


@pytest.mark.parametrize("number_format", ["fp32", "bf16"])
def test_learning_is_deterministic_to_the_bit(window, number_format):
    found = []
    for uses_global_stream in (False, True):
        learner = new_learner(number_format=number_format)
        if uses_global_stream:
            torch.rand(100)
        found.append((learn(learner, 3, window, 8), everything(learner)))
    assert found[0] == found[1]
    for seed, iteration in ((6, 3), (5, 4)):
        other = new_learner(seed)
        learn(other, iteration, window, 8)
        assert not torch.equal(flat(other.network), flat(learner.network))


def test_bf16_learns_like_fp32_up_to_rounding(window):
    found = [learn(new_learner(number_format=of), 0, window, 20) for of in ("fp32", "bf16")]
    assert found[0] != found[1]
    assert found[0] == pytest.approx(found[1], rel=5e-3)


def test_learning_continues_from_a_file_to_the_bit(window):
    uninterrupted = new_learner()
    for iteration in range(4):
        expected = learn(uninterrupted, iteration, window, 6)

    learner = new_learner()
    learn(learner, 0, window, 6)
    learn(learner, 1, window, 6)
    file = io.BytesIO(everything(learner))
    resumed = Learner(new_network(NetworkSettings(width=48, blocks=1), 99), settings(), 5, CPU)
    resumed.load_state_dict(torch.load(file, weights_only=True))
    learn(resumed, 2, window, 6)
    assert learn(resumed, 3, window, 6) == expected
    assert everything(resumed) == everything(uninterrupted)
    assert torch.equal(flat(resumed.ema), flat(uninterrupted.ema))


def test_interrupted_learning_returns_none_between_two_steps(window):
    steps: list[int] = []
    found = new_learner().learn(
        0, window, 50, on_step=lambda: steps.append(1), should_stop=lambda: len(steps) >= 3
    )
    assert found is None
    assert len(steps) == 3


def test_a_loss_that_is_not_finite_stops_learning(window):
    learner = new_learner()
    learn(learner, 0, window, 2)
    with torch.no_grad():
        learner.network.actor.head.bias[0] = math.nan
    with pytest.raises(DivergedError, match="loss is nan at step 2"):
        learn(learner, 1, window, 2)


def test_a_weight_that_is_not_finite_is_found_even_if_every_loss_was_finite(window):
    learner = new_learner(learning_rate=1e39)  # beyond float32: the first step ruins the weights
    with pytest.raises(DivergedError, match=r"weights of .* are not finite after step 1"):
        learn(learner, 0, window, 1)


def test_weights_that_no_batch_uses_are_checked_too(window):
    learner = new_learner()
    with torch.no_grad():  # the logit of an action is masked wherever the action is not legal
        learner.network.actor.head.weight[ACTION_COUNT - 1] = math.inf
        learner.network.actor.head.bias[ACTION_COUNT - 1] = -math.inf
    with pytest.raises(DivergedError):
        learn(learner, 0, window, 1)


def test_the_ema_forgets_its_initial_weights(window):
    learner = new_learner(learning_rate=1e-12, last_learning_rate=1e-12, weight_decay=0.0)
    with torch.no_grad():
        for weight in learner.ema.parameters():
            weight.fill_(1000.0)
    learn(learner, 0, window, 1)
    left = (flat(learner.ema) - flat(learner.network)) / (1000 - flat(learner.network))
    assert left == pytest.approx(1 / 11, abs=1e-3)
    learn(learner, 1, window, 150)
    assert (flat(learner.ema) - flat(learner.network)).abs().max() < 1e-3


def test_the_ema_averages_the_weights_of_all_steps(window):
    learner = new_learner()
    expected = flat(learner.network).double()
    for iteration in range(15):
        learn(learner, iteration, window, 1)
        decay = min(0.9, (iteration + 1) / (iteration + 11))
        expected = decay * expected + (1 - decay) * flat(learner.network).double()
    torch.testing.assert_close(flat(learner.ema).double(), expected, atol=1e-6, rtol=1e-5)
    assert not any(weight.requires_grad for weight in learner.ema.parameters())


def test_the_learning_rate_falls_as_a_cosine_to_its_last():
    learner = new_learner(learning_rate=1e-2, last_learning_rate=1e-4, schedule_iterations=100)
    rates = [learner.learning_rate(n / 4) for n in range(401)]
    assert rates[0] == pytest.approx(1e-2)
    assert rates[200] == pytest.approx((1e-2 + 1e-4) / 2)
    assert rates[400] == pytest.approx(1e-4)
    assert all(a > b for a, b in pairwise(rates))
    assert learner.learning_rate(100.5) == learner.learning_rate(5000) == pytest.approx(1e-4)


def test_a_step_is_taken_at_the_schedules_rate(window):
    learner = new_learner(schedule_iterations=2, learning_rate=1e-3, last_learning_rate=1e-9)
    learn(learner, 1, window, 4)
    rates = [group["lr"] for group in learner.state_dict()["optimizer"]["param_groups"]]
    assert rates == [learner.learning_rate(1.75)]


@pytest.mark.parametrize(
    ("decisions", "steps"), [(0, 1), (1, 1), (16, 1), (17, 2), (1600, 100), (1601, 101)]
)
def test_an_iteration_has_the_steps_that_its_decisions_bring(decisions, steps):
    assert new_learner(batch=64, replay_ratio=4.0).steps_for(decisions) == steps


class RecordingWindow(ReplayWindow):
    """Counts how often each of its decisions is read."""

    def learned(self, learner: Learner, new: int) -> np.ndarray:
        self.reads = np.zeros(self.decisions, np.int64)
        learn(learner, 0, self, learner.steps_for(new))
        return self.reads

    def read(self, numbers: np.ndarray, tau: float, batch: Batch) -> None:
        np.add.at(self.reads, numbers, 1)
        super().read(numbers, tau, batch)


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0, 3.5])
def test_an_iteration_learns_each_decision_of_the_newest_ones_once(ratio):
    window = RecordingWindow(10**6)
    window.add(selfplayed())
    new = window.decisions // 4
    reads = window.learned(new_learner(batch=64, replay_ratio=ratio), new)
    draws = 64 * math.ceil(ratio * new / 64)
    assert reads.sum() == draws < window.decisions
    assert reads.max() == 1
    older_than_all_drawn_from = window.decisions - math.ceil(draws / min(ratio, 1))
    assert not reads[:older_than_all_drawn_from].any()
    drawn_from = reads[older_than_all_drawn_from:]
    assert (
        drawn_from.all()
        if ratio >= 1
        else all(part.any() for part in np.array_split(drawn_from, 4))
    )


def test_a_window_of_fewer_decisions_is_learned_again_and_again():
    window = RecordingWindow(10**6)
    window.add(selfplayed().newest(4))
    reads = window.learned(new_learner(batch=64, replay_ratio=4.0), window.decisions)
    assert set(reads.tolist()) <= {4, 5, 6}
    assert reads.min() == 4


def fitted(share: float) -> np.ndarray:
    """Return the policy that learns two targets of one decision, each in half of the deals."""
    targets = np.array([[0.9, 0.1], [0.3, 0.7]], np.float32)
    batch = new_batch(2)
    batch.legal[:, :2] = True
    batch.policy[:, :2] = targets
    batch.tricks[:], batch.bid[:] = ABSENT, ABSENT
    batch.tricks[:, 0] = 0
    batch.possible[:, :, 0] = True
    logits = torch.zeros(ACTOR_OUTPUTS, requires_grad=True)

    class Same(torch.nn.Module):
        standing = None

        def forward(self, _: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return logits.expand(2, -1), torch.zeros(2, CRITIC_OUTPUTS)

    optimizer = torch.optim.SGD([logits], lr=1.0)
    for _ in range(500):
        found = losses(Same(), *map(torch.from_numpy, batch))
        optimizer.zero_grad()
        ((1 - share) * found.policy + share * found.divergence).backward()
        optimizer.step()
    return logits[:2].softmax(dim=0).detach().numpy()


def test_cross_entropy_fits_the_mean_of_the_targets_and_the_divergence_their_mean_logarithm():
    assert fitted(0.0) == pytest.approx([0.6, 0.4], abs=1e-4)
    roots = np.sqrt([0.9 * 0.3, 0.1 * 0.7])
    assert fitted(1.0) == pytest.approx(roots / roots.sum(), abs=1e-4)


@pytest.mark.parametrize(
    ("begins", "iteration", "share"),
    [(0.7, 0, 0), (0.7, 70, 0), (0.7, 75, 0.5), (0.7, 80, 1), (0.7, 500, 1), (1.0, 500, 0)],
)
def test_the_share_of_the_divergence_grows_late_in_the_schedule(begins, iteration, share):
    settings = LearningSettings(schedule_iterations=100, mean_log_from=begins)
    assert settings.reverse_share(iteration) == pytest.approx(share)


def test_targets_are_not_sharpened_while_their_mean_logarithm_is_fitted():
    settings = LearningSettings(
        schedule_iterations=100, mean_log_from=0.7, tau_iterations=50, last_tau=0.5
    )
    assert [settings.tau(i) for i in (0, 50, 70, 75, 80, 99)] == pytest.approx(
        [1, 0.5, 0.5, 0.75, 1, 1]
    )


def test_the_divergence_changes_what_is_learned_once_it_has_a_share(window):
    late = [new_learner(schedule_iterations=10, mean_log_from=begins) for begins in (0.0, 1.0)]
    for learner in late:
        learn(learner, 9, window, 3)
    assert everything(late[0]) != everything(late[1])
