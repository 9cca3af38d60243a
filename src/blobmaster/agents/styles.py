"""Rule players of the styles in `blobmaster.game.styles`."""

from __future__ import annotations

import numpy as np

from blobmaster.agents.base import Actions, AgentMaker, OfAnySize, Streams
from blobmaster.agents.factory import OpponentRequest
from blobmaster.game.rules import State
from blobmaster.game.styles import style_number
from blobmaster.styles.rules import choose_all_by_style


class StyleAgent:
    """Plays by a style."""

    def __init__(self, name: str) -> None:
        self._style = style_number(name)

    def choose(self, states: State, streams: Streams) -> Actions:
        """See `Agent`."""
        actions = np.empty(len(states), np.int64)
        choose_all_by_style(states, self._style, streams, actions)
        return actions


def make_style(request: OpponentRequest) -> AgentMaker:
    """Make the opponent of a style, which has the style's name."""
    return OfAnySize(StyleAgent, (request.name.kind,))
