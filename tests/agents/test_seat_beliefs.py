"""The finished rounds of a game tell who holds its seats, and the network plays accordingly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from dealing import CPU, ends_of_rounds, small_network
from positions import RandomRound

from blobmaster.agents.base import Remembering
from blobmaster.agents.network import AdaptingAgent, NetworkAgent, trained_player
from blobmaster.agents.seat_beliefs import ROWS, SeatBeliefs
from blobmaster.agents.styles import StyleAgent
from blobmaster.checkpoint.network import TrainedNetwork
from blobmaster.config.compose import compose
from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.opponents import BY_NETWORK, FIRST_STYLE, KIND_BITS, KINDS, KNOWN, RANDOM
from blobmaster.game.rules import OPPONENTS, SEAT
from blobmaster.game.styles import style_number
from blobmaster.inference.evaluator import NetworkEvaluator
from blobmaster.kernels.rng import stream
from blobmaster.search.spec import parse_search

NETWORK = small_network(1)
with torch.no_grad():
    NETWORK.actor.head.weight.mul_(20.0)  # as sure of its choices as a trained one
SEATS = ("network", "sandbagger", "grabber", "network")


def ends_by(count: int, seats: tuple[str, ...] = SEATS) -> np.ndarray:
    """Return the ends of rounds with these players at the seats."""
    agents = {
        name: NetworkAgent(NETWORK.parts, 1, CPU) if name == "network" else StyleAgent(name)
        for name in seats
    }
    return ends_of_rounds([agents[name] for name in seats], 7, count)


def beliefs() -> SeatBeliefs:
    return SeatBeliefs(NetworkEvaluator(NETWORK.parts, ROWS, CPU))


def kind_of(name: str) -> int:
    return FIRST_STYLE + style_number(name) - 1


def test_each_seat_is_marked_as_what_it_played_like():
    states = RandomRound(9, 4, 7).choices[:1].repeat(2, axis=0)
    marked = beliefs().marked(states, [ends_by(6), ends_by(0)])
    expected = KNOWN
    for seat, name in enumerate(SEATS):
        if name != "network" and seat != states[0, SEAT]:
            expected |= 1 << seat | kind_of(name) << (MAX_PLAYERS + KIND_BITS * seat)
    assert marked[:, OPPONENTS].tolist() == [expected, 0]
    assert (states[:, OPPONENTS] == 0).all()  # a copy is marked
    assert np.array_equal(np.delete(marked, OPPONENTS, 1), np.delete(states, OPPONENTS, 1))


def test_a_seat_never_marks_itself():
    rounds = RandomRound(9, 4, 7)
    for state in rounds.choices[:8]:
        marked = beliefs().marked(state[None], [ends_by(6, ("sandbagger",) * 4)])[0]
        assert int(marked[OPPONENTS]) & 0xFF == 0b1111 & ~(1 << int(state[SEAT]))


@pytest.mark.parametrize(
    ("best", "marked", "known"),
    [
        (["network", "network", "network"], [], True),
        (["sandbagger", "network", "network"], [1], True),
        (["sandbagger", "random", "network"], [1], True),
        (["network", "doubtful", "network"], [], True),
        (["network", "random", "network"], [], False),
        (["random", "random", "random"], [], False),
    ],
)
def test_a_seat_that_nothing_explains_is_not_marked(best, marked, known, monkeypatch):
    kinds = {"network": BY_NETWORK, "sandbagger": kind_of("sandbagger")}
    likelihood = np.zeros((MAX_PLAYERS, KINDS))
    likelihood[:, :] = -20.0
    likelihood[:, RANDOM] = -10.0
    for seat, name in enumerate(best, start=1):
        # A type that is hardly more probable than random play explains nothing.
        likelihood[seat, kinds.get(name, BY_NETWORK)] = -9.5 if name == "random" else -7.0
        if name == "doubtful":  # a little more like a sandbagger, but most seats are the network's
            likelihood[seat, kinds["sandbagger"]] = -6.0
    believed = beliefs()
    monkeypatch.setattr(believed, "log_likelihood", lambda _: likelihood)
    state = next(s for s in RandomRound(9, 4, 7).choices if s[SEAT] == 0)
    found = int(believed.marked(state[None], [ends_by(1)])[0, OPPONENTS])
    assert bool(found & KNOWN) == known
    assert [seat for seat in range(4) if found >> seat & 1] == marked


def test_the_likelihood_is_the_sum_over_rounds_in_any_order_and_is_not_changed_by_repeating():
    believed, ends = beliefs(), ends_by(3)
    one_by_one = sum(beliefs().log_likelihood(end[None]) for end in ends)  # each asked first
    assert one_by_one.shape == (MAX_PLAYERS, KINDS)
    for order in ([0, 1, 2], [2, 0, 1]):
        assert believed.log_likelihood(ends[order]) == pytest.approx(one_by_one)
    assert (one_by_one[4:] == 0).all()
    assert (one_by_one[:4] < 0).all()
    assert one_by_one[0].argmax() == one_by_one[3].argmax() == BY_NETWORK


def test_a_round_of_the_longest_size_fits_into_a_batch():
    end = RandomRound(2, 3, 17).end
    assert (beliefs().log_likelihood(end[None])[:3] < 0).all()


def test_the_network_chooses_as_with_the_seats_that_it_believes_in():
    agent = AdaptingAgent(NETWORK.parts, 1, CPU)
    assert isinstance(agent, Remembering)
    states = RandomRound(9, 4, 7).choices
    streams, ends = np.zeros((len(states), 1), np.uint64), ends_by(4)
    adapted = agent.choose_after(states, streams, [ends] * len(states))
    marked = beliefs().marked(states, [ends] * len(states))
    plain = NetworkAgent(NETWORK.parts, len(states), CPU)
    assert adapted.tolist() == plain.choose(marked, streams).tolist()
    assert adapted.tolist() != plain.choose(states, streams).tolist()
    alone = agent.choose_after(states, streams, [ends[:0]] * len(states))
    assert alone.tolist() == plain.choose(states, streams).tolist()


@pytest.mark.parametrize("search", [None, "belief:8"])
def test_only_a_network_that_has_learned_it_adapts(search):
    states = RandomRound(9, 4, 7).choices
    streams = np.stack([stream(4, "a", row) for row in range(len(states))])
    earlier = [ends_by(4)] * len(states)
    spec = None if search is None else parse_search(search)
    for share in (0.0, 0.5):
        config = compose({"self_play": {"opponents_known": share}})
        trained = TrainedNetwork(NETWORK, config, None)
        agent = trained_player(trained, spec, CPU)(len(states))
        first = agent.choose(states, streams.copy()).tolist()
        if isinstance(agent, Remembering):
            after = agent.choose_after(states, streams.copy(), earlier).tolist()
            assert (after != first) == (share > 0)
        else:
            assert share == 0
