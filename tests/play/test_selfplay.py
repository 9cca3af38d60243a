"""Self-play of an iteration: its data follow from weights, settings, seed and iteration alone."""

from __future__ import annotations

import pytest
import torch

from blobmaster.game.records import Rounds, join
from blobmaster.net.model import new_network
from blobmaster.net.settings import NetworkSettings
from blobmaster.play.pool import LocalPool
from blobmaster.play.selfplay import SelfPlayEngine
from blobmaster.play.settings import RoundMix, SelfPlaySettings
from blobmaster.search.settings import SearchSettings

CPU = torch.device("cpu")
SEARCH = SearchSettings(worlds=2, simulations=5)
SETTINGS = SelfPlaySettings(rounds_per_block=8, slots=5)
ROUNDS = 44
"""Five blocks of 8 rounds and one of 4."""

NETWORK = new_network(NetworkSettings(width=32, blocks=1), 7)


def one_thread() -> None:
    torch.set_num_threads(1)


def never() -> bool:
    return False


def ignore(rounds: int) -> None:
    pass


def play(
    workers: int = 1, blocks=range(6), seed: int = 1, iteration: int = 3, network=NETWORK, **hooks
) -> dict[int, bytes]:
    """The bytes of each block that was finished."""
    engine = SelfPlayEngine(LocalPool(workers, one_thread), RoundMix(), SETTINGS, seed, CPU)
    hooks = {"abandon": never, "on_rounds": ignore} | hooks
    found = engine.play(iteration, network, SEARCH, ROUNDS, blocks, **hooks)
    return {block: rounds.to_bytes() for block, rounds in found}


@pytest.fixture(scope="module")
def undisturbed() -> dict[int, bytes]:
    return play()


def test_blocks_cut_an_iteration_into_all_its_rounds(undisturbed):
    engine = SelfPlayEngine(LocalPool(1, one_thread), RoundMix(), SETTINGS, 1, CPU)
    assert [engine.block_count(rounds) for rounds in (1, 8, 9, 44)] == [1, 1, 2, 6]
    sizes = [len(Rounds.from_bytes(undisturbed[block])) for block in range(6)]
    assert sizes == [engine.rounds_in(block, ROUNDS) for block in range(6)] == [8] * 5 + [4]
    assert len(join(map(Rounds.from_bytes, undisturbed.values()))) == ROUNDS


@pytest.mark.parametrize("workers", [2, 4])
def test_the_number_of_workers_changes_no_byte(undisturbed, workers):
    assert play(workers) == undisturbed


@pytest.mark.parametrize("order", [[5, 4, 3, 2, 1, 0], [3, 0, 5, 1, 4, 2]])
def test_the_order_of_blocks_changes_no_byte(undisturbed, order):
    assert play(2, blocks=order) == undisturbed
    assert {number: play(blocks=[number])[number] for number in order[:2]}.items() <= (
        undisturbed.items()
    )


@pytest.mark.parametrize("looks", [1, 40, 200, 333])
def test_blocks_that_were_abandoned_and_played_again_change_no_byte(undisturbed, looks):
    looked = iter(range(looks))
    kept = play(2, abandon=lambda: next(looked, None) is None)
    assert len(kept) < 6
    missing = [number for number in range(6) if number not in kept]
    assert kept | play(2, blocks=missing) == undisturbed


def test_every_round_is_told_once():
    told: list[int] = []
    play(2, on_rounds=told.append)
    assert sum(told) == ROUNDS


def test_other_seeds_iterations_blocks_and_weights_are_other_rounds(undisturbed):
    other = new_network(NetworkSettings(width=32, blocks=1), 8)
    found = [
        undisturbed[0],
        undisturbed[1],
        play(blocks=[0], seed=2)[0],
        play(blocks=[0], iteration=4)[0],
        play(blocks=[0], network=other)[0],
    ]
    assert len(set(found)) == len(found)


def test_an_error_in_a_block_is_raised():
    narrow = torch.nn.Linear(3, 3)  # takes no observation
    with pytest.raises(RuntimeError, match="shapes"):
        play(2, network=narrow)
