"""The heuristic player: it estimates how many tricks its cards will take."""

from __future__ import annotations

from blobmaster.agents.base import AgentMaker, OfAnySize
from blobmaster.agents.factory import OpponentRequest
from blobmaster.agents.styles import StyleAgent
from blobmaster.game.styles import HEURISTIC


class HeuristicAgent(StyleAgent):
    """Plays by the rules of `blobmaster.styles.rules`; it is deterministic."""

    def __init__(self) -> None:
        super().__init__(HEURISTIC.name)


def make_heuristic(request: OpponentRequest) -> AgentMaker:  # noqa: ARG001 (all are alike)
    """Make the opponent `heuristic`."""
    return OfAnySize(HeuristicAgent)
