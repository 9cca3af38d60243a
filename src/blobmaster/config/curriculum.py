"""`[curriculum]`: growth of the search and of the number of rounds or games over a run."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import msgspec

from blobmaster.config.flag import Flag
from blobmaster.config.search import SearchSettings
from blobmaster.config.self_play import SelfPlaySettings


class Stage(NamedTuple):
    """The size of the search up to an iteration."""

    until: int
    """First iteration (0-based) after this stage."""
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
ADDED_UNITS = 16
"""Rounds or games that each iteration adds."""
MOST_UNITS = 10_000
"""Rounds or games of an iteration at most."""


class Curriculum(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Growth of the search and of the number of rounds or games over a run."""

    enabled: Annotated[bool, Flag("--enable-curriculum")] = False
    """Play rounds by a search that grows from 1×15 to 5×50, and let rounds or games grow from 2,000
    to 10,000 an iteration. The search has 1×15 up to iteration 50, 2×25 to 150, 3×35 to 300, 4×45
    to 450 and 5×50 from then on; each iteration has 16 rounds or games more. The settings of
    `[search]` and `[self_play]` that it replaces are ignored. The flag makes `decide_by` `search`,
    unless `--decide-by lookahead` is given or the run already has a curriculum; the key alone
    does not."""

    def search(self, iteration: int, settings: SearchSettings) -> SearchSettings:
        """Return the search of an iteration (0-based); the last stage holds from its end on."""
        if not self.enabled:
            return settings
        stage = next((stage for stage in STAGES if iteration < stage.until), STAGES[-1])
        return msgspec.structs.replace(settings, worlds=stage.worlds, simulations=stage.simulations)

    def rounds(self, iteration: int, settings: SelfPlaySettings) -> int:
        """Return the rounds of an iteration (0-based) of phase 1."""
        return self._units(iteration, settings.rounds)

    def games(self, iteration: int, settings: SelfPlaySettings) -> int:
        """Return the games of an iteration (0-based) of phase 2: as many as phase 1 has rounds."""
        return self._units(iteration, settings.games)

    def _units(self, iteration: int, without_curriculum: int) -> int:
        if not self.enabled:
            return without_curriculum
        return min(FIRST_UNITS + ADDED_UNITS * iteration, MOST_UNITS)
