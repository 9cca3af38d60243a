"""Networks and advice see one seat's cards only, and advice reports what the search found."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from evaluators import UniformEvaluator
from hypothesis import given, settings
from hypothesis import strategies as st
from positions import SIZES, RandomRound, exchange_hidden
from positions import legal_of as legal_in
from tables import setup

from blobmaster.agents.belief import ROWS, BeliefAgent
from blobmaster.agents.search import SearchAgent
from blobmaster.agents.seat_beliefs import SeatBeliefs
from blobmaster.agents.styles import StyleAgent
from blobmaster.config.belief import BeliefSettings
from blobmaster.config.network import NetworkSettings
from blobmaster.config.search import SearchSettings
from blobmaster.game.rules import LONGEST, PLAYERS, SEAT, STATE, is_over
from blobmaster.inference.evaluator import NetworkEvaluator
from blobmaster.kernels.rng import stream
from blobmaster.model.network import new_network
from blobmaster.play.advice import BeliefAdviser, SearchAdviser, advise, choose_action
from blobmaster.play.card_text import ASCII, UNICODE
from blobmaster.play.game import (
    Game,
    deal_next,
    ends_of,
    hide_other_hands,
    legal_actions_of,
    round_is_over,
    state_of,
    take_action,
)
from blobmaster.play.texts import advice_lines

CPU = torch.device("cpu")
SEARCH = SearchSettings(worlds=3, simulations=12)
NO_ROUNDS = np.empty((0, STATE), np.int64)
NETWORK = new_network(NetworkSettings(width=16, blocks=1), 3)


def adviser(search: SearchSettings = SEARCH) -> SearchAdviser:
    return SearchAdviser(NetworkEvaluator(NETWORK.parts, search.worlds, CPU), search)


@settings(max_examples=30)
@given(st.sampled_from(SIZES), st.integers(0, 99), st.integers(0, 99))
def test_advice_is_the_same_whoever_holds_the_hidden_cards(size, seed, other):
    choices = RandomRound(seed, *size).choices
    if len(choices) == 0:
        return
    state = choices[seed % len(choices)]
    exchanged = exchange_hidden(state, int(state[SEAT]), other)
    asked = adviser()
    mine = asked.evaluate_options(state, stream(7, "advice"), NO_ROUNDS)
    assert mine == asked.evaluate_options(exchanged, stream(7, "advice"), NO_ROUNDS)
    assert {option.action for option in mine} == set(legal_in(state))


@settings(max_examples=30)
@given(st.sampled_from(SIZES), st.integers(0, 99), st.integers(0, 99))
def test_a_network_gets_no_other_hand(size, seed, other):
    for state in RandomRound(seed, *size).choices:
        for seat in range(state[PLAYERS]):
            exchanged = exchange_hidden(state, seat, other)
            assert (hide_other_hands(state, seat) == hide_other_hands(exchanged, seat)).all()


def test_the_best_option_is_what_the_same_search_would_play():
    agent, asked = networks(), adviser()
    for seed in range(5):
        for state in RandomRound(seed, 4, 4).choices:
            played = agent.choose(state[None], stream(seed, "a")[None])[0]
            assert asked.evaluate_options(state, stream(seed, "a"), NO_ROUNDS)[0].action == played


def test_shares_and_priors_sum_to_one_and_points_are_those_of_a_round():
    asked = adviser()
    for state in RandomRound(5, 5, 6).choices:
        options = asked.evaluate_options(state, stream(1, "a"), NO_ROUNDS)
        assert sum(option.share for option in options) == pytest.approx(1)
        assert sum(option.prior for option in options) == pytest.approx(1, abs=1e-5)
        assert all(0 <= option.points <= 16 for option in options)
        assert [o.is_visited for o in options] == [o.share > 0 for o in options]


def test_unvisited_actions_have_the_critics_value_and_are_marked():
    state = RandomRound(1, 3, 17).choices[0]
    options = SearchAdviser(
        UniformEvaluator(), SearchSettings(worlds=1, simulations=3)
    ).evaluate_options(state, stream(1, "a"), NO_ROUNDS)
    untried = [option for option in options if not option.is_visited]
    assert len(untried) >= len(options) - 3
    assert all(option.points == 0.5 * 27 for option in untried)


def test_advice_and_choice_are_deterministic():
    game = Game(setup())
    found = [(advise(adviser(), game), choose_action(networks(), game)) for _ in range(2)]
    assert found[0] == found[1]


def networks() -> SearchAgent:
    return SearchAgent(NetworkEvaluator(NETWORK.parts, SEARCH.worlds, CPU), 1, SEARCH)


def test_a_forced_move_is_made_without_asking_the_agent():
    game = Game(setup())
    while len(options := options_of(game)) > 1:
        game = take_action(game, options[0])
    assert choose_action(UnexpectedAgent(), game) == options[0]


class UnexpectedAgent:
    """A player that fails the test if it is asked."""

    def choose(self, *_: object) -> np.ndarray:
        raise AssertionError("asked")


def options_of(game: Game) -> tuple[int, ...]:
    return legal_actions_of(state_of(game))


@pytest.mark.parametrize("symbols", [UNICODE, ASCII])
def test_the_advice_page_lists_every_move_with_visits_and_points(symbols):
    advice = advise(adviser(), Game(setup()))
    lines = advice_lines(advice, symbols)
    best = advice.options[0]
    assert (
        f"The network would bid {best.action - 52}: {best.share:.0%} of its 36 visits" in lines[0]
    )
    assert len(lines) >= len(advice.options) + 3
    for option in advice.options:
        assert any(line.split()[0] == str(option.action - 52) for line in lines[2:])
    assert symbols is UNICODE or all(line.isascii() for line in lines)


def test_advice_by_a_belief_weighted_lookahead_is_what_it_would_play_and_names_its_method():
    settings = BeliefSettings(worlds=16)
    advice = advise(
        BeliefAdviser(NetworkEvaluator(NETWORK.parts, ROWS, CPU), settings), Game(setup())
    )
    assert sum(option.share for option in advice.options) == pytest.approx(1)
    assert [o.share for o in advice.options] == sorted(
        (o.share for o in advice.options), reverse=True
    )
    lines = advice_lines(advice, ASCII)
    assert f"with a probability of {advice.options[0].share:.0%}" in lines[0]
    assert "16 deals weighted by the others' bids and cards" in lines[-1]
    agent = BeliefAgent(NetworkEvaluator(NETWORK.parts, ROWS, CPU), settings)
    draws = stream(setup().seed, "table advice", *Game(setup()).decision)
    state = hide_other_hands(state_of(Game(setup())), int(state_of(Game(setup()))[SEAT]))
    assert agent.choose(state[None], draws[None])[0] == advice.options[0].action


def after_rounds(count: int) -> Game:
    """Return a game after so many rounds in which everybody played as a sandbagger."""
    game, agent = Game(setup()), StyleAgent("sandbagger")
    for _ in range(count):
        while not round_is_over(game):
            game = take_action(game, choose_action(agent, game))
        game = deal_next(game)
    return game


class Remembers(UnexpectedAgent):
    """Keeps the earlier rounds that it is asked with, and takes the first legal action."""

    def choose_after(self, states, streams, earlier):  # noqa: ARG002 (draws nothing)
        self.earlier = earlier
        return np.array([legal_in(state)[0] for state in states])


@pytest.mark.parametrize("rounds", [0, 2])
def test_a_network_that_remembers_gets_the_ends_of_the_earlier_rounds_in_their_game(rounds):
    game, agent = after_rounds(rounds), Remembers()
    choose_action(agent, game)
    ends = agent.earlier[0]
    assert ends.shape == (rounds, STATE)
    assert all(is_over(end) for end in ends)
    for number, end in enumerate(ends):
        # With the scores before the round and the rounds left, which its seats saw, as in a match.
        assert end[LONGEST] == game.setup.most_cards
        assert (end == state_of(Game(game.setup, game.rounds[: number + 1]))).all()


def test_advice_with_styles_follows_from_the_earlier_rounds():
    settings = BeliefSettings(worlds=32, styles=0.3)
    asked = BeliefAdviser(NetworkEvaluator(NETWORK.parts, ROWS, CPU), settings)
    game = after_rounds(2)
    state, draws = state_of(game), stream(1, "a")
    shares = [
        [option.share for option in asked.evaluate_options(state, draws.copy(), ends)]
        for ends in (NO_ROUNDS, ends_of(game), ends_of(game))
    ]
    assert shares[0] != shares[1] == shares[2]


def test_advice_and_choice_of_a_network_that_adapts_follow_from_the_earlier_rounds():
    settings, game = BeliefSettings(worlds=16), after_rounds(3)
    evaluator = NetworkEvaluator(NETWORK.parts, ROWS, CPU)
    asked = BeliefAdviser(evaluator, settings, adapts=True)
    agent = BeliefAgent(evaluator, settings, adapts=True)
    state, draws, ends = state_of(game), stream(5, "advice"), ends_of(game)
    seen = hide_other_hands(state, int(state[SEAT]))
    options = asked.evaluate_options(state, draws.copy(), ends)
    priors = {option.action: option.prior for option in options}
    marked = SeatBeliefs(evaluator, settings.uniform).marked(seen[None], [ends])
    found = [
        evaluator.priors(states)[0, : len(options)].tolist() for states in (marked, seen[None])
    ]
    by_action = [priors[action] for action in legal_in(state)]
    assert by_action == pytest.approx(found[0], abs=1e-7)
    assert by_action != pytest.approx(found[1], abs=1e-7)
    chosen = agent.choose_after(seen[None], draws[None].copy(), [ends])[0]
    assert chosen == options[0].action
