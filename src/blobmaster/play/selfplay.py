"""Self-play of an iteration: its rounds cut into blocks, played by a pool of workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch

from blobmaster.game.records import Rounds
from blobmaster.net.formats import Parts, packed
from blobmaster.net.inference import NetworkEvaluator
from blobmaster.net.model import BlobNetwork
from blobmaster.net.settings import NumberFormat
from blobmaster.play import lookahead
from blobmaster.play.block import play_block
from blobmaster.play.deals import Deals, deal, seat_strangers
from blobmaster.play.lookahead import children_of
from blobmaster.play.pool import Pool
from blobmaster.play.settings import RoundMix, SelfPlaySettings
from blobmaster.randomness import generator
from blobmaster.search.settings import SearchSettings

MakeEvaluator = Callable[[Parts, int, torch.device], NetworkEvaluator]


class SelfPlayEngine:
    """Plays blocks; each follows from (weights, settings, seed, iteration, block number) alone."""

    def __init__(
        self,
        pool: Pool,
        mix: RoundMix,
        settings: SelfPlaySettings,
        seed: int,
        device: torch.device,
        number_format: NumberFormat = "fp32",
        make_evaluator: MakeEvaluator = NetworkEvaluator,
    ) -> None:
        """`make_evaluator(network, rows, device)` makes the evaluator of each block."""
        self._pool = pool
        self._mix = mix
        self._settings = settings
        self._seed = seed
        self._device = device
        self._number_format = number_format
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
        parts = packed(network, self._number_format)

        def play_one(block: int) -> Rounds | None:
            deals = self._deals(iteration, block, self.rounds_in(block, rounds))
            slots = min(self._settings.slots, len(deals))
            if self._settings.decide_by == "lookahead":
                return lookahead.play_block(
                    self._make_evaluator(parts, children_of(deals, slots), self._device),
                    deals,
                    self._settings,
                    abandon=abandon,
                    on_rounds=on_rounds,
                )
            return play_block(
                self._make_evaluator(parts, slots * search.trees, self._device),
                deals,
                search,
                self._settings,
                abandon=abandon,
                on_rounds=on_rounds,
            )

        for block, played in self._pool.map(play_one, blocks):
            if played is not None:
                yield block, played

    def _deals(self, iteration: int, block: int, rounds: int) -> Deals:
        draws = generator(self._seed, "self-play", iteration, block)
        return seat_strangers(deal(self._mix, rounds, draws), self._settings, draws)
