"""Validates the arguments of `blobmaster evaluate`, before numpy or torch is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from blobmaster.agents.names import PlayerName, checkpoint_player, parse_player
from blobmaster.cluster.backend import THREADS, PlayBackend
from blobmaster.config.rating import RatingSettings
from blobmaster.config.refusals import reworded
from blobmaster.evaluation.breakdown.request import Breakdown, parse_by
from blobmaster.evaluation.labels import with_distinct_texts

DEFAULT_OPPONENTS = ("random", "heuristic", "ismcts-100")
"""The opponents if none is named."""

ANCHOR = "untrained"
"""The opponent that anchors the Elo; it is always played."""

# Small blocks, so that an interrupted evaluation has results early and all
# workers stay busy to its end.
DEALS_PER_BLOCK = 20
RESAMPLES = 2000


@dataclass(frozen=True)
class EvaluationRequest:
    """A validated request for an evaluation."""

    player: PlayerName
    opponents: tuple[PlayerName, ...]
    """The anchor first."""
    settings: RatingSettings
    seed: int
    workers: int
    device: str
    whole_games: bool
    until_sure: bool
    as_json: bool
    by: Breakdown
    after: int
    """Rounds that each table plays before a deal, and that do not count."""
    backend: PlayBackend = THREADS

    @property
    def unit(self) -> str:
        """The unit of points."""
        return "game" if self.whole_games else "round"

    @property
    def units(self) -> str:
        """The unit of what is played from every seat."""
        return "games" if self.whole_games else "deals"


def parse_request(
    checkpoint: Path,
    against: Sequence[str],
    *,
    search: str | None,
    players: int,
    cards: int,
    deals: int,
    seed: int,
    workers: int,
    device: str,
    games: bool,
    until_sure: bool,
    as_json: bool,
    by: str | None = None,
    after: int = 0,
    backend: PlayBackend = THREADS,
) -> EvaluationRequest:
    """Validate the arguments of the command line.

    Raises:
        ValueError: an argument is invalid; the message is one line.
        CheckpointError: `by` needs the checkpoint's settings, and it cannot be read.
    """
    player = checkpoint_player(checkpoint, search)
    # A dict keeps the order and drops an opponent that is named twice, or the anchor named by hand.
    named = dict.fromkeys([parse_player(ANCHOR), *map(parse_player, against or DEFAULT_OPPONENTS)])
    player, *opponents = with_distinct_texts([player, *named])
    settings = table_settings(players, cards, deals)
    if after > 0 and (games or by is not None):
        flag = "--games" if games else "--by"
        raise ValueError(f"--after plays single rounds of one size: leave out {flag}")
    breakdown = Breakdown()
    if by is not None:
        if games or until_sure:
            flag = "--games" if games else "--until-sure"
            raise ValueError(f"--by plays single rounds, and all of them: leave out {flag}")
        breakdown = parse_by(by, checkpoint, settings)
    return EvaluationRequest(
        player=player,
        opponents=tuple(opponents),
        settings=settings,
        seed=seed,
        workers=workers,
        device=device,
        whole_games=games,
        until_sure=until_sure,
        as_json=as_json,
        by=breakdown,
        after=after,
        backend=backend,
    )


def table_settings(players: int, cards: int, deals: int) -> RatingSettings:
    """Return the settings of matches of that size.

    Raises:
        ValueError: a number is out of range; one line.
    """
    typed = {"deals": deals, "players": players, "cards": cards}
    try:
        return msgspec.convert(
            {**typed, "deals_per_block": DEALS_PER_BLOCK, "bootstrap": RESAMPLES}, RatingSettings
        )
    except msgspec.ValidationError as error:
        text = reworded(error, RatingSettings).removeprefix("rating: ").replace("rating.", "--")
        name, _, why = text.partition(": ")
        if name not in typed:
            raise ValueError(text) from None
        bound = why.replace("expected `int` >=", "choose at least")
        bound = bound.replace("expected `int` <=", "choose at most")
        raise ValueError(f"--{name} is {typed[name]}: {bound}") from None
