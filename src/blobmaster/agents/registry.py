"""Makes the players that the command line names."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from blobmaster.agents.base import Agent, AgentMaker, HeuristicAgent, NetworkAgent, RandomAgent
from blobmaster.agents.names import PlayerName
from blobmaster.agents.search import IsmctsAgent, PeekingAgent, RolloutAgent, SearchAgent
from blobmaster.checkpoint.network import Trained, load_trained
from blobmaster.config.inference import NumberFormat
from blobmaster.config.search import SearchSettings
from blobmaster.inference.evaluator import NetworkEvaluator
from blobmaster.inference.precision import Parts, packed
from blobmaster.model.network import new_network
from blobmaster.run.errors import RunError
from blobmaster.search.spec import SearchSpec

RANDOM = "random"
HEURISTIC = "heuristic"

FIXED_PLAYERS: dict[str, AgentMaker] = {
    RANDOM: lambda _: RandomAgent(),
    HEURISTIC: lambda _: HeuristicAgent(),
}


def network_player(network: Parts, device: torch.device) -> AgentMaker:
    """A player by a network's priors alone."""
    return lambda capacity: NetworkAgent(network, capacity, device)


def make_players(
    names: Sequence[PlayerName], trained: Trained, device: torch.device
) -> dict[str, AgentMaker]:
    """What makes each player, by its name's text.

    Args:
        names: the players.
        trained: what `untrained` is the beginning of.
        device: where networks run.

    Raises:
        RunError: a checkpoint cannot be used, or OpenSpiel is not installed.
        ValueError: this machine cannot do a number format.
    """
    return {name.text: _maker(name, trained, device) for name in names}


def trained_player(
    trained: Trained,
    search: SearchSpec | None,
    device: torch.device,
    number_format: NumberFormat = "fp32",
) -> AgentMaker:
    """A checkpoint's network by its priors alone, or with a search.

    Args:
        trained: on `device`.
        search: what is other than in its training.
        device: where the network runs.
        number_format: what it is evaluated in.

    Raises:
        ValueError: this machine cannot evaluate it so.
    """
    network = packed(trained.network, number_format)
    if search is None:
        return network_player(network, device)
    return searching_player(network, search.over(trained.config.search), device)


def searching_player(network: Parts, settings: SearchSettings, device: torch.device) -> AgentMaker:
    """A network, on `device`, with a search."""

    def make(capacity: int) -> Agent:
        evaluator = NetworkEvaluator(network, capacity * settings.trees, device)
        return SearchAgent(evaluator, capacity, settings)

    return make


def _maker(name: PlayerName, trained: Trained, device: torch.device) -> AgentMaker:
    simulations = name.simulations
    match name.kind:
        case "random" | "heuristic":
            return FIXED_PLAYERS[name.kind]
        case "untrained":
            config = trained.config
            network = new_network(config.network, config.run.seed, sees_games=config.plays_games)
            return network_player(network.to(device).eval(), device)
        case "rollout":
            settings = rollout_search(simulations)
            return lambda _: RolloutAgent(settings)
        case "ismcts":
            return lambda _: IsmctsAgent(simulations)
        case "peeking-ismcts":
            return lambda _: PeekingAgent(IsmctsAgent(simulations))
        case "openspiel-ismcts":
            return _openspiel_maker(simulations)
        case "checkpoint":
            loaded = load_trained(name.path, device)
            return trained_player(loaded, name.search, device, name.number_format)


def rollout_search(simulations: int) -> SearchSettings:
    """As many worlds as simulations in each, or a few more simulations."""
    worlds = min(int(simulations**0.5), 64)
    return SearchSettings(worlds=worlds, simulations=simulations // worlds)


def _openspiel_maker(simulations: int) -> AgentMaker:
    try:
        from blobmaster.agents.openspiel import OpenSpielAgent
    except ImportError:
        raise RunError(
            "openspiel-ismcts needs OpenSpiel: pip install 'blobmaster[openspiel]', or take ismcts"
        ) from None
    return lambda _: OpenSpielAgent(simulations)
