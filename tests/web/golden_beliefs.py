"""Golden data of what the finished rounds of a game show about who holds its seats."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from dealing import ends_of_rounds
from positions import RandomRound

from blobmaster.agents.base import Agent
from blobmaster.agents.network import NetworkAgent
from blobmaster.agents.seat_beliefs import ROWS, SeatBeliefs
from blobmaster.agents.styles import StyleAgent
from blobmaster.agents.uniform import RandomAgent
from blobmaster.checkpoint.network import TrainedNetwork
from blobmaster.game.cards import CARDS, MAX_PLAYERS
from blobmaster.game.opponents import KIND_BITS, KNOWN
from blobmaster.game.rules import (
    BIDS,
    DEALER,
    DEALT,
    FIRST_BID,
    HANDS,
    OPPONENTS,
    PLAYERS,
    SEAT,
    STATE,
    TRUMP,
    list_plays,
    rewind,
)
from blobmaster.inference.evaluator import NetworkEvaluator


def beliefs_of(trained: TrainedNetwork) -> dict[str, Any]:
    """Return finished rounds of styles, random players and the network, and what they show."""
    device = torch.device("cpu")
    evaluator = NetworkEvaluator(trained.network.parts, ROWS, device)
    network = NetworkAgent(trained.network.parts, ROWS, device)
    tables: list[list[Agent]] = [
        [StyleAgent("sandbagger"), network, RandomAgent(), StyleAgent("hoarder")],
        [network] * 3,
        [StyleAgent("grabber"), StyleAgent("underbidder"), StyleAgent("zero-bidder"), network],
    ]
    beliefs = SeatBeliefs(evaluator)
    described = []
    for agents in tables:
        ends = ends_of_rounds(agents, 8, 3)
        waiting = np.repeat(RandomRound(0, len(agents), 2).states[:1], len(agents), axis=0)
        waiting[:, SEAT] = np.arange(len(agents))
        marked = beliefs.marked(waiting, [ends] * len(agents))
        described.append(
            {
                "rounds": [_finished(end) for end in ends],
                "likelihood": beliefs.log_likelihood(ends)[: len(agents)].round(6).tolist(),
                "kinds": [
                    _kinds(int(opponents), len(agents)) for opponents in marked[:, OPPONENTS]
                ],
            }
        )
    return {"tables": described}


def _finished(end: np.ndarray) -> dict[str, Any]:
    """Return the deal and the actions of a finished round, as `newRound` and `act` take them."""
    players, cards = int(end[PLAYERS]), int(end[DEALT])
    plays = np.zeros((CARDS, 2), np.int64)
    played = plays[: list_plays(end, plays), 1].tolist()
    dealt = np.zeros(STATE, np.int64)
    rewind(end, dealt)
    hands = dealt[HANDS : HANDS + players]
    bidders = (int(end[DEALER]) + 1 + np.arange(players)) % players
    bids = (FIRST_BID + end[BIDS + bidders]).tolist()
    return {
        "players": players,
        "cards": cards,
        "trump": int(end[TRUMP]),
        "dealer": int(end[DEALER]),
        "hands": [[card for card in range(CARDS) if hand >> card & 1] for hand in hands],
        "game": None,
        "actions": bids + played,
    }


def _kinds(opponents: int, players: int) -> list[int | None] | None:
    """Return what `OPPONENTS` says, as the modules say it; None if nothing is known."""
    if opponents & KNOWN == 0:
        return None
    kinds = [
        opponents >> (MAX_PLAYERS + KIND_BITS * seat) & (1 << KIND_BITS) - 1
        for seat in range(players)
    ]
    return [kind if opponents >> seat & 1 else None for seat, kind in enumerate(kinds)]
