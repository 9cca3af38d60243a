"""Keep docs/opponents.md current: `python tools/opponents.py` writes it from the registry."""

from __future__ import annotations

from pathlib import Path

from blobmaster.agents.registry import CHECKPOINT_HELP, OPPONENTS, Opponent

DOCUMENT = Path(__file__).parents[1] / "docs" / "opponents.md"

INTRODUCTION = """# Opponents

`blobmaster evaluate CHECKPOINT --against PLAYER...` measures a checkpoint against these players.
`N` is the number of simulations per decision. `make docs` writes this file from
`src/blobmaster/agents/registry.py`.

Rule players are variations of `heuristic` (`src/blobmaster/styles/catalogue.py`). Some can be
opponents in self-play. The others are held out: they differ in kind and never take part in
training, so they measure play against strangers.

| player | meaning | in every rating | in self-play | needs |
|---|---|---|---|---|
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
    return f"{INTRODUCTION}{rows}\nAny checkpoint is a player too: {CHECKPOINT_HELP}.\n"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
