"""The players: they use their own view only, keep to the rules, and are as strong as documented."""

from __future__ import annotations

import numpy as np
import pytest
from dealing import CPU, deals_of, play, small_network, small_network_player

from blobmaster.agents.heuristic import HeuristicAgent
from blobmaster.agents.ismcts import IsmctsAgent, PeekingAgent
from blobmaster.agents.openspiel import OpenSpielAgent
from blobmaster.agents.rollout import RolloutAgent
from blobmaster.agents.search import SearchAgent
from blobmaster.agents.styles import StyleAgent
from blobmaster.agents.uniform import RandomAgent
from blobmaster.config.search import SearchSettings
from blobmaster.evaluation.arena import play_deals
from blobmaster.game.cards import CARDS, NO_TRUMP, RANK_SYMBOLS, RANKS, SUIT_SYMBOLS, cards_in
from blobmaster.game.rules import (
    BIDS,
    FIRST_BID,
    HANDS,
    MAX_LEGAL,
    PLAYERS,
    SEAT,
    SEEN,
    STATE,
    VOIDS,
    apply,
    deal_into,
    is_over,
    legal_actions,
    legal_count,
    new_round,
    play_forced,
)
from blobmaster.game.styles import HELD_OUT_STYLES, TRAINING_STYLES
from blobmaster.inference.evaluator import NetworkEvaluator
from blobmaster.kernels.compile import kernel
from blobmaster.kernels.rng import below, generator, stream

POSITIONS = 600


@kernel
def _wander(state, steps, draws):
    """Take up to `steps` random actions; return True if the round is not over."""
    legal = np.empty(MAX_LEGAL, np.int64)
    play_forced(state)
    for _ in range(steps):
        if is_over(state):
            return False
        apply(state, legal[below(draws, legal_actions(state, legal))])
        play_forced(state)
    return not is_over(state)


def positions(count: int) -> np.ndarray:
    """Return `[count, STATE]`: states with a choice, of all kinds, reached by random play."""
    draws = stream(0, "positions")
    found = []
    for players, cards in ((3, 17), (4, 5), (4, 13), (5, 7), (8, 6)):
        deals = deals_of(players, cards, count)
        for number in range(count // 5):
            state = np.empty(STATE, np.int64)
            deal_into(state, *deals.plan[number], deals.deck[number])
            while not _wander(state, below(draws, players * (cards + 1) - 1), draws):
                deal_into(state, *deals.plan[number], deals.deck[number])
            found.append(state)
    return np.array(found)


def with_other_hidden_cards(state: np.ndarray, draws: np.random.Generator) -> np.ndarray:
    """Deal the cards hidden from the acting seat again; its view stays the same."""
    seat = state[SEAT]
    known = state[HANDS + seat] | state[SEEN]
    hidden = draws.permutation(cards_in(~known & ((1 << CARDS) - 1)))
    changed = state.copy()
    for other in range(state[PLAYERS]):
        if other != seat:
            size = int(state[HANDS + other]).bit_count()
            changed[HANDS + other] = sum(1 << int(card) for card in hidden[:size])
            hidden = hidden[size:]
    return changed


def every_agent(capacity: int = POSITIONS):
    search = SearchSettings(worlds=2, simulations=4)
    evaluator = NetworkEvaluator(small_network(1).parts, 2 * capacity, CPU)
    return {
        "random": RandomAgent(),
        "heuristic": HeuristicAgent(),
        **{style.name: StyleAgent(style.name) for style in TRAINING_STYLES + HELD_OUT_STYLES},
        "network": small_network_player(1, capacity),
        "network and search": SearchAgent(evaluator, capacity, search),
        "rollout": RolloutAgent(search),
        "ismcts": IsmctsAgent(20),
        "openspiel-ismcts": OpenSpielAgent(6),
    }


POSITIONS_OF = {"openspiel-ismcts": 60}
"""OpenSpiel's bot is slow: it gets few positions."""


def streams_for(states: np.ndarray) -> np.ndarray:
    return generator(0, "streams").integers(0, 2**64, (len(states), 1), dtype=np.uint64)


@pytest.mark.parametrize("name", every_agent())
def test_hidden_cards_do_not_change_a_choice(name):
    agent = every_agent()[name]
    states = positions(POSITIONS_OF.get(name, POSITIONS))
    draws = generator(0, "exchange")
    exchanged = np.array([with_other_hidden_cards(state, draws) for state in states])
    assert (states != exchanged).any(axis=1).mean() > 0.9
    chosen = agent.choose(states, streams_for(states))
    assert (chosen == agent.choose(exchanged, streams_for(states))).all()


def test_hidden_cards_change_the_choice_of_a_peeking_player():
    agent = PeekingAgent(IsmctsAgent(100))
    states = positions(300)
    states = states[(states[:, VOIDS : VOIDS + 8] == 0).all(axis=1)]  # anyone may hold any card
    draws = generator(0, "exchange")
    exchanged = np.array([with_other_hidden_cards(state, draws) for state in states])
    chosen = agent.choose(states, streams_for(states))
    assert (chosen != agent.choose(exchanged, streams_for(states))).any()


@pytest.mark.parametrize("name", every_agent())
def test_no_agent_changes_a_state(name):
    states = positions(50)
    before = states.copy()
    every_agent()[name].choose(states, streams_for(states))
    assert (states == before).all()


@pytest.mark.parametrize(
    ("players", "cards"), [(3, 17), (3, 2), (4, 1), (4, 13), (5, 7), (6, 8), (7, 7), (8, 6), (8, 1)]
)
def test_every_agent_plays_legal_actions_at_every_size(players, cards):
    deals = deals_of(players, cards, 6)
    agents = list(every_agent(6 * players).values())[:-1]
    tables = np.arange(6 * players).reshape(6, players) % len(agents)
    results = play_deals(  # raises if one does not
        agents, tables, deals, should_stop=lambda: False, on_deals=[].append
    )
    assert results is not None
    assert results.exact.max() == 1
    bids_kept = results.points[results.exact == 1] - 10
    assert bids_kept.min() >= 0
    assert bids_kept.max() <= cards
    assert (results.points[results.exact == 0] == 0).all()


def test_random_choices_are_uniform_over_the_legal_actions():
    states = positions(50)
    draws = streams_for(states)
    counts = np.zeros((len(states), FIRST_BID + 18), np.int64)
    for _ in range(4000):
        counts[np.arange(len(states)), RandomAgent().choose(states, draws)] += 1
    for state, count in zip(states, counts, strict=True):
        legal = legal_count(state)
        seen = count[count > 0]
        assert len(seen) == legal
        chi_square = ((seen - 4000 / legal) ** 2 / (4000 / legal)).sum()
        assert chi_square < legal - 1 + 5 * np.sqrt(2 * legal)


@pytest.mark.parametrize("name", ["random", "careless", "rollout", "ismcts", "openspiel-ismcts"])
def test_a_row_draws_from_its_own_stream_only(name):
    agent = every_agent()[name]
    states = positions(50)
    together, apart = streams_for(states), streams_for(states)
    chosen = agent.choose(states, together)
    for row in reversed(range(50)):
        one = slice(row, row + 1)
        assert agent.choose(states[one], apart[one])[0] == chosen[row]
    assert (together == apart).all()
    assert (together != streams_for(states)).all()


def test_a_network_player_takes_the_legal_action_of_highest_prior():
    states = positions(100)
    priors = NetworkEvaluator(small_network(1).parts, 100, CPU).priors(states)
    chosen = small_network_player(1, 100).choose(states, streams_for(states))
    legal = np.empty(MAX_LEGAL, np.int64)
    for state, prior, action in zip(states, priors, chosen, strict=True):
        count = legal_actions(state, legal)
        assert prior[:count].max() == prior[:count][legal[:count] == action][0]


def test_heuristic_players_make_about_half_of_their_bids_among_themselves():
    results = play([HeuristicAgent()], [0] * 4, deals_of(4, 5, 1500))
    assert results.points.mean() > 5.6
    assert results.exact.mean() > 0.51


def test_the_heuristic_beats_random_players_clearly():
    results = play([HeuristicAgent(), RandomAgent()], [0, 1, 1, 1], deals_of(4, 5, 300))
    made = results.points.mean(axis=1)
    lead = made[:, 0] - made[:, 1:].mean(axis=1)
    assert lead.mean() - 5 * lead.std() / np.sqrt(len(lead)) > 2.0


def card(name: str) -> int:
    return RANKS * SUIT_SYMBOLS.index(name[1]) + RANK_SYMBOLS.index(name[0])


def last_to_play(hand: str, table: str, bid: int, trump: int) -> np.ndarray:
    """Return a state in which the dealer, seat 3 with `hand`, plays last to the trick `table`."""
    hands = np.full((4, len(hand.split())), -1)
    hands[3] = [card(name) for name in hand.split()]
    hands[:3, 0] = [card(name) for name in table.split()]
    rest = iter(sorted(set(range(CARDS)) - set(hands[hands >= 0].tolist())))
    hands[hands < 0] = [next(rest) for _ in range((hands < 0).sum())]
    state = new_round(4, hands.shape[1], trump, 3, hands)
    for action in (FIRST_BID, FIRST_BID, FIRST_BID, FIRST_BID + bid, *hands[:3, 0]):
        apply(state, action)
    assert state[SEAT] == 3
    assert state[BIDS + 3] == bid
    assert (state[VOIDS : VOIDS + 3] == 0).all()
    return state[None]


def heuristic_card(state: np.ndarray) -> int:
    return int(HeuristicAgent().choose(state, np.zeros((1, 1), np.uint64))[0])


def test_the_heuristic_gets_rid_of_its_highest_losing_card_when_it_wants_no_trick():
    state = last_to_play("2♥ 9♥ J♥ A♥ 3♠", "4♥ Q♥ 5♥", bid=0, trump=NO_TRUMP)
    assert heuristic_card(state) == card("J♥")


def test_the_heuristic_wins_as_cheaply_as_it_can_when_it_needs_tricks():
    state = last_to_play("2♥ T♥ A♥ 2♣ 2♦", "4♥ 9♥ 5♥", bid=2, trump=0)
    assert heuristic_card(state) == card("T♥")


def test_the_heuristic_keeps_its_trumps_when_it_wants_no_trick_and_cannot_follow():
    state = last_to_play("2♠ 3♣ A♣ 4♦ 5♦", "4♥ Q♥ 5♥", bid=0, trump=0)
    assert heuristic_card(state) == card("A♣")


def test_openspiels_game_is_loaded_once_and_not_at_each_decision(monkeypatch):
    states = positions(10)
    OpenSpielAgent(6).choose(states[:1], streams_for(states[:1]))
    monkeypatch.setattr("pyspiel.load_game", None)  # loading a game from now on is an error
    OpenSpielAgent(6).choose(states, streams_for(states))
