"""The arena: every rotation follows the rules, and all places share the luck of the cards."""

from __future__ import annotations

import numpy as np
import pytest
from dealing import deals_of, play, small_network_player

from blobmaster.agents.heuristic import HeuristicAgent
from blobmaster.agents.uniform import RandomAgent
from blobmaster.config.rounds import RoundMix
from blobmaster.evaluation.arena import play_deals
from blobmaster.game.rules import (
    LONGEST,
    PLAYERS,
    ROUNDS_LEFT,
    SCORES,
    SEAT,
    apply,
    is_over,
    legal_actions,
    new_round,
)
from blobmaster.game.scoring import points
from blobmaster.kernels.rng import generator
from blobmaster.selfplay.deals import deal_after, deal_games


class Nth:
    """Takes the n-th legal action modulo their number, so that two agents play differently."""

    def __init__(self, n: int) -> None:
        self.n = n

    def choose(self, states, streams):  # noqa: ARG002 (draws nothing)
        actions = np.empty(len(states), np.int64)
        legal = np.empty(32, np.int64)
        for row, state in enumerate(states):
            actions[row] = legal[self.n % legal_actions(state, legal)]
        return actions


class Cheat:
    """Chooses an illegal action: a bid of 99."""

    def choose(self, states, streams):  # noqa: ARG002 (draws nothing)
        return np.full(len(states), 151, np.int64)


def ask(agent, state):
    return int(agent.choose(state[None], np.zeros((1, 1), np.uint64))[0])


def test_rotations_give_the_results_of_rounds_played_one_by_one():
    agents = [Nth(0), Nth(1), Nth(2), Nth(5)]
    deals = deals_of(4, 5, 20)
    lineups = np.array([np.roll([0, 1, 2, 3], number) for number in range(20)])
    results = play_deals(agents, lineups, deals, should_stop=lambda: False, on_deals=[].append)
    for number, (players, cards, trump, dealer) in enumerate(deals.plan):
        hands = deals.deck[number, : players * cards].reshape(players, cards)
        for rotation in range(4):
            state = new_round(players, cards, trump, dealer, hands)
            while not is_over(state):
                place = (state[SEAT] - rotation) % 4
                apply(state, ask(agents[lineups[number, place]], state))
            for place in range(4):
                made = points(state, (place + rotation) % 4)
                assert results.points[number, rotation, place] == made
                assert results.exact[number, rotation, place] == (made > 0)


@pytest.mark.parametrize("players", [3, 4, 6])
@pytest.mark.parametrize("name", ["random", "heuristic", "network"])
def test_identical_players_get_identical_results_at_every_place(players, name):
    agent = {
        "random": RandomAgent(),
        "heuristic": HeuristicAgent(),
        "network": small_network_player(1, 60 * players),
    }[name]
    results = play([agent], [0] * players, deals_of(players, 6, 60))
    made = results.points.sum(axis=1)
    assert (made == made[:, :1]).all()
    assert (results.exact.sum(axis=1) == results.exact.sum(axis=1)[:, :1]).all()
    assert made.max() > 0


def test_a_round_does_not_depend_on_the_other_rounds_of_its_batch():
    deals = deals_of(4, 5, 30)
    whole = play([HeuristicAgent(), RandomAgent()], [0, 1, 1, 1], deals)
    for part in (slice(0, 1), slice(7, 20)):
        some = type(deals)(
            deals.plan[part],
            deals.deck[part],
            deals.streams[part],
            deals.opponents[part],
            deals.greedy[part],
        )
        alone = play([HeuristicAgent(), RandomAgent()], [0, 1, 1, 1], some)
        assert (alone.points == whole.points[part]).all()


def test_playing_does_not_change_the_deals():
    deals = deals_of(4, 5, 10)
    before = [deals.plan.copy(), deals.deck.copy(), deals.streams.copy()]
    play([RandomAgent()], [0] * 4, deals)
    for array, copy in zip((deals.plan, deals.deck, deals.streams), before, strict=True):
        assert (array == copy).all()


def test_every_deal_is_reported_once_when_all_its_rotations_are_over():
    told = []
    play_deals(
        [RandomAgent()],
        np.zeros((50, 5), np.int64),
        deals_of(5, 4, 50),
        should_stop=lambda: False,
        on_deals=told.append,
    )
    assert sum(told) == 50
    assert min(told) > 0


class Logged:
    """Plays like another agent and records the streams that it gets."""

    def __init__(self, agent, log: list) -> None:
        self.agent = agent
        self.log = log

    def choose(self, states, streams):
        self.log.append(streams[:, 0].tolist())
        return self.agent.choose(states, streams)


def test_a_deal_is_reported_after_the_last_choice_of_all_its_rotations():
    for seed in range(20):
        log: list = []
        agents = [Logged(RandomAgent(), log), Logged(HeuristicAgent(), log)]
        play_deals(
            agents,
            np.array([[0, 1, 1, 1]]),
            deals_of(4, 5, 1, seed),
            should_stop=lambda: False,
            on_deals=log.append,
        )
        assert log.index(1) == len(log) - 1


def test_a_round_advances_its_stream_and_never_draws_the_same_twice():
    log: list = []
    play([Logged(RandomAgent(), log)], [0] * 4, deals_of(4, 7, 1))
    assert all(len(set(draws)) == 1 for draws in log)  # the rotations, which draw alike
    assert len({draws[0] for draws in log}) == len(log) > 10


def test_abandoned_play_has_no_results():
    steps = iter([False, False, False, True])
    results = play_deals(
        [RandomAgent()],
        np.zeros((50, 4), np.int64),
        deals_of(4, 5, 50),
        should_stop=lambda: next(steps),
        on_deals=[].append,
    )
    assert results is None


def test_an_illegal_action_is_an_error():
    with pytest.raises(ValueError, match="an agent chose an illegal action"):
        play([RandomAgent(), Cheat()], [0, 0, 0, 1], deals_of(4, 5, 5))


def test_deals_for_another_number_of_players_are_an_error():
    with pytest.raises(ValueError, match="4 places"):
        play([RandomAgent()], [0] * 4, deals_of(5, 5, 5))


class Remembers(Nth):
    """Checks that the earlier rounds of each game are those that gave it its scores."""

    def __init__(self, n: int) -> None:
        super().__init__(n)
        self.counts: set[int] = set()

    def choose_after(self, states, streams, earlier):
        for state, ends in zip(states, earlier, strict=True):
            players = int(state[PLAYERS])
            # A game of 1 to 3 cards for four: 3, 2, 1, 1, 1, 1, 2, 3.
            assert len(ends) == 8 - 1 - state[ROUNDS_LEFT]
            assert all(is_over(end) for end in ends)
            made = np.zeros(players, np.int64)
            for end in ends:
                assert (end[SCORES : SCORES + players] == made).all()
                made += [points(end, seat) for seat in range(players)]
            assert (state[SCORES : SCORES + players] == made).all()
            self.counts.add(len(ends))
        return self.choose(states, streams)


def test_an_agent_that_remembers_gets_the_ends_of_the_games_earlier_rounds():
    mix = RoundMix(players={4: 1.0}, most_cards={4: {3: 1.0}})
    deals = deal_games(mix, 5, generator(0, "test"))
    agents = [Remembers(1), Nth(2)]
    remembered = play(agents, [0, 1, 1, 1], deals)
    assert agents[0].counts == set(range(8))
    assert (remembered.points == play([Nth(1), Nth(2)], [0, 1, 1, 1], deals).points).all()


class Recalls(Nth):
    """Checks that the earlier rounds of a series leave no trace but their ends."""

    def __init__(self, n: int) -> None:
        super().__init__(n)
        self.counts: set[int] = set()

    def choose_after(self, states, streams, earlier):
        assert not states[:, [LONGEST, ROUNDS_LEFT, *range(SCORES, SCORES + 4)]].any()
        assert all(is_over(end) for ends in earlier for end in ends)
        self.counts.update(map(len, earlier))
        return self.choose(states, streams)


def test_of_a_series_only_the_last_round_counts_and_the_others_are_remembered():
    mix = RoundMix.of_size(4, 5)
    series = deal_after(mix, 2, 6, generator(0, "test"))
    agents, lineup = [Recalls(1), Nth(2)], [0, 1, 1, 1]
    found = play(agents, lineup, series)
    # The rounds that count are those that are dealt without earlier ones.
    wanted = play([Nth(1), Nth(2)], lineup, deals_of(4, 5, 6))
    assert agents[0].counts == {0, 1, 2}
    assert (found.points == wanted.points).all()
    assert (found.exact == wanted.exact).all()


def test_the_rounds_before_a_round_that_counts_are_all_different():
    mix = RoundMix.of_size(4, 5)
    series = deal_after(mix, 3, 20, generator(0, "test"))
    assert len(np.unique(series.deck, axis=0)) == len(np.unique(series.streams)) == 80


def test_single_rounds_have_no_earlier_ones():
    class Alone(Nth):
        def choose_after(self, states, streams, earlier):
            assert [len(ends) for ends in earlier] == [0] * len(states)
            return self.choose(states, streams)

    assert len(play([Alone(1)], [0, 0, 0], deals_of(3, 4, 5)).points) == 5
