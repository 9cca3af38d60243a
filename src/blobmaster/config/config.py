"""All settings of a run as one frozen object; importing it loads neither torch nor numba."""

from __future__ import annotations

import msgspec

from blobmaster.config.curriculum import Curriculum
from blobmaster.config.inference import InferenceSettings
from blobmaster.config.learning import LearningSettings
from blobmaster.config.network import NetworkSettings
from blobmaster.config.rating import RatingSettings
from blobmaster.config.rounds import RoundMix
from blobmaster.config.run import RunSettings
from blobmaster.config.search import SearchSettings
from blobmaster.config.self_play import SelfPlaySettings
from blobmaster.run.checkpoints.retention import is_permanent


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings of a run; each field is a table of the TOML file.

    Raises:
        ValueError: phase 2 is to decide by search, which maximizes points and not wins; or an
            exploiter is.
    """

    run: RunSettings = RunSettings()
    rounds: RoundMix = RoundMix()
    search: SearchSettings = SearchSettings()
    curriculum: Curriculum = Curriculum()
    network: NetworkSettings = NetworkSettings()
    inference: InferenceSettings = InferenceSettings()
    self_play: SelfPlaySettings = SelfPlaySettings()
    learning: LearningSettings = LearningSettings()
    rating: RatingSettings = RatingSettings()

    def __post_init__(self) -> None:
        if self.plays_games and self.self_play.decide_by == "search":
            raise ValueError(
                "self_play.decide_by: search maximizes points, and games are played for the win: "
                'leave it at "lookahead", without --search'
            )
        if self.self_play.exploited and self.self_play.decide_by == "search":
            raise ValueError(
                "an exploiter decides by lookahead: leave out --decide-by and --search"
            )

    @property
    def training_on(self) -> str:
        """`rounds` or `games`."""
        return self.run.training_on

    @property
    def plays_games(self) -> bool:
        """True in phase 2, which trains on full games."""
        return self.run.training_on == "games"

    def units(self, iteration: int) -> int:
        """Return the rounds or games of an iteration (0-based)."""
        if self.plays_games:
            return self.curriculum.games(iteration, self.self_play)
        return self.curriculum.rounds(iteration, self.self_play)

    @property
    def targets(self) -> LearningSettings:
        """The learning settings, as far as they suit the policy targets of this run."""
        # Visit counts are averaged over worlds before they are recorded.
        if self.self_play.decide_by == "lookahead":
            return self.learning
        return msgspec.structs.replace(self.learning, mean_log_from=1.0)

    def get_mcts_params(self, iteration: int) -> tuple[int, int]:
        """Return the worlds and the simulations per world of an iteration (0-based)."""
        search = self.curriculum.search(iteration, self.search)
        return search.worlds, search.simulations

    def decides_by(self, iteration: int) -> str:
        """Describe the policy of an iteration (0-based): `lookahead`, or the search as `3×35`."""
        if self.self_play.decide_by == "lookahead":
            return "lookahead"
        worlds, simulations = self.get_mcts_params(iteration)
        return f"{worlds}×{simulations}"

    def work(self, iteration: int) -> dict[str, float]:
        """Estimate the cost of an iteration's steps relative to other iterations, for the ETA.

        Self-play with search costs `rounds × simulations × (worlds + 1)`: evaluating all worlds in
        one batch costs about one world more than their number, since small batches are
        inefficient. Measured with 1 to 4 worlds, a round took 2,120, 1,570, 1,400 and 1,290 µs per
        simulation and world, within 2 % of this formula.

        Returns:
            By step, a cost in arbitrary units that are comparable across iterations.
        """
        worlds, simulations = self.get_mcts_params(iteration)
        rounds = self.units(iteration)  # or games: only iterations of one run are compared
        by_search = self.self_play.decide_by == "search"
        return {
            "self-play": float(rounds * (simulations * (worlds + 1) if by_search else 1)),
            "learning": float(rounds),
            "rating": float(is_permanent(iteration)),
        }
