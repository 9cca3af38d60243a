"""Validates `--by` of `blobmaster evaluate`, before numpy or torch is loaded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blobmaster.config.compose import from_tables
from blobmaster.config.rating import RatingSettings
from blobmaster.config.rounds import RoundMix
from blobmaster.run.checkpoints.store import CheckpointStore

HELP: Final = (
    "Also show the results by cards, players and seat, such as --by cards,seat. Numbers are those "
    "of the checkpoint's training, or as in --by cards=1-8,players=3."
)
PLAYERS: Final = range(3, 9)
DECK: Final = 52
_ITEM: Final = re.compile(r"(?P<name>\w+)(?:=(?P<low>\d{1,2})(?:-(?P<high>\d{1,2}))?)?", re.ASCII)


@dataclass(frozen=True)
class Breakdown:
    """The tables to show beside an evaluation's own."""

    cards: tuple[int, ...] = ()
    """Numbers of cards to deal at the evaluation's number of players."""
    players: tuple[int, ...] = ()
    """Numbers of players to get the evaluation's number of cards."""
    seat: bool = False

    def sizes(self, settings: RatingSettings) -> list[tuple[int, int]]:
        """Return the sizes of rounds, (players, cards), that the evaluation does not play itself.

        Args:
            settings: the evaluation's players and cards.
        """
        wanted = [(settings.players, cards) for cards in self.cards]
        wanted += [(players, settings.cards) for players in self.players]
        own = (settings.players, settings.cards)
        return [size for size in dict.fromkeys(wanted) if size != own]


def parse_by(text: str, checkpoint: Path, settings: RatingSettings) -> Breakdown:
    """Parse the value of `--by`.

    Args:
        text: such as `cards,players=3-6,seat`.
        checkpoint: a dimension without numbers takes those of this checkpoint's training.
        settings: the evaluation's players and cards.

    Raises:
        ValueError: a dimension is unknown, or a size cannot be dealt; the message is one line.
        CheckpointError: the checkpoint cannot be read.
    """
    wanted = dict(_items(text))
    found: dict[str, tuple[int, ...]] = {}
    for name in ("cards", "players"):
        if name in wanted:
            numbers = wanted[name] or _trained(name, checkpoint, settings)
            _check_sizes(name, numbers, settings)
            found[name] = tuple(numbers)
    return Breakdown(**found, seat="seat" in wanted)


def _items(text: str) -> Iterator[tuple[str, Sequence[int]]]:
    """Yield each dimension with its numbers, which are empty if none are given."""
    names = set()
    for item in text.split(","):
        parsed = _ITEM.fullmatch(item.strip())
        if parsed is None or parsed["name"] not in ("cards", "players", "seat"):
            raise ValueError(
                f"--by {item.strip()!r}: name cards, players or seat, the first two with a number "
                "or two if you like, such as --by cards=1-8,players=3,seat"
            )
        name, low = parsed["name"], parsed["low"]
        if name in names:
            raise ValueError(f"--by names {name} twice: leave one out")
        names.add(name)
        numbers = range(0) if low is None else range(int(low), int(parsed["high"] or low) + 1)
        if name == "seat" and low is not None:
            raise ValueError("--by seat shows every seat: leave out its numbers")
        if low is not None and len(numbers) == 0:
            raise ValueError(
                f"--by {item.strip()}: give the lower number first: {name}={parsed['high']}-{low}"
            )
        yield name, numbers


def _trained(name: str, checkpoint: Path, settings: RatingSettings) -> Sequence[int]:
    """Return the numbers of cards or players with which a checkpoint was trained."""
    mix = from_tables(CheckpointStore.read(checkpoint)[1].config).rounds
    players = sorted(number for number, share in mix.players.items() if share > 0)
    if name == "players":
        if len(players) == 1:
            raise ValueError(
                f"--by players: {checkpoint.name} was trained with {players[0]} players alone: "
                "name others, as in --by players=3-6"
            )
        return players
    if settings.players not in players:
        raise ValueError(
            f"--by cards: {checkpoint.name} was not trained with {settings.players} players: "
            f"choose --players {' or '.join(map(str, players))}, or name the numbers, as in "
            "--by cards=1-6"
        )
    return _cards_of(mix, settings.players, checkpoint)


def _cards_of(mix: RoundMix, players: int, checkpoint: Path) -> Sequence[int]:
    longest = sorted(cards for cards, share in mix.most_cards[players].items() if share > 0)
    cards = longest if mix.longest_only else range(1, longest[-1] + 1)
    if len(cards) == 1:
        raise ValueError(
            f"--by cards: {checkpoint.name} was trained on rounds of one size alone: name others, "
            "as in --by cards=1-6"
        )
    return cards


def _check_sizes(name: str, numbers: Sequence[int], settings: RatingSettings) -> None:
    for number in numbers:
        cards, players = settings.cards, settings.players
        if name == "cards":
            cards = number
        else:
            players = number
        if players not in PLAYERS or cards < 1:
            raise ValueError(
                f"--by {name}: a round has {PLAYERS[0]} to {PLAYERS[-1]} players and at least one "
                f"card, not {players} players × {cards} cards"
            )
        if players * cards > DECK:
            other = "--players" if name == "cards" else "--cards"
            raise ValueError(
                f"--by {name}: {players} players × {cards} cards need more than {DECK} cards: "
                f"lower {other}, or name the numbers, as in --by {name}=3-5"
            )
