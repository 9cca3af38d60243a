"""Blocks in compiled code have the same bits as blocks that are stepped from Python."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
import torch
from fake_cuda_graphs import OUT_OF_MEMORY, FakeBackend
from number_formats import skip_unless_possible

from blobmaster.config.network import NetworkSettings
from blobmaster.config.rounds import RoundMix
from blobmaster.config.search import SearchSettings
from blobmaster.config.self_play import SelfPlaySettings
from blobmaster.game.records import Rounds
from blobmaster.inference.cuda_graphs import SIZES, STEPS
from blobmaster.inference.evaluator import NetworkEvaluator
from blobmaster.inference.precision import convert
from blobmaster.kernels.rng import generator
from blobmaster.model.network import new_network
from blobmaster.selfplay import by_lookahead as lookahead
from blobmaster.selfplay import by_search as block
from blobmaster.selfplay.deals import assign_players, deal, deal_games
from blobmaster.selfplay.successors import max_children

CPU = torch.device("cpu")
MIX = RoundMix(players={3: 0.5, 5: 0.5}, most_cards={3: {5: 1.0}, 5: {4: 1.0}})
SEARCH = SearchSettings(worlds=2, simulations=6)
ROUNDS = 80


class FromPython(NetworkEvaluator):
    """An evaluator without plans: every step is taken from Python."""

    def passes(self, *_):
        return None


class Played:
    """A block played with a backend, or without one."""

    def __init__(
        self,
        decide_by: str,
        backend: FakeBackend | None,
        *,
        games: bool = False,
        opponent_styles: float = 0.8,
        number_format: str = "fp32",
        kind: type[NetworkEvaluator] = NetworkEvaluator,
    ):
        network = new_network(NetworkSettings(width=32, blocks=1), 4, sees_games=games).eval()
        settings = SelfPlaySettings(decide_by=decide_by, lanes=9, opponent_styles=opponent_styles)
        draws = generator(5, "test of compiled blocks")
        deals = assign_players(
            (deal_games if games else deal)(MIX, 3 if games else ROUNDS, draws), settings, draws
        )
        rows = 9 * SEARCH.trees if decide_by == "search" else max_children(deals, 9)
        evaluator = kind(convert(network, number_format), rows, CPU, backend=backend)
        self.looks = 0
        self.told = 0

        def should_stop() -> bool:
            self.looks += 1
            return False

        def on_rounds(rounds: int) -> None:
            self.told += rounds

        told = {"should_stop": should_stop, "on_rounds": on_rounds}
        if decide_by == "search":
            self.rounds = block.play_block(evaluator, deals, SEARCH, settings, **told)
        else:
            self.rounds = lookahead.play_block(evaluator, deals, settings, **told)
        self.asked = [part.counts.copy() for part in evaluator.counted]


def from_python(decide_by: str, **options) -> Played:
    """Play a block whose every step is taken from Python."""
    return Played(decide_by, None, kind=FromPython, **options)


@pytest.fixture(autouse=True)
def one_row_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the batch sizes of an evaluator without a backend: the last bits depend on them."""
    monkeypatch.setattr("blobmaster.inference.batches.step_of", lambda *_: 1)


def same(mine: Rounds | None, other: Rounds | None) -> bool:
    return mine is not None and other is not None and mine.to_bytes() == other.to_bytes()


@pytest.mark.parametrize("decide_by", ["lookahead", "search"])
def test_a_block_in_compiled_code_equals_one_stepped_from_python(decide_by):
    plain, compiled = from_python(decide_by), Played(decide_by, backend := FakeBackend())
    assert same(compiled.rounds, plain.rounds)
    assert compiled.told == plain.told == ROUNDS
    assert np.array_equal(compiled.asked, plain.asked)
    assert len(set(backend.sizes)) > 3


@pytest.mark.parametrize("decide_by", ["lookahead", "search"])
def test_compiled_code_returns_to_python_once_in_many_steps(decide_by):
    # Opponents that are networks request no values, which makes more pairs of sizes.
    plain = from_python(decide_by, opponent_styles=0.0)
    compiled = Played(decide_by, backend := FakeBackend(), opponent_styles=0.0)
    # Once for every new pair of sizes, and else once in so many steps.
    assert compiled.looks <= len(backend.sizes) + plain.looks // STEPS + 2
    assert compiled.looks < plain.looks / 2


@pytest.mark.parametrize("number_format", ["fp32", "bf16", "int8"])
@pytest.mark.parametrize("decide_by", ["lookahead", "search"])
def test_a_block_in_compiled_code_on_cpu_plans_equals_one_stepped_from_python(
    decide_by, number_format
):
    skip_unless_possible(number_format)
    plain = from_python(decide_by, number_format=number_format)
    compiled = Played(decide_by, None, number_format=number_format)
    assert same(compiled.rounds, plain.rounds)
    assert np.array_equal(compiled.asked, plain.asked)
    assert compiled.looks < 0.7 * plain.looks


def test_games_on_planned_passes_equal_games_stepped_from_python():
    plain = from_python("lookahead", games=True)
    compiled = Played("lookahead", backend := FakeBackend(), games=True)
    assert same(compiled.rounds, plain.rounds)
    assert backend.launches > 0


@pytest.mark.parametrize("decide_by", ["lookahead", "search"])
@pytest.mark.parametrize("launch", [0, 1, 60])
def test_an_error_of_the_driver_ends_the_block(decide_by, launch):
    backend = FakeBackend()
    backend.fails_at = launch
    with pytest.raises(RuntimeError, match=f"error {OUT_OF_MEMORY}"):
        Played(decide_by, backend)


def test_only_a_few_batch_sizes_are_planned(monkeypatch):
    monkeypatch.undo()
    played = Played("search", backend := FakeBackend())
    assert played.told == ROUNDS
    assert 1 < len(backend.sizes) <= 2 * SIZES
    assert max(Counter(backend.sizes).values()) <= 2  # the actor's and the critic's


def messages_of_numba() -> list[str]:
    """Play a block each way in a process of its own; return the messages of numba's cache."""
    code = (
        "from test_compiled_blocks import Played; Played('lookahead', None); Played('search', None)"
    )
    environment = os.environ | {"NUMBA_DEBUG_CACHE": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if line.startswith("[cache]")]


def test_a_second_process_finds_all_steps_compiled_on_disk():
    messages_of_numba()
    messages = messages_of_numba()
    assert sum("data loaded" in message and "run_steps" in message for message in messages) == 2
    assert not [message for message in messages if "saved" in message]
