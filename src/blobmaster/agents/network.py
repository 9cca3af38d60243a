"""Players that use a network: by its prior alone, or inside a determinized search."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt
import torch

from blobmaster.agents import seat_beliefs
from blobmaster.agents.base import Actions, AgentMaker, OfAnySize, Streams
from blobmaster.agents.belief import ROWS, BeliefAgent
from blobmaster.agents.factory import OpponentRequest
from blobmaster.agents.search import SearchAgent
from blobmaster.agents.seat_beliefs import SeatBeliefs
from blobmaster.checkpoint.network import TrainedNetwork, load_trained
from blobmaster.config.belief import BeliefSettings
from blobmaster.config.inference import NumberFormat
from blobmaster.config.search import SearchSettings
from blobmaster.game.rules import MAX_LEGAL, State, legal_actions
from blobmaster.inference.evaluator import NetworkEvaluator
from blobmaster.inference.precision import convert
from blobmaster.kernels.arrays import first_largest
from blobmaster.kernels.compile import kernel
from blobmaster.model.layers import Parts
from blobmaster.model.network import new_network
from blobmaster.search.spec import SearchSpec


class NetworkAgent:
    """Takes the legal action of highest prior: one evaluation per decision, no search."""

    def __init__(self, network: Parts, capacity: int, device: torch.device) -> None:
        """Args: see `NetworkEvaluator`. Its buffers tie the agent to one thread."""
        self._evaluator = NetworkEvaluator(network, capacity, device)

    def choose(self, states: State, streams: Streams) -> Actions:  # noqa: ARG002 (draws nothing)
        """See `Agent`."""
        priors = self._evaluator.priors(states)
        actions = np.empty(len(states), np.int64)
        _choose_most_likely(states, priors, actions)
        return actions


class AdaptingAgent(NetworkAgent):
    """A network that has learned to use who holds the seats: in a game, it adapts to them."""

    def __init__(self, network: Parts, capacity: int, device: torch.device) -> None:
        """Args: see `NetworkAgent`."""
        super().__init__(network, max(capacity, seat_beliefs.ROWS), device)
        self._seats = SeatBeliefs(self._evaluator)

    def choose_after(self, states: State, streams: Streams, earlier: Sequence[State]) -> Actions:
        """See `Remembering`."""
        return self.choose(self._seats.marked(states, earlier), streams)


@kernel
def _choose_most_likely(states: State, priors: npt.NDArray[np.float32], actions: Actions) -> None:
    legal = np.empty(MAX_LEGAL, np.int64)
    for row in range(len(states)):
        count = legal_actions(states[row], legal)
        actions[row] = legal[first_largest(priors[row], count)]


def network_player(network: Parts, device: torch.device, *, adapts: bool = False) -> AgentMaker:
    """Make a player that follows a network's prior.

    Args:
        network: on `device`.
        device: where it runs.
        adapts: the network has learned to use who holds the seats (`SelfPlaySettings.adapts`), and
            does so in games.
    """
    return partial(AdaptingAgent if adapts else NetworkAgent, network, device=device)


def searching_player(network: Parts, settings: SearchSettings, device: torch.device) -> AgentMaker:
    """Make a player that searches with a network; the network is on `device`."""
    return partial(_searching, network, settings, device)


def _searching(
    network: Parts, settings: SearchSettings, device: torch.device, capacity: int
) -> SearchAgent:
    # Every tree of every decision may wait for an evaluation at once.
    evaluator = NetworkEvaluator(network, capacity * settings.trees, device)
    return SearchAgent(evaluator, capacity, settings)


def belief_player(
    network: Parts, settings: BeliefSettings, device: torch.device, *, adapts: bool = False
) -> AgentMaker:
    """Make a player that looks ahead in weighted worlds.

    With a network that sees games, it plays a game for the win. For the arguments see
    `network_player`.
    """
    return OfAnySize(_with_beliefs, (network, settings, device, adapts))


def _with_beliefs(
    network: Parts, settings: BeliefSettings, device: torch.device, adapts: bool
) -> BeliefAgent:
    evaluator = NetworkEvaluator(network, ROWS, device)
    return BeliefAgent(evaluator, settings, for_win=network.sees_games, adapts=adapts)


def trained_player(
    trained: TrainedNetwork,
    search: SearchSpec | None,
    device: torch.device,
    number_format: NumberFormat = "fp32",
) -> AgentMaker:
    """Make a player from a checkpoint's network.

    Args:
        trained: the checkpoint, its network on `device`.
        search: changes to the search settings of its training; None plays without search.
        device: where the network runs.
        number_format: the number format of the evaluations.

    Raises:
        ValueError: this machine does not support the number format.
    """
    network = convert(trained.network, number_format)
    adapts = trained.config.self_play.adapts
    if search is None:
        return network_player(network, device, adapts=adapts)
    if search.belief is not None:
        return belief_player(network, search.belief, device, adapts=adapts)
    return searching_player(network, search.over(trained.config.search), device)


def make_checkpoint_player(request: OpponentRequest) -> AgentMaker:
    """Make the opponent `PATH`: another checkpoint's network."""
    name = request.name
    loaded = load_trained(name.path, request.device)
    return trained_player(loaded, name.search, request.device, name.number_format)


def make_untrained(request: OpponentRequest) -> AgentMaker:
    """Make the opponent `untrained`: the evaluated network as its training began.

    Raises:
        ValueError: the request names no evaluated checkpoint.
    """
    if request.evaluated is None:
        raise ValueError("the opponent untrained needs the checkpoint that is evaluated")
    config = request.evaluated.config
    # Made anew from the seed: checkpoints do not hold the weights that training began with.
    network = new_network(config.network, config.run.seed, sees_games=config.plays_games)
    return network_player(network.to(request.device).eval().parts, request.device)
