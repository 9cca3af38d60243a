"""A player's bids in the real one-card round, held against what each seat could make."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.evaluation.exact.one_card import (
    BidPolicy,
    OneCardRound,
    gains,
    legal_bids,
    uniform_policy,
)
from blobmaster.evaluation.exact.priors import likeliest, priors_at
from blobmaster.game.cards import NO_TRUMP
from blobmaster.game.rules import FIRST_BID, STATE, State, apply, new_round
from blobmaster.game.schedule import TRUMP_CYCLE
from blobmaster.search.mcts import Evaluator

WITHOUT_TRUMP = TRUMP_CYCLE.count(NO_TRUMP) / len(TRUMP_CYCLE)
TRUMP_SHARES = {0: 1 - WITHOUT_TRUMP, NO_TRUMP: WITHOUT_TRUMP}
"""How often a round has trump and none. The four trump suits are one case: suits have no names."""


class BidPolicies(NamedTuple):
    """What an evaluator's player bids, without search."""

    likeliest: BidPolicy
    """It takes the bid of the highest prior, as in ratings."""
    drawn: BidPolicy
    """It draws its bid by the priors."""


class OneCardGap(NamedTuple):
    """NashConv of both policies over the trump cycle: points a round that the seats leave."""

    likeliest: float
    drawn: float


def one_card_gap(evaluator: Evaluator, players: int) -> OneCardGap:
    """Hold an evaluator's player against the one-card round with 52 cards."""
    gap = np.zeros(len(OneCardGap._fields))
    for trump, share in TRUMP_SHARES.items():
        game = OneCardRound(players, trump)
        gap += [share * gains(game, policy).nash_conv for policy in policies_of(evaluator, game)]
    return OneCardGap(*gap.tolist())


def policies_of(evaluator: Evaluator, game: OneCardRound) -> BidPolicies:
    """What an evaluator's player bids at every node with every card."""
    nodes = np.flatnonzero(legal_bids(game.players).all(axis=1))
    states = _information_states(game, nodes)
    priors = priors_at(evaluator, states.reshape(-1, STATE))
    policies = BidPolicies(uniform_policy(game), uniform_policy(game))
    for policy, choices in zip(policies, (likeliest(priors), priors), strict=True):
        policy[nodes] = choices[:, 1].reshape(len(nodes), len(game.deck))
    return policies


def _information_states(game: OneCardRound, nodes: npt.NDArray[np.int64]) -> State:
    """`[nodes, cards, STATE]`: a state of each information set; the others hold any cards."""
    players, size = game.players, len(game.deck)
    deck, order = np.array(game.deck), np.arange(players)
    states = np.empty((len(nodes), size, STATE), np.int64)
    for row, node in enumerate(nodes.tolist()):
        seat = (node + 1).bit_length() - 1
        for place in range(size):
            hands = deck[(place + order - seat) % size]
            state = new_round(players, 1, game.trump, players - 1, hands[:, None])
            for bids_after in reversed(range(seat)):
                apply(state, FIRST_BID + ((node + 1) >> bids_after & 1))
            states[row, place] = state
    return states
