"""A player of one's own: `blobmaster evaluate CHECKPOINT --against examples/player.py`.

It bids its aces and high trumps, takes tricks while it needs them, and then ducks. What `seen`
holds is in docs/opponents.md.
"""

from random import Random

from blobmaster.agents.script import Seen


def rank(card: int) -> int:
    """Return 0 for a two, up to 12 for an ace."""
    return card % 13


def suit(card: int) -> int:
    """Return 0 to 3."""
    return card // 13


def bid(seen: Seen, legal: list[int], random: Random) -> int:  # noqa: ARG001 (draws nothing)
    """Return a number of tricks, one of `legal`."""
    aces = sum(rank(card) == 12 for card in seen.hand)
    trumps = sum(suit(card) == seen.trump and rank(card) in (9, 10, 11) for card in seen.hand)
    return min(legal, key=lambda tricks: abs(tricks - aces - trumps))


def play(seen: Seen, legal: list[int], random: Random) -> int:  # noqa: ARG001
    """Return a card, one of `legal`."""
    wants_tricks = seen.tricks[seen.seat] < (seen.bids[seen.seat] or 0)
    if not seen.trick:
        return (max if wants_tricks else min)(legal, key=rank)
    led = suit(seen.trick[0][1])

    def strength(card: int) -> tuple[bool, bool, int]:
        return (suit(card) == seen.trump, suit(card) == led, rank(card))

    best = max(strength(card) for _, card in seen.trick)
    winners = [card for card in legal if strength(card) > best]
    losers = [card for card in legal if strength(card) <= best]
    if wants_tricks:
        return min(winners or legal, key=strength)
    return max(losers or legal, key=strength)
