"""Best responses on tiny games against slower, independent computations."""

from __future__ import annotations

from collections import defaultdict
from itertools import product

import numpy as np
import pytest
from deciding import HashedEvaluator
from evaluators import UniformEvaluator
from positions import legal_of, played

from blobmaster.evaluation.exact.best_response import gains
from blobmaster.evaluation.exact.tiny_game import TINY_GAMES, TinyGame, tiny_deck
from blobmaster.evaluation.exact.tree import grow, priors_of, uniform_policy
from blobmaster.game.cards import NO_TRUMP, RANKS
from blobmaster.game.rules import HANDS, SEAT, is_over, new_round
from blobmaster.game.scoring import points

ONE_SUIT = TinyGame(players=3, cards=1, deck=tiny_deck(1, 4), trump=NO_TRUMP)
TWO_SUITS = TinyGame(players=3, cards=1, deck=tiny_deck(2, 2), trump=1)
TWO_CARDS = TinyGame(players=3, cards=2, deck=tiny_deck(2, 3), trump=0)


def roots(game: TinyGame) -> list[np.ndarray]:
    """Return the states after each deal."""
    dealer = game.players - 1
    return [new_round(game.players, game.cards, game.trump, dealer, h) for h in game.deals()]


def information_set(history: tuple[int, ...], state: np.ndarray) -> tuple[object, ...]:
    """Return the key of an information set: public actions and the acting seat's cards."""
    return history, int(state[HANDS + state[SEAT]])


def strategy_value(state, history, seat, strategy, evaluator) -> float:
    """Return the value for `seat` of a pure strategy against the evaluator's priors."""
    if is_over(state):
        return points(state, seat)
    options = legal_of(state)
    after = [(played(state, action), (*history, action)) for action in options]
    if state[SEAT] == seat:
        chosen = strategy.get(information_set(history, state), 0)
        return strategy_value(*after[chosen], seat, strategy, evaluator)
    likely = [1.0] if len(options) == 1 else evaluator.priors(state[None])[0].tolist()
    return sum(
        share * strategy_value(*child, seat, strategy, evaluator)
        for share, child in zip(likely, after, strict=False)
    )


def choices_of(game: TinyGame, seat: int) -> dict[tuple[object, ...], int]:
    """Count the legal actions at each of the seat's information sets with a choice."""
    found = {}
    waiting = [(state, ()) for state in roots(game)]
    while waiting:
        state, history = waiting.pop()
        if is_over(state):
            continue
        options = legal_of(state)
        if state[SEAT] == seat and len(options) > 1:
            found[information_set(history, state)] = len(options)
        waiting += [(played(state, action), (*history, action)) for action in options]
    return found


@pytest.mark.parametrize("seat", range(3))
@pytest.mark.parametrize("game", [ONE_SUIT, TWO_SUITS], ids=str)
def test_the_best_response_is_the_best_of_all_pure_strategies(game, seat):
    evaluator = CachedEvaluator(HashedEvaluator(3))
    tree = grow(game)
    sets = choices_of(game, seat)
    values = [
        np.mean([strategy_value(state, (), seat, strategy, evaluator) for state in roots(game)])
        for choice in product(*map(range, sets.values()))
        for strategy in [dict(zip(sets, choice, strict=True))]
    ]
    assert gains(tree, priors_of(evaluator, tree)).best[seat] == pytest.approx(max(values))


class CachedEvaluator:
    """Caches another evaluator's answers."""

    def __init__(self, evaluator: HashedEvaluator) -> None:
        self.evaluator = evaluator
        self.known: dict[bytes, np.ndarray] = {}

    def priors(self, states: np.ndarray) -> np.ndarray:
        for state in states:
            if state.tobytes() not in self.known:
                self.known[state.tobytes()] = self.evaluator.priors(state[None])[0]
        return np.array([self.known[state.tobytes()] for state in states])


class PlainResponse:
    """Compute the best response by recursion over information sets."""

    def __init__(self, game, seat, evaluator) -> None:
        self.seat = seat
        self.evaluator = evaluator
        self.sets = defaultdict(list)
        self.chosen = {}
        for state in roots(game):
            self._list(state, (), 1 / len(game.deals()))
        self.value = sum(self._value(s, ()) for s in roots(game)) / len(game.deals())

    def _likely(self, state, options):
        if len(options) == 1:
            return [1.0]
        return self.evaluator.priors(state[None])[0][: len(options)].tolist()

    def _list(self, state, history, weight) -> None:
        if is_over(state):
            return
        options = legal_of(state)
        shares = [1.0] * len(options)
        if state[SEAT] == self.seat:
            self.sets[information_set(history, state)].append((state, history, weight))
        else:
            shares = self._likely(state, options)
        for share, action in zip(shares, options, strict=True):
            self._list(played(state, action), (*history, action), weight * share)

    def _value(self, state, history) -> float:
        if is_over(state):
            return points(state, self.seat)
        options = legal_of(state)
        if state[SEAT] == self.seat:
            action = self._choose(information_set(history, state), options)
            return self._value(played(state, action), (*history, action))
        return sum(
            share * self._value(played(state, action), (*history, action))
            for share, action in zip(self._likely(state, options), options, strict=True)
        )

    def _choose(self, name, options) -> int:
        if name not in self.chosen:
            self.chosen[name] = max(
                options,
                key=lambda action: sum(
                    weight * self._value(played(state, action), (*history, action))
                    for state, history, weight in self.sets[name]
                ),
            )
        return self.chosen[name]


@pytest.mark.parametrize("seat", [0, 2])
def test_with_two_cards_each_it_equals_plain_recursion(seat):
    evaluator = CachedEvaluator(HashedEvaluator(5))
    tree = grow(TWO_CARDS)
    found = gains(tree, priors_of(evaluator, tree))
    assert found.best[seat] == pytest.approx(PlainResponse(TWO_CARDS, seat, evaluator).value)


def test_the_tree_evaluates_exactly_the_information_sets_with_a_choice():
    tree = grow(TWO_CARDS)
    asked = sum(len(level.states) for level in tree.levels)
    assert asked == sum(len(choices_of(TWO_CARDS, seat)) for seat in range(3))


@pytest.mark.parametrize("game", TINY_GAMES[:6], ids=str)
def test_equal_priors_are_the_uniform_policy(game):
    tree = grow(game)
    asked, uniform = priors_of(UniformEvaluator(), tree), uniform_policy(tree)
    assert gains(tree, asked).nash_conv == pytest.approx(gains(tree, uniform).nash_conv, abs=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_renaming_suits_and_shifting_ranks_changes_nothing(seed):
    """The value is the same on a deck with renamed suits and shifted ranks."""
    moved = TinyGame(players=3, cards=1, deck=(41, 43, 44, 28, 30, 31), trump=2)
    game = TinyGame(players=3, cards=1, deck=(0, 1, 2, 13, 14, 15), trump=1)
    names = dict(zip(moved.deck, game.deck, strict=True))
    tree, other = grow(game), grow(moved)
    policy = priors_of(HashedEvaluator(seed), tree)
    found = gains(other, priors_of(Renamed(HashedEvaluator(seed), names, game.trump), other))
    np.testing.assert_allclose(found, gains(tree, policy), rtol=1e-6)


class Renamed:
    """Applies an evaluator of one deck to another, for the bids of one-card rounds."""

    def __init__(self, evaluator, names, trump) -> None:
        self.evaluator, self.names, self.trump = evaluator, names, trump

    def priors(self, states: np.ndarray) -> np.ndarray:
        renamed = []
        for state in states:
            hands = [[self.names[int(state[HANDS + s]).bit_length() - 1]] for s in range(3)]
            other = new_round(3, 1, self.trump, 2, hands)
            for seat in range(state[SEAT]):
                other = played(other, 52 + int(state[HANDS + 8 + seat]))
            renamed.append(other)
        return self.evaluator.priors(np.array(renamed))


def test_a_tiny_deck_has_low_and_high_cards_of_every_suit():
    assert tiny_deck(2, 4) == (0, 4, 8, 12, 13, 17, 21, 25)
    assert tiny_deck(1, RANKS) == tuple(range(13))


def test_hands_are_sets_and_their_order_makes_no_other_deal():
    deals = TINY_GAMES[-1].deals()
    assert len(deals) == 2520
    assert len({tuple(map(frozenset, deal)) for deal in deals.tolist()}) == 2520
