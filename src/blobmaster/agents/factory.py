"""Makes opponents from their parsed names, by the makers that the registry lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING, cast

from blobmaster.agents.names import PlayerName, parse_player
from blobmaster.agents.registry import RATED, opponent_named
from blobmaster.run.errors import RunError

if TYPE_CHECKING:
    import torch

    from blobmaster.agents.base import AgentMaker
    from blobmaster.checkpoint.network import TrainedNetwork


@dataclass(frozen=True)
class OpponentRequest:
    """The arguments from which an opponent is made."""

    name: PlayerName
    device: torch.device
    """Where networks run."""
    evaluated: TrainedNetwork | None = None
    """The checkpoint that is evaluated; None in a rating."""


OpponentMaker = Callable[[OpponentRequest], "AgentMaker"]
"""Makes a kind of opponent; the type of what `Opponent.maker` names."""


def make_opponent(request: OpponentRequest) -> AgentMaker:
    """Import the opponent's file and make the opponent.

    Raises:
        RunError: a checkpoint cannot be used, or an extra is not installed.
        ValueError: this machine does not support the number format.
    """
    opponent = opponent_named(request.name.kind)
    try:
        make = cast("OpponentMaker", resolve_name(opponent.maker))
    except ImportError:
        # Without an extra an ImportError is a fault of ours, and must not be hidden behind advice.
        if not opponent.extra:
            raise
        raise RunError(
            f"{opponent.pattern} needs the extra {opponent.extra}: "
            f"pip install 'blobmaster[{opponent.extra}]', or name another opponent"
        ) from None
    return make(request)


def make_opponents(
    names: Sequence[PlayerName], evaluated: TrainedNetwork, device: torch.device
) -> dict[str, AgentMaker]:
    """Make the opponents of an evaluation, keyed by `PlayerName.text`.

    Args:
        names: the opponents.
        evaluated: the checkpoint that is evaluated.
        device: where networks run.

    Raises:
        RunError: a checkpoint cannot be used, or an extra is not installed.
        ValueError: this machine does not support a number format.
    """
    return {name.text: make_opponent(OpponentRequest(name, device, evaluated)) for name in names}


def make_rated_opponents(device: torch.device) -> dict[str, AgentMaker]:
    """Make the opponents of every rating, keyed by name; networks run on `device`."""
    return {name: make_opponent(OpponentRequest(parse_player(name), device)) for name in RATED}
