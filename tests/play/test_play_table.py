"""The networks at a person's table use what they have learned."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from dealing import ends_of_rounds
from positions import RandomRound

from blobmaster.agents.base import Remembering
from blobmaster.agents.styles import StyleAgent
from blobmaster.checkpoint.network import TrainedNetwork
from blobmaster.config.compose import compose
from blobmaster.config.network import NetworkSettings
from blobmaster.kernels.rng import stream
from blobmaster.model.features import INDEX
from blobmaster.model.network import new_network
from blobmaster.play.advice import BeliefAdviser
from blobmaster.play.table import seat_networks

NETWORK = new_network(NetworkSettings(width=32, blocks=1), 1)
with torch.no_grad():
    # Untrained weights are small: what the network knows shall show in its choices.
    KNOWN = slice(INDEX["table_known"].start, INDEX["known_kinds"].stop)
    NETWORK.actor.stem.weight[:, KNOWN] *= 100.0


@pytest.mark.parametrize("search", [None, "none", "belief:8"])
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_network_that_has_learned_to_adapt_does_so_at_the_table(search, share):
    config = compose({"self_play": {"opponents_known": share}})
    agent, adviser = seat_networks(
        TrainedNetwork(NETWORK, config, SimpleNamespace(iteration=1)), search
    )
    states, ends = (
        RandomRound(9, 4, 7).choices,
        ends_of_rounds([StyleAgent("sandbagger")] * 4, 7, 4),
    )
    streams = np.stack([stream(4, "a", row) for row in range(len(states))])
    rows = range(len(states))
    # One decision at a time, as at a table.
    alone = [agent.choose(states[n : n + 1], streams[n : n + 1].copy())[0] for n in rows]
    if search is None:
        assert isinstance(agent, Remembering) == isinstance(adviser, BeliefAdviser) == (share > 0)
    if isinstance(agent, Remembering):
        after = [
            agent.choose_after(states[n : n + 1], streams[n : n + 1].copy(), [ends])[0]
            for n in rows
        ]
        assert (after != alone) == (share > 0)
    else:
        assert share == 0
    if search == "none":
        return
    priors = [
        [option.prior for option in adviser.evaluate_options(states[0], streams[0].copy(), known)]
        for known in (ends[:0], ends)
    ]
    assert (priors[0] != priors[1]) == (share > 0)
