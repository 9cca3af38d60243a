"""NashConv of a player's bids in the one-card round with the full deck."""

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
from blobmaster.evaluation.exact.priors import most_likely_policy, priors_at
from blobmaster.game.cards import NO_TRUMP
from blobmaster.game.rules import (
    FIRST_BID,
    LONGEST,
    ROUNDS_LEFT,
    SCORES,
    STATE,
    State,
    apply,
    new_round,
)
from blobmaster.game.schedule import TRUMP_CYCLE
from blobmaster.inference.evaluator import Evaluator

WITHOUT_TRUMP = TRUMP_CYCLE.count(NO_TRUMP) / len(TRUMP_CYCLE)
TRUMP_SHARES = {0: 1 - WITHOUT_TRUMP, NO_TRUMP: WITHOUT_TRUMP}
"""Share of rounds with trump and without. By symmetry, the four trump suits are one case."""


class BidPolicies(NamedTuple):
    """The bid policies of an evaluator without search."""

    likeliest: BidPolicy
    """The bid of highest prior, as in ratings."""
    drawn: BidPolicy
    """A bid drawn from the prior."""


class OneCardGap(NamedTuple):
    """NashConv of both policies, in points per round, averaged over the trump cycle."""

    likeliest: float
    drawn: float


def one_card_gap(evaluator: Evaluator, players: int) -> OneCardGap:
    """Compute NashConv of an evaluator's policies in the one-card round with 52 cards."""
    gap = np.zeros(len(OneCardGap._fields))
    for trump, share in TRUMP_SHARES.items():
        game = OneCardRound(players, trump)
        gap += [share * gains(game, policy).nash_conv for policy in policies_of(evaluator, game)]
    return OneCardGap(*gap.tolist())


def policies_of(
    evaluator: Evaluator, game: OneCardRound, scores: tuple[int, ...] | None = None
) -> BidPolicies:
    """Evaluate the bid policies at every node with every card.

    With `scores`, by seat, the round is the last one of a game of one-card rounds.
    """
    # Only nodes with two legal bids: elsewhere the uniform policy is the forced bid already.
    nodes = np.flatnonzero(legal_bids(game.players).all(axis=1))
    states = _information_states(game, nodes)
    if scores is not None:
        states[..., SCORES : SCORES + game.players] = scores
        states[..., LONGEST] = 1
        states[..., ROUNDS_LEFT] = 0
    priors = priors_at(evaluator, states.reshape(-1, STATE))
    policies = BidPolicies(uniform_policy(game), uniform_policy(game))
    for policy, choices in zip(policies, (most_likely_policy(priors), priors), strict=True):
        policy[nodes] = choices[:, 1].reshape(len(nodes), len(game.deck))
    return policies


def _information_states(game: OneCardRound, nodes: npt.NDArray[np.int64]) -> State:
    """Build `[nodes, cards, STATE]`: a state per information set; hidden cards are arbitrary."""
    players, size = game.players, len(game.deck)
    deck, order = np.array(game.deck), np.arange(players)
    states = np.empty((len(nodes), size, STATE), np.int64)
    for row, node in enumerate(nodes.tolist()):
        # In binary, node + 1 is a 1 followed by the bids so far: its length gives the seat.
        seat = (node + 1).bit_length() - 1
        for place in range(size):
            # The bidding seat gets the card at `place`, the others the next ones:
            # any distinct cards will do.
            hands = deck[(place + order - seat) % size]
            state = new_round(players, 1, game.trump, players - 1, hands[:, None])
            for bids_after in reversed(range(seat)):
                apply(state, FIRST_BID + ((node + 1) >> bids_after & 1))
            states[row, place] = state
    return states
