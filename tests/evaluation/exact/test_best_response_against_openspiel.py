"""The best response against OpenSpiel's NashConv of `oh_hell`.

OpenSpiel turns up a card, which makes trump and is seen by all, and draws the dealer. So its game
is a game of ours for each card turned up and each dealer, all equally likely and never confused,
and its NashConv is the mean of theirs. Its cards are `suits * rank + suit`; its points for a
missed bid are minus the distance. It deals in order, so that two tricks are beyond it here.
"""

from __future__ import annotations

import numpy as np
import pyspiel
import pytest

from blobmaster.evaluation.exact.best_response import gains
from blobmaster.evaluation.exact.tiny_game import TinyGame
from blobmaster.evaluation.exact.tree import grow, priors_of, uniform_policy
from blobmaster.game.cards import RANKS
from blobmaster.game.rules import BIDS, HANDS, MAX_LEGAL, SEAT

PLAYERS = 3


def openspiel(suits: int, ranks: int, tricks: int) -> pyspiel.Game:
    return pyspiel.load_game(
        "oh_hell",
        {
            "players": PLAYERS,
            "num_suits": suits,
            "num_cards_per_suit": ranks,
            "num_tricks_fixed": tricks,
            "off_bid_penalty": True,
        },
    )


def openspiel_points(bid: int, tricks: int) -> float:
    return 10 + tricks if bid == tricks else -abs(bid - tricks)


def deck_of(suits: int, ranks: int) -> tuple[int, ...]:
    """Our cards in the order of OpenSpiel's numbers."""
    return tuple(RANKS * suit + rank for rank in range(ranks) for suit in range(suits))


def game_after(deck: tuple[int, ...], turned_up: int, tricks: int) -> TinyGame:
    return TinyGame(
        players=PLAYERS,
        cards=tricks,
        deck=tuple(card for card in deck if card != turned_up),
        trump=turned_up // RANKS,
        points=openspiel_points,
    )


@pytest.mark.parametrize(
    ("suits", "ranks", "reference"), [(1, 4, 12.75), (2, 3, 9.375), (2, 4, 9.0)]
)
def test_the_uniform_policys_nash_conv_is_openspiels(suits, ranks, reference):
    deck = deck_of(suits, ranks)
    trees = [grow(game_after(deck, turned_up, 1)) for turned_up in deck]
    found = np.mean([gains(tree, uniform_policy(tree)).nash_conv for tree in trees])
    game = openspiel(suits, ranks, 1)
    theirs = pyspiel.nash_conv(game, pyspiel.UniformRandomPolicy(game))
    assert found == pytest.approx(theirs, abs=1e-9)
    assert theirs == pytest.approx(reference, abs=1e-9)


class FromTable:
    """Bids as an OpenSpiel policy table says, after this card was turned up for this dealer."""

    def __init__(self, game, table, deck, turned_up, dealer) -> None:
        self.game, self.table, self.deck = game, table, deck
        self.turned_up, self.dealer = turned_up, dealer

    def priors(self, states: np.ndarray) -> np.ndarray:
        priors = np.zeros((len(states), MAX_LEGAL))
        for row, state in enumerate(states):
            for slot, (_, share) in enumerate(self.table[self._name(state)]):
                priors[row, slot] = share
        return priors

    def _name(self, state: np.ndarray) -> str:
        """OpenSpiel's name of the information set; our seat 0 sits to the dealer's left there."""
        theirs = self.game.new_initial_state()
        theirs.apply_action(1)
        theirs.apply_action(self.dealer)
        for seat in range(PLAYERS):
            ours = (seat - self.dealer - 1) % PLAYERS
            theirs.apply_action(self.deck.index(int(state[HANDS + ours]).bit_length() - 1))
        theirs.apply_action(self.deck.index(self.turned_up))
        for seat in range(state[SEAT]):
            theirs.apply_action(len(self.deck) + int(state[BIDS + seat]))
        return theirs.information_state_string()


def random_table(game: pyspiel.Game, seed: int) -> dict[str, list[tuple[int, float]]]:
    """A policy of OpenSpiel's, drawn at random for every information set."""
    rng = np.random.default_rng(seed)
    table: dict[str, list[tuple[int, float]]] = {}
    waiting = [game.new_initial_state()]
    while waiting:
        state = waiting.pop()
        if state.is_terminal():
            continue
        actions = state.legal_actions()
        if not state.is_chance_node() and state.information_state_string() not in table:
            shares = rng.dirichlet(np.full(len(actions), 0.5)).tolist()
            table[state.information_state_string()] = list(zip(actions, shares, strict=True))
        waiting += [state.child(action) for action in actions]
    return table


@pytest.mark.parametrize(("suits", "ranks", "seed"), [(1, 4, 1), (1, 4, 2), (2, 3, 3)])
def test_random_policies_nash_conv_is_openspiels(suits, ranks, seed):
    game, deck = openspiel(suits, ranks, 1), deck_of(suits, ranks)
    table = random_table(game, seed)
    found = []
    for turned_up in deck:
        tree = grow(game_after(deck, turned_up, 1))
        for dealer in range(PLAYERS):
            asked = FromTable(game, table, deck, turned_up, dealer)
            found.append(gains(tree, priors_of(asked, tree)).nash_conv)
    assert np.mean(found) == pytest.approx(pyspiel.nash_conv(game, table), abs=1e-9)
