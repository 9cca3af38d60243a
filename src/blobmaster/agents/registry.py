"""The registry of opponents. To add one, write its file and add a line to `OPPONENTS`.

The name pattern, the parser (`blobmaster.agents.names`), the help of `blobmaster evaluate`, the
error for an unknown player, docs/opponents.md and the players of every rating follow from that
line. This module loads neither numpy nor torch: the file of an opponent is imported when the
opponent is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from blobmaster.game.styles import HELD_OUT_STYLES, HEURISTIC, TRAINING_STYLES, Style


@dataclass(frozen=True)
class Opponent:
    """A kind of opponent."""

    name: str
    """Its name, and with `takes_simulations` the part before `-N`."""
    meaning: str
    """For help texts and docs/opponents.md; empty if the name says it all."""
    maker: str
    """`module:function`; see `blobmaster.agents.factory.OpponentMaker`."""
    takes_simulations: bool = False
    """True for `NAME-N`, with N simulations per decision."""
    is_rated: bool = False
    """True if every rating plays against it; it is then made without a checkpoint."""
    extra: str = ""
    """The extra of this package that it needs, if any."""
    in_self_play: str = ""
    """`yes` for a possible opponent in self-play, `held out` for a style that never is."""

    @property
    def pattern(self) -> str:
        """The name as the help shows it, such as `ismcts-N`."""
        return f"{self.name}-N" if self.takes_simulations else self.name

    @property
    def usage(self) -> str:
        """The pattern with its meaning."""
        needs = f"needs the extra {self.extra}" if self.extra else ""
        notes = ", ".join(note for note in (self.meaning, needs) if note)
        return f"{self.pattern} ({notes})" if notes else self.pattern


def _of_style(style: Style, in_self_play: str) -> Opponent:
    maker = "blobmaster.agents.styles:make_style"
    return Opponent(style.name, style.meaning, maker, in_self_play=in_self_play)


OPPONENTS: Final = (
    Opponent(
        "random",
        "plays uniformly",
        "blobmaster.agents.uniform:make_random",
        is_rated=True,
        in_self_play="yes",
    ),
    Opponent(
        HEURISTIC.name,
        HEURISTIC.meaning,
        "blobmaster.agents.heuristic:make_heuristic",
        is_rated=True,
    ),
    Opponent(
        "untrained",
        "the checkpoint's network before training",
        "blobmaster.agents.network:make_untrained",
    ),
    Opponent(
        "rollout",
        "searches with random rollouts",
        "blobmaster.agents.rollout:make_rollout_player",
        takes_simulations=True,
    ),
    Opponent(
        "ismcts",
        "information-set MCTS",
        "blobmaster.agents.ismcts:make_ismcts",
        takes_simulations=True,
    ),
    Opponent(
        "peeking-ismcts",
        "sees which cards were not dealt",
        "blobmaster.agents.ismcts:make_peeking_ismcts",
        takes_simulations=True,
    ),
    Opponent(
        "openspiel-ismcts",
        "OpenSpiel's ISMCTS bot, our rules",
        "blobmaster.agents.openspiel:make_openspiel_ismcts",
        takes_simulations=True,
        extra="openspiel",
    ),
    *(_of_style(style, "yes") for style in TRAINING_STYLES),
    *(_of_style(style, "held out") for style in HELD_OUT_STYLES),
)
"""All opponents but checkpoints. The rated ones stand in the order in which ratings list them."""

CHECKPOINT: Final = Opponent("checkpoint", "", "blobmaster.agents.network:make_checkpoint_player")
"""A checkpoint is named by its path, not by the word `checkpoint`."""

SCRIPT: Final = Opponent("script", "", "blobmaster.agents.script:make_script")
"""A player in a Python file is named by its path, which ends in `.py`."""

RATED: Final = tuple(opponent.name for opponent in OPPONENTS if opponent.is_rated)
"""The names of the opponents of every rating."""

CHECKPOINT_HELP: Final = (
    "PATH plays a checkpoint without search, PATH:3x35 searches 3 worlds with 35 simulations each, "
    "PATH:3x35:gumbel (or :shared, :solved) searches in another way, PATH:belief:256 looks one "
    "step ahead in 256 worlds weighted by the others' bids and plays (:rollouts plays them out, "
    ":styles finds out who plays in which style), "
    "and :bf16 or :int8 at the end "
    "sets the number format"
)


def opponents_help() -> str:
    """Return the sentences that list every way to name a player."""
    usages = ", ".join(opponent.usage for opponent in OPPONENTS)
    return (
        f"{usages}, where N is the simulations per decision. Or a checkpoint: {CHECKPOINT_HELP}. "
        "Or a player of your own: PATH.py plays by the functions of a Python file"
    )


def opponent_named(kind: str) -> Opponent:
    """Return the opponent of a `PlayerName.kind`.

    Raises:
        KeyError: no such opponent is registered.
    """
    return {opponent.name: opponent for opponent in (*OPPONENTS, CHECKPOINT, SCRIPT)}[kind]
