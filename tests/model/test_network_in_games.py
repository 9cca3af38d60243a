"""Networks for games: they see scores and rounds left, and predict shares of the win."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from positions import RandomRound

from blobmaster.config.network import NetworkSettings
from blobmaster.game.opponents import FIRST_VARIED, pack_opponents
from blobmaster.game.rules import (
    BIDS,
    DEALER,
    DEALT,
    LONGEST,
    OPPONENTS,
    PLAYERS,
    ROUNDS_LEFT,
    SCORES,
    SEAT,
    TRICKS,
    is_bidding,
)
from blobmaster.inference.evaluator import STANDING_ROWS, NetworkEvaluator
from blobmaster.inference.precision import convert
from blobmaster.model.features import OPPONENT_FEATURES
from blobmaster.model.game_features import (
    GAME_FEATURES,
    GAME_INDEX,
    STANDING_FEATURES,
    VIEW_FEATURES,
    encode_game,
    encode_standing,
    view_index,
)
from blobmaster.model.network import BlobNetwork, new_network
from blobmaster.model.traits import TRAITS, TRAITS_OF

CPU = torch.device("cpu")
SMALL = NetworkSettings(width=48, blocks=2)


def in_a_game(state: np.ndarray, seed: int) -> np.ndarray:
    """Return the same round as part of a game."""
    draws = np.random.default_rng(seed)
    other = state.copy()
    other[LONGEST] = draws.integers(1, 8)
    other[ROUNDS_LEFT] = draws.integers(0, 2 * other[LONGEST] - 2 + other[PLAYERS])
    other[SCORES : SCORES + state[PLAYERS]] = draws.integers(0, 120, state[PLAYERS])
    return other


def some_states(games: bool) -> np.ndarray:
    rounds = [RandomRound(seed, players, 5) for seed, players in enumerate((3, 4, 5, 8))]
    states = np.concatenate([round_.choices for round_ in rounds])
    if not games:
        return states
    return np.array([in_a_game(state, seed) for seed, state in enumerate(states)])


def trained(sees_games: bool, seed: int = 1) -> BlobNetwork:
    """Return a network without zero weights."""
    network = new_network(SMALL, seed, sees_games=sees_games).eval()
    draws = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=draws))
    return network


@pytest.mark.parametrize("rows", [1, 2, 7, 64])
@pytest.mark.parametrize("games", [False, True])
def test_a_games_network_with_the_weights_of_a_rounds_network_computes_exactly_the_same(
    rows, games
):
    small = trained(sees_games=False)
    large = new_network(SMALL, 9, sees_games=True).eval()
    large.take_over(small.state_dict())
    states = some_states(games)[:rows]
    one, two = (NetworkEvaluator(network.parts, rows, CPU) for network in (small, large))
    assert (one.priors(states) == two.priors(states)).all()
    assert (one.values(states) == two.values(states)).all()
    assert all(
        (a == b).all() for a, b in zip(one.forecasts(states), two.forecasts(states), strict=True)
    )
    assert all(
        (a == b).all() for a, b in zip(one.chances(states), two.chances(states), strict=True)
    )


def test_untrained_networks_of_both_phases_compute_the_same():
    small, large = (new_network(SMALL, 3, sees_games=games).state_dict() for games in (False, True))
    assert small.keys() < large.keys()
    assert all(torch.equal(small[name], large[name]) for name in small)


def test_all_weights_of_a_games_network_are_loaded():
    one, other = trained(sees_games=True), new_network(SMALL, 9, sees_games=True)
    other.take_over(one.state_dict())
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize(
    "other", [NetworkSettings(width=32, blocks=2), NetworkSettings(width=48, blocks=3)]
)
def test_weights_of_another_size_are_refused(other):
    with pytest.raises(ValueError):
        new_network(SMALL, 9, sees_games=True).take_over(new_network(other, 1).state_dict())


def features(state: np.ndarray) -> Iterator[tuple[str, list[float]]]:
    row = np.full(GAME_FEATURES, 7, np.float32)
    encode_game(state, row)
    for name, group in GAME_INDEX.items():
        yield name, row[group].tolist()


def test_scores_and_rounds_left_are_encoded_relative_to_the_acting_seat():
    for state in some_states(games=True):
        players, me = int(state[PLAYERS]), int(state[SEAT])
        scores = [int(state[SCORES + (me + n) % players]) for n in range(players)]
        absent = [0.0] * (8 - players)
        left, most = int(state[ROUNDS_LEFT]), int(state[LONGEST])
        drift = 8 * np.sqrt(left + 1)
        found = dict(features(state))
        assert found["in_game"] == [1]
        assert found["seats"] == [1] * players + absent
        assert found["deals"].index(1) == (state[DEALER] - me) % players
        assert found["most_cards"].index(1) == most - 1
        assert found["left"].index(1) == min(left, 11)
        assert found["share_left"][0] == pytest.approx((left + 1) / (2 * most - 2 + players))
        assert found["score"] == pytest.approx([n / 100 for n in scores] + absent)
        assert found["ahead"] == pytest.approx([(n - scores[0]) / 30 for n in scores] + absent)
        behind = [(n - scores[0]) / drift for n in scores]
        assert found["pressure"] == pytest.approx(behind + absent)
        for name in ("deals", "most_cards", "left"):
            assert sum(found[name]) == 1


def test_a_single_round_has_no_game_features():
    for state in some_states(games=False):
        assert all(set(values) == {0} for _, values in features(state))


def test_the_standings_input_holds_the_opponents_and_the_games_features():
    for state in some_states(games=True):
        is_seated = np.arange(8) % 2 == 0
        state[OPPONENTS] = pack_opponents(
            (is_seated & (np.arange(8) < 3))[None], np.full((1, 8), 5)
        )[0]
        state[OPPONENTS] -= 5 << 8  # at seat 0 a random opponent, at seat 2 one of kind 5
        row = np.full(STANDING_FEATURES, 7, np.float32)
        encode_standing(state, row)
        players, me = int(state[PLAYERS]), int(state[SEAT])
        expected = np.zeros((FIRST_VARIED + TRAITS, 8), np.float32)
        for kind, seat in ((0, 0), (5, 2)):
            expected[kind, (seat - me) % players] = 1
            expected[FIRST_VARIED:, (seat - me) % players] = TRAITS_OF[kind]
        assert np.array_equal(row[:OPPONENT_FEATURES].reshape(-1, 8), expected)
        game = np.empty(GAME_FEATURES, np.float32)
        encode_game(state, game)
        assert (row[OPPONENT_FEATURES:] == game).all()


def test_the_groups_of_the_actors_input_in_games_lie_side_by_side():
    groups = list(view_index().values())
    assert [group.stop for group in groups[:-1]] == [group.start for group in groups[1:]]
    assert groups[-1].stop == VIEW_FEATURES


@pytest.mark.parametrize("number_format", ["fp32", "bf16"])
def test_only_seats_in_play_have_shares_of_the_win(number_format):
    states = some_states(games=True)
    states = np.concatenate([states] * (1 + STANDING_ROWS // len(states)))
    network = convert(trained(sees_games=True), number_format)
    shares = NetworkEvaluator(network, 200, CPU).standings(states)
    assert shares.sum(axis=1) == pytest.approx(1.0)
    for state, row in zip(states, shares, strict=True):
        assert (row[: state[PLAYERS]] > 0).all()
        assert (row[state[PLAYERS] :] == 0).all()
    assert len(np.unique(shares[:, 0])) > 20
    plain = NetworkEvaluator(trained(sees_games=True).parts, 1, CPU).standings(states)
    assert np.array_equal(shares, plain)  # always float32
    some = NetworkEvaluator(network, 200, CPU).standings(states[-3:])
    assert shares[-3:] == pytest.approx(some, abs=1e-6)


def test_an_untrained_network_predicts_equal_shares():
    states = some_states(games=True)
    evaluator = NetworkEvaluator(new_network(SMALL, 1, sees_games=True).parts, 1, CPU)
    players = states[:, PLAYERS, None]
    assert evaluator.standings(states) == pytest.approx((np.arange(8) < players) / players)


def test_the_winners_share_the_win_of_a_finished_game():
    states = some_states(games=True)[:1]
    states[0, ROUNDS_LEFT] = -1
    states[0, SCORES : SCORES + 3] = 40, 70, 70
    evaluator = NetworkEvaluator(trained(sees_games=True).parts, 1, CPU)
    assert evaluator.standings(states)[0].tolist() == [0, 0.5, 0.5, 0, 0, 0, 0, 0]


def test_values_are_the_chances_of_exact_bids_times_their_points():
    states = some_states(games=True)
    states = states[[not is_bidding(state) for state in states]]
    assert len(states) > 20
    evaluator = NetworkEvaluator(trained(sees_games=True).parts, len(states), CPU)
    bids, exact = evaluator.chances(states)
    values = evaluator.values(states)
    for state, bid, chance, value in zip(states, bids, exact, values, strict=True):
        players = int(state[PLAYERS])
        made = state[BIDS : BIDS + players]
        assert (bid[:players] == made).all()
        paid = chance * (10 + bid) / (10 + int(state[DEALT]))
        assert paid[:players] == pytest.approx(value[:players], abs=1e-5)
        assert (bid[players:] == 0).all()
        assert (chance[players:] == 0).all()


def test_the_chances_of_a_round_that_is_over_are_its_result():
    states = np.array([in_a_game(RandomRound(seed, 4, 3).end, seed) for seed in range(20)])
    evaluator = NetworkEvaluator(trained(sees_games=True).parts, len(states), CPU)
    bids, exact = evaluator.chances(states)
    assert (bids[:, :4] == states[:, BIDS : BIDS + 4]).all()
    assert (exact[:, :4] == (states[:, TRICKS : TRICKS + 4] == bids[:, :4])).all()
    assert 0 < exact[:, :4].mean() < 1


def test_priors_in_games_do_not_depend_on_hidden_cards():
    states = some_states(games=True)
    evaluator = NetworkEvaluator(trained(sees_games=True).parts, len(states), CPU)
    before = evaluator.priors(states).copy()
    states[:, OPPONENTS] = 0b10
    assert (evaluator.priors(states) == before).all()
    states[:, SCORES] += 30
    assert (evaluator.priors(states) != before).any(axis=1).all()
