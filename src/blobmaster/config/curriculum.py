"""How search and the number of rounds or games grow over the iterations."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from blobmaster.config.search import SearchSettings
from blobmaster.config.self_play import SelfPlaySettings


class Stage(NamedTuple):
    """A search's size up to an iteration."""

    until: int
    """The first iteration (0-based) that this stage no longer holds for."""
    worlds: int
    simulations: int


STAGES = (
    Stage(50, 1, 15),
    Stage(150, 2, 25),
    Stage(300, 3, 35),
    Stage(450, 4, 45),
    Stage(500, 5, 50),
)
FIRST_UNITS = 2000
"""Rounds or games of the first iteration."""
MORE_UNITS = 16
"""What each iteration plays beyond the one before."""
MOST_UNITS = 10_000


class Curriculum(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether self-play starts cheap and grows, or stays as the settings say."""

    enabled: bool = False

    def search(self, iteration: int, settings: SearchSettings) -> SearchSettings:
        """The search of an iteration; past the last stage, the last one's."""
        if not self.enabled:
            return settings
        stage = next((stage for stage in STAGES if iteration < stage.until), STAGES[-1])
        return msgspec.structs.replace(settings, worlds=stage.worlds, simulations=stage.simulations)

    def rounds(self, iteration: int, settings: SelfPlaySettings) -> int:
        """The rounds of an iteration of phase 1."""
        return self._units(iteration, settings.rounds)

    def games(self, iteration: int, settings: SelfPlaySettings) -> int:
        """The games of an iteration of phase 2: as many as phase 1 has rounds."""
        return self._units(iteration, settings.games)

    def _units(self, iteration: int, usual: int) -> int:
        if not self.enabled:
            return usual
        return min(FIRST_UNITS + MORE_UNITS * iteration, MOST_UNITS)
