"""Self-play of an iteration is a function of weights, settings, seed and iteration alone."""

from __future__ import annotations

import pytest
import torch
from number_formats import skip_unless_possible

from blobmaster.config.network import NetworkSettings
from blobmaster.config.rounds import RoundMix
from blobmaster.config.search import SearchSettings
from blobmaster.config.self_play import SelfPlaySettings
from blobmaster.game.records import Rounds, join
from blobmaster.model.network import BlobNetwork, new_network
from blobmaster.selfplay.engine import SelfPlayEngine
from blobmaster.selfplay.pool import LocalPool

CPU = torch.device("cpu")
PLAIN = SearchSettings(worlds=2, simulations=5)
EVERYTHING = SearchSettings(
    worlds=2, simulations=6, root="gumbel", tree="shared", solve_tricks=2, considered=4
)
WAYS = {
    "lookahead": (PLAIN, {"decide_by": "lookahead"}),
    "search": (PLAIN, {"decide_by": "search"}),
    "every option": (
        EVERYTHING,
        {
            "decide_by": "search",
            "full_share": 0.5,
            "cheap_simulations": 2,
            "end_settled": True,
        },
    ),
}
ROUNDS = 44
"""Five blocks of 8 rounds and one of 4."""

NETWORK = new_network(NetworkSettings(width=32, blocks=1), 7)


def sharp(seed: int) -> BlobNetwork:
    """Make a network whose outputs vary enough to change the play."""
    network = new_network(NetworkSettings(width=32, blocks=1), seed)
    with torch.no_grad():
        for part in (network.actor, network.critic):
            part.head.weight.mul_(20)
    return network.eval()


def one_thread() -> None:
    torch.set_num_threads(1)


def never() -> bool:
    return False


def ignore(rounds: int) -> None:
    pass


def engine_of(
    way: str, workers: int = 1, seed: int = 1, number_format: str = "fp32"
) -> SelfPlayEngine:
    settings = SelfPlaySettings(rounds_per_block=8, lanes=5, **WAYS[way][1])
    pool = LocalPool(workers, one_thread)
    return SelfPlayEngine(pool, RoundMix(), settings, seed, CPU, number_format)


def play(
    way: str,
    workers: int = 1,
    blocks=range(6),
    seed: int = 1,
    iteration: int = 3,
    network=NETWORK,
    number_format: str = "fp32",
    **hooks,
) -> dict[int, bytes]:
    """Play blocks and return the bytes of each finished one."""
    engine = engine_of(way, workers, seed, number_format)
    hooks = {"should_stop": never, "on_rounds": ignore} | hooks
    found = engine.play(iteration, network, WAYS[way][0], ROUNDS, blocks, **hooks)
    return {block: rounds.to_bytes() for block, rounds in found}


@pytest.fixture(scope="module", params=WAYS)
def way(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def undisturbed(way) -> dict[int, bytes]:
    return play(way)


def test_blocks_cut_an_iteration_into_all_its_rounds(way, undisturbed):
    engine = engine_of(way)
    assert [engine.block_count(rounds) for rounds in (1, 8, 9, 44)] == [1, 1, 2, 6]
    sizes = [len(Rounds.from_bytes(undisturbed[block])) for block in range(6)]
    assert sizes == [engine.units_in(block, ROUNDS) for block in range(6)] == [8] * 5 + [4]
    assert len(join(map(Rounds.from_bytes, undisturbed.values()))) == ROUNDS


@pytest.mark.parametrize("workers", [2, 4])
def test_the_number_of_workers_changes_no_byte(way, undisturbed, workers):
    assert play(way, workers) == undisturbed


@pytest.mark.parametrize("order", [[5, 4, 3, 2, 1, 0], [3, 0, 5, 1, 4, 2]])
def test_the_order_of_blocks_changes_no_byte(way, undisturbed, order):
    assert play(way, 2, blocks=order) == undisturbed
    assert {number: play(way, blocks=[number])[number] for number in order[:2]}.items() <= (
        undisturbed.items()
    )


@pytest.mark.parametrize("looks", [1, 20, 40, 60])
def test_blocks_that_were_stopped_and_played_again_change_no_byte(way, undisturbed, looks):
    looked = iter(range(looks))
    kept = play(way, 2, should_stop=lambda: next(looked, None) is None)
    assert len(kept) < 6
    missing = [number for number in range(6) if number not in kept]
    assert kept | play(way, 2, blocks=missing) == undisturbed


def test_every_round_is_reported_once(way):
    told: list[int] = []
    play(way, 2, on_rounds=told.append)
    assert sum(told) == ROUNDS


def test_other_seeds_iterations_blocks_and_weights_are_other_rounds(way, undisturbed):
    other = new_network(NetworkSettings(width=32, blocks=1), 8)
    found = [
        undisturbed[0],
        undisturbed[1],
        play(way, blocks=[0], seed=2)[0],
        play(way, blocks=[0], iteration=4)[0],
        play(way, blocks=[0], network=other)[0],
    ]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("number_format", ["bf16", "int8"])
def test_blocks_are_pure_functions_in_cheaper_number_formats_too(way, number_format):
    skip_unless_possible(number_format)
    alone = play(way, blocks=range(6), number_format=number_format)
    again = play(way, 3, blocks=[4, 2, 5, 0, 1, 3], number_format=number_format)
    assert again == alone
    assert play(way, network=sharp(7), number_format=number_format) != play(way, network=sharp(7))


@pytest.mark.parametrize("number_format", ["fp32", "bf16", "int8"])
def test_an_engine_plays_by_the_current_weights_after_others(way, number_format):
    skip_unless_possible(number_format)
    engine = engine_of(way, number_format=number_format)
    learned = sharp(1)

    def played(by: BlobNetwork, engine: SelfPlayEngine) -> dict[int, bytes]:
        blocks = engine.play(
            3, by, WAYS[way][0], ROUNDS, range(6), should_stop=never, on_rounds=ignore
        )
        return {block: rounds.to_bytes() for block, rounds in blocks}

    before = played(learned, engine)
    with torch.no_grad():  # as a learning step does
        learned.load_state_dict(sharp(2).state_dict())
    for network in (learned, sharp(3)):  # and as another one is promoted
        fresh = played(network, engine_of(way, number_format=number_format))
        assert played(network, engine) == fresh
        assert fresh != before


def test_an_error_in_a_block_is_raised(way):
    narrow = new_network(NetworkSettings(width=16, blocks=1), 0)
    narrow.actor = narrow.critic = torch.nn.Linear(3, 3)  # takes no observation
    with pytest.raises(RuntimeError, match="shapes"):
        play(way, 2, network=narrow)
