"""All settings of a run as one frozen object. Importing it loads neither torch nor numba."""

from __future__ import annotations

import msgspec

from blobmaster.config.curriculum import Curriculum
from blobmaster.config.inference import InferenceSettings
from blobmaster.config.learning import LearnSettings
from blobmaster.config.network import NetworkSettings
from blobmaster.config.rating import RatingSettings
from blobmaster.config.rounds import RoundMix
from blobmaster.config.run import RunSettings
from blobmaster.config.search import SearchSettings
from blobmaster.config.self_play import SelfPlaySettings
from blobmaster.run.checkpoints.retention import is_permanent


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings of a run. Its TOML has one table a field."""

    run: RunSettings = RunSettings()
    rounds: RoundMix = RoundMix()
    search: SearchSettings = SearchSettings()
    curriculum: Curriculum = Curriculum()
    network: NetworkSettings = NetworkSettings()
    inference: InferenceSettings = InferenceSettings()
    self_play: SelfPlaySettings = SelfPlaySettings()
    learning: LearnSettings = LearnSettings()
    rating: RatingSettings = RatingSettings()

    def __post_init__(self) -> None:
        if self.plays_games and self.self_play.decide_by == "search":
            raise ValueError(
                "self_play.decide_by: a search looks for points, and games are played for the win: "
                'leave it at "lookahead"'
            )

    @property
    def plays_games(self) -> bool:
        """Whether this is phase 2."""
        return self.run.training_on == "games"

    def units(self, iteration: int) -> int:
        """Rounds or games of an iteration (0-based)."""
        if self.plays_games:
            return self.curriculum.games(iteration, self.self_play)
        return self.curriculum.rounds(iteration, self.self_play)

    def get_mcts_params(self, iteration: int) -> tuple[int, int]:
        """Worlds and simulations of an iteration (0-based)."""
        search = self.curriculum.search(iteration, self.search)
        return search.worlds, search.simulations

    def decides_by(self, iteration: int) -> str:
        """How self-play decides in an iteration (0-based): `lookahead`, or by search, `3×35`."""
        if self.self_play.decide_by == "lookahead":
            return "lookahead"
        worlds, simulations = self.get_mcts_params(iteration)
        return f"{worlds}×{simulations}"

    def work(self, iteration: int) -> dict[str, float]:
        """What an iteration's steps cost beside others': rounds or simulations, ratings.

        A simulation of all worlds takes what one world more would: small batches are dear. The
        2,120, 1,570, 1,400 and 1,290 µs a round, simulation and world that 1 to 4 worlds took are
        within 2 % of that.
        """
        worlds, simulations = self.get_mcts_params(iteration)
        rounds = self.units(iteration)  # or games, which are alike among themselves
        by_search = self.self_play.decide_by == "search"
        return {
            "self-play": float(rounds * (simulations * (worlds + 1) if by_search else 1)),
            "learning": float(rounds),
            "rating": float(is_permanent(iteration)),
        }
