"""Play the self-play rounds or games of an iteration: blocks on a pool of workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch

from blobmaster.config.inference import NumberFormat
from blobmaster.config.rounds import RoundMix
from blobmaster.config.search import SearchSettings
from blobmaster.config.self_play import SelfPlaySettings
from blobmaster.game.records import Rounds
from blobmaster.inference.evaluator import NetworkEvaluator
from blobmaster.inference.precision import convert, reconvert
from blobmaster.model.network import BlobNetwork
from blobmaster.selfplay.blocks import BlockPlan, SelfPlayJob
from blobmaster.selfplay.lent_evaluators import EvaluatorMaker, LentEvaluators
from blobmaster.selfplay.pool import Pool


class SelfPlayEngine:
    """Plays blocks, and keeps its evaluators from one iteration to the next."""

    def __init__(
        self,
        pool: Pool,
        mix: RoundMix,
        settings: SelfPlaySettings,
        seed: int,
        device: torch.device,
        number_format: NumberFormat = "fp32",
        make_evaluator: EvaluatorMaker = NetworkEvaluator,
        *,
        whole_games: bool = False,
        frozen: BlobNetwork | None = None,
    ) -> None:
        """Args:
        pool: workers that play blocks.
        mix: the sizes of rounds or games to play.
        settings: how to play them.
        seed: the run's random seed.
        device: where networks run.
        number_format: number format of the forward passes.
        make_evaluator: makes evaluators; each serves many blocks, one after another.
        whole_games: True if the units of play are games, not rounds.
        frozen: holds the seats of network opponents; None for the network that learns.
        """
        self._plan = BlockPlan(mix, settings, seed, whole_games)
        self._pool = pool
        self._device = device
        self._number_format = number_format
        self._make_evaluator = make_evaluator
        self._frozen_network = frozen
        self._frozen = None if frozen is None else convert(frozen.to(device), number_format)
        self._evaluators: LentEvaluators | None = None

    def block_count(self, units: int) -> int:
        """Return the number of blocks of so many rounds or games; the last may be smaller."""
        return self._plan.block_count(units)

    def units_in(self, block: int, units: int) -> int:
        """Return the number of rounds or games in a block."""
        return self._plan.units_in(block, units)

    def round_count(self, iteration: int, units: int) -> int:
        """Return the number of rounds in an iteration of so many rounds or games."""
        return self._plan.round_count(iteration, units)

    def weights(self, network: BlobNetwork) -> dict[str, torch.Tensor]:
        """Return all weights that the blocks played with `network` follow from."""
        weights = dict(network.state_dict())
        if self._frozen_network is not None:
            frozen = self._frozen_network.state_dict()
            weights |= {f"frozen.{name}": tensor for name, tensor in frozen.items()}
        return weights

    def play(
        self,
        iteration: int,
        network: BlobNetwork,
        search: SearchSettings,
        units: int,
        blocks: Iterable[int],
        *,
        should_stop: Callable[[], bool],
        on_rounds: Callable[[int], None],
    ) -> Iterator[tuple[int, Rounds]]:
        """Play blocks of an iteration, and yield each with its number when it is finished.

        Args:
            iteration: part of the blocks' random streams.
            network: evaluates the positions; its current weights are used.
            search: settings of each decision's search, if the settings play by search.
            units: rounds or games of the whole iteration.
            blocks: numbers of the blocks to play.
            should_stop: called often, from any thread. Blocks that it cut short are not yielded:
                the caller plays them again later.
            on_rounds: called from any thread with the number of rounds just finished.
        """
        job = SelfPlayJob(self._plan, self._with_weights(network), iteration, search, units)
        yield from self._pool.map(job, blocks, should_stop=should_stop, on_units=on_rounds)

    def _with_weights(self, network: BlobNetwork) -> LentEvaluators:
        """Convert the current weights of the network; return evaluators that use them."""
        before = None if self._evaluators is None else self._evaluators.parts
        parts = reconvert(before, network, self._number_format)
        if self._evaluators is None or parts != before:
            # Not converted in place: the earlier evaluators hold the old weights.
            self._evaluators = LentEvaluators(
                parts, self._frozen, self._device, self._make_evaluator
            )
        if self._device.type == "cuda":
            # Workers use CUDA streams of their own, which do not wait for the copy of the weights.
            torch.cuda.synchronize(self._device)
        return self._evaluators
