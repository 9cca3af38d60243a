"""Keep docs/opponents.md current: `python tools/opponents.py` writes it from the registry."""

from __future__ import annotations

from pathlib import Path

from blobmaster.agents.registry import CHECKPOINT_HELP, OPPONENTS, Opponent

DOCUMENT = Path(__file__).parents[1] / "docs" / "opponents.md"

INTRODUCTION = """# Opponents

`blobmaster evaluate CHECKPOINT --against PLAYER...` measures a checkpoint against these players.
`N` is the number of simulations per decision. `make docs` writes this file from
`src/blobmaster/agents/registry.py`.

Rule players are variations of `heuristic` (`src/blobmaster/game/styles.py`). Some can be
opponents in self-play. The others are held out: they differ in kind and never take part in
training, so they measure play against strangers. Self-play also has 54 varied styles that have no
names: nine ways to play cards, each with six ways to bid from two tricks too low to nearly two too
high, with some noise and one random choice in ten.

| player | meaning | in every rating | in self-play | needs |
|---|---|---|---|---|
"""

OF_YOUR_OWN = """
## A player of your own

`--against PATH.py` plays by a Python file with two functions, such as
[examples/player.py](../examples/player.py):

    def bid(seen, legal, random): ...     # returns one of `legal`, a list of numbers of tricks
    def play(seen, legal, random): ...    # returns one of `legal`, a list of cards

They are called when there is a choice. A card is `13 * suit + rank`: spades, hearts, clubs and
diamonds are suits 0 to 3, and the two is rank 0. Seats are numbered in order of play. `seen` holds
what the seat sees, and no hidden card:

| field | meaning |
|---|---|
| `seat`, `dealer` | the seat that decides, and the dealer's |
| `players`, `cards` | the number of seats, and of cards dealt to each |
| `trump` | the trump suit; None in a round without trump |
| `hand` | the seat's cards |
| `bids`, `tricks` | bids (None before a seat has bid) and tricks taken so far, by seat |
| `trick` | the current trick as pairs (seat, card); empty before a lead |
| `played` | all cards of the round so far as such pairs, the current trick's included |
| `scores` | in a game, the points of its earlier rounds by seat; else zeros |
| `rounds_left` | in a game, the rounds after this one; else None |

Decide from the arguments alone: calls come from many tables, and from several threads. Draw from
`random`, a `random.Random` whose draws repeat when the match repeats. A file that fails, or returns
what is not legal, ends the match with a line that says where. Its `print` writes to standard error.
It is run like any program, so use only files that you trust.
"""


def row(opponent: Opponent) -> str:
    """Return an opponent's line of the table."""
    extra = f"`pip install 'blobmaster[{opponent.extra}]'`" if opponent.extra else ""
    rated = "yes" if opponent.is_rated else ""
    cells = (f"`{opponent.pattern}`", opponent.meaning, rated, opponent.in_self_play, extra)
    return f"| {' | '.join(cells)} |\n"


def document() -> str:
    """Return the content of docs/opponents.md."""
    rows = "".join(row(opponent) for opponent in OPPONENTS)
    return (
        f"{INTRODUCTION}{rows}\nAny checkpoint is a player too: {CHECKPOINT_HELP}.\n{OF_YOUR_OWN}"
    )


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
