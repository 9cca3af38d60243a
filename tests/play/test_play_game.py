"""The game as data: legal moves only, the whole schedule, and the same game after saving."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tables import OPPONENT, games, play_on, setup, step

from blobmaster.game.rules import ACTION_COUNT
from blobmaster.game.schedule import game_rounds
from blobmaster.play.game import (
    Game,
    Setup,
    deal_next,
    is_finished,
    legal_actions_of,
    results,
    round_is_over,
    round_plans,
    scores,
    state_of,
    take_action,
)
from blobmaster.play.saved_game import GameFile, folder, game_of, newest, read
from blobmaster.play.view import view_of
from blobmaster.run.errors import RunError


@settings(max_examples=40)
@given(games())
def test_exactly_the_legal_actions_are_accepted(game: Game):
    legal = legal_actions_of(state_of(game))
    for action in range(-1, ACTION_COUNT + 1):
        if action in legal:
            assert take_action(game, action).rounds[-1][-1] == action
        else:
            with pytest.raises(ValueError, match="not legal"):
                take_action(game, action)


@settings(max_examples=40)
@given(games())
def test_a_round_is_dealt_only_when_the_one_before_is_over(game: Game):
    if round_is_over(game) and not is_finished(game):
        assert deal_next(game).number == game.number + 1
    else:
        with pytest.raises(ValueError, match="no round"):
            deal_next(game)


@pytest.mark.parametrize(("players", "most"), [(3, 4), (4, 5), (8, 2)])
def test_a_whole_game_is_the_schedules_rounds_and_its_scores_their_points(players: int, most: int):
    game = play_on(Game(setup(players=players, most_cards=most)), 10_000)
    assert is_finished(game)
    assert tuple(result.plan for result in results(game)) == game_rounds(players, most)
    for result in results(game):
        assert sum(result.tricks) == result.plan.cards
        assert sum(result.bids) != result.plan.cards
        made = [
            10 + bid if bid == took else 0
            for bid, took in zip(result.bids, result.tricks, strict=True)
        ]
        assert list(result.points) == made
    assert sum(scores(game)) == sum(sum(result.points) for result in results(game))
    assert view_of(game).scores == scores(game)


def test_one_round_is_a_game_of_one_round():
    game = play_on(Game(setup(one_round=True)), 10_000)
    assert len(results(game)) == 1
    trumps = {round_plans(setup(one_round=True, seed=seed))[0].trump for seed in range(40)}
    assert trumps == {0, 1, 2, 3, 4}


def test_the_seed_decides_the_cards_and_every_round_has_its_own():
    hands = [view_of(play_on(Game(setup(seed=seed)), 0)).hand for seed in (1, 1, 2)]
    assert hands[0] == hands[1] != hands[2]
    chance = np.random.default_rng(0)
    game = Game(setup(most_cards=2))
    dealt = set()
    while not is_finished(game):
        if not game.rounds[-1]:
            dealt.add((view_of(game).hand, view_of(game).plan.cards))
        game = step(game, chance)
    assert len(dealt) > 4


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"players": 2}, "3 to 8 players"),
        ({"players": 9}, "3 to 8 players"),
        ({"most_cards": 14}, "1 to 13 cards"),
        ({"most_cards": 0}, "1 to 13 cards"),
        ({"seat": 4}, "seats 1 to 4"),
        ({"seat": -1}, "seats 1 to 4"),
        ({"seed": -1}, "must not be negative"),
    ],
)
def test_a_setup_that_cannot_be_dealt_is_an_error(changes: dict[str, int], words: str):
    with pytest.raises(ValueError, match=words):
        setup(**changes)


@settings(max_examples=40)
@given(games(), st.integers(0, 99))
def test_a_saved_game_continues_as_if_it_had_not_been_interrupted(tmp_path_factory, game, seed):
    path = tmp_path_factory.mktemp("games") / "game.json"
    GameFile(path, OPPONENT).save(game)
    resumed = game_of(read(path), path)
    assert resumed == game
    assert read(path).opponent == OPPONENT
    assert view_of(resumed) == view_of(game)
    assert play_on(resumed, 30, seed) == play_on(game, 30, seed)


def change(path: Path, name: str, value: object) -> None:
    content = json.loads(path.read_text())
    content[name] = value
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("rounds", [[51, 52]], "rules forbid"),
        ("rounds", [[52, 52, 52, 52], []], "rules forbid"),
        ("rounds", [["2"]], "damaged"),
        ("setup", {"players": 99, "most_cards": 5, "seat": 1, "seed": 1}, "damaged"),
        ("schema", 2, "schema 2"),
        ("opponent", {}, "damaged"),
    ],
)
def test_an_impossible_saved_game_is_rejected_in_one_line(
    tmp_path: Path, name: str, value: object, words: str
):
    path = tmp_path / "game.json"
    GameFile(path, OPPONENT).save(play_on(Game(setup()), 3))
    change(path, name, value)
    with pytest.raises(RunError, match=words) as rejected_message:
        game_of(read(path), path)
    assert len(str(rejected_message.value).splitlines()) == 1


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b" " * (1 << 21)]
)
def test_a_file_that_is_not_a_saved_game_is_rejected(tmp_path: Path, content: bytes):
    path = tmp_path / "game.json"
    path.write_bytes(content)
    with pytest.raises(RunError):
        read(path)


def test_the_newest_readable_game_is_resumed_and_damaged_files_are_skipped(tmp_path: Path):
    for number in range(3):
        game_file = GameFile(tmp_path / f"{3 - number}.json", OPPONENT)
        game_file.save(play_on(Game(setup(seed=number)), 5))
    (tmp_path / "4.json").write_text("no game")
    path, saved = newest(tmp_path)
    assert path.name == "1.json"
    assert saved.setup.seed == 2
    for number in (1, 2, 3):
        (tmp_path / f"{number}.json").unlink()
    with pytest.raises(RunError, match=r"4\.json"):
        newest(tmp_path)
    (tmp_path / "4.json").unlink()
    with pytest.raises(RunError, match="no saved game"):
        newest(tmp_path)


def test_a_finished_game_leaves_no_file(tmp_path: Path):
    game_file = GameFile(tmp_path / "a" / "game.json", OPPONENT)
    game_file.save(play_on(Game(setup()), 5))
    assert game_file.path.exists()
    game_file.delete()
    game_file.delete()
    assert not game_file.path.exists()


def test_games_are_saved_in_the_xdg_state_folder(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", "/home/ada")
    assert folder({}) == Path("/home/ada/.local/state/blobmaster/games")
    assert folder({"XDG_STATE_HOME": "/var/state"}) == Path("/var/state/blobmaster/games")
    assert folder({"XDG_STATE_HOME": "relative"}) == folder({})


def test_a_setup_is_checked_when_it_is_made():
    with pytest.raises(ValueError, match="seats"):
        Setup(players=3, most_cards=1, seat=3, seed=0)
