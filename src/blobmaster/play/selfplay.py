"""Self-play of an iteration: its rounds cut into blocks, played by a pool of workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch

from blobmaster.game.records import Rounds
from blobmaster.net.inference import NetworkEvaluator
from blobmaster.net.model import BlobNetwork
from blobmaster.play.block import play_block
from blobmaster.play.deals import deal
from blobmaster.play.pool import Pool
from blobmaster.play.settings import RoundMix, SelfPlaySettings
from blobmaster.randomness import generator
from blobmaster.search.search import Evaluator
from blobmaster.search.settings import SearchSettings

MakeEvaluator = Callable[[BlobNetwork, int, torch.device], Evaluator]


class SelfPlayEngine:
    """Plays blocks; each follows from (weights, settings, seed, iteration, block number) alone."""

    def __init__(
        self,
        pool: Pool,
        mix: RoundMix,
        settings: SelfPlaySettings,
        seed: int,
        device: torch.device,
        make_evaluator: MakeEvaluator = NetworkEvaluator,
    ) -> None:
        """`make_evaluator(network, rows, device)` makes the evaluator of each block."""
        self._pool = pool
        self._mix = mix
        self._settings = settings
        self._seed = seed
        self._device = device
        self._make_evaluator = make_evaluator

    def block_count(self, rounds: int) -> int:
        """Blocks that `rounds` are cut into; the last may be smaller."""
        return -(-rounds // self._settings.rounds_per_block)

    def rounds_in(self, block: int, rounds: int) -> int:
        """Rounds of one block."""
        size = self._settings.rounds_per_block
        return min(size, rounds - block * size)

    def play(
        self,
        iteration: int,
        network: BlobNetwork,
        search: SearchSettings,
        rounds: int,
        blocks: Iterable[int],
        *,
        abandon: Callable[[], bool],
        on_rounds: Callable[[int], None],
    ) -> Iterator[tuple[int, Rounds]]:
        """Play some of an iteration's blocks, and yield each with its number as it is finished.

        Blocks that `abandon` cut short are not yielded: whoever needs them plays them again.
        """

        def play_one(block: int) -> Rounds | None:
            size = self.rounds_in(block, rounds)
            rows = min(self._settings.slots, size) * search.worlds
            return play_block(
                self._make_evaluator(network, rows, self._device),
                deal(self._mix, size, generator(self._seed, "self-play", iteration, block)),
                search,
                self._settings,
                abandon=abandon,
                on_rounds=on_rounds,
            )

        for block, played in self._pool.map(play_one, blocks):
            if played is not None:
                yield block, played
