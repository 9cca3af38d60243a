"""A player in a Python file sees what its seat sees, repeats its draws, and cannot cheat."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import numpy as np
import pytest
from dealing import CPU, deals_of, play

from blobmaster.agents.factory import OpponentRequest, make_opponent
from blobmaster.agents.names import parse_player
from blobmaster.agents.script import seen_from
from blobmaster.agents.uniform import RandomAgent
from blobmaster.game.cards import CARDS, NO_TRUMP, cards_in
from blobmaster.game.rules import (
    FIRST_BID,
    HANDS,
    LONGEST,
    MAX_LEGAL,
    ROUNDS_LEFT,
    SCORES,
    SEAT,
    apply,
    is_over,
    legal_actions,
    new_round,
)
from blobmaster.kernels.rng import generator
from blobmaster.run.errors import RunError

EXAMPLE = Path(__file__).parents[2] / "examples" / "player.py"

LOWEST = """
def bid(seen, legal, random):
    return legal[0]
def play(seen, legal, random):
    return legal[0]
"""

SHY = """
class Shy(Exception):
    def __repr__(self): raise RuntimeError
    __str__ = __repr__
"""


def player(folder: Path, text: str):
    """Make the agent of a file with this text."""
    path = folder / "mine.py"
    path.write_text(text)
    return make_opponent(OpponentRequest(parse_player(str(path)), CPU))(64)


def matched(agent, seed: int = 0):
    """Play some rounds against random players and return the points."""
    return play([agent, RandomAgent()], [0, 1, 1, 1], deals_of(4, 5, 20, seed)).points


def test_it_sees_what_happened_and_its_own_hand_alone():
    draws = generator(3, "test")
    legal = np.empty(MAX_LEGAL, np.int64)
    for trump in (1, NO_TRUMP):
        state = new_round(5, 7, trump, 2, draws.permutation(CARDS)[:35].reshape(5, 7))
        played: list[tuple[int, int]] = []
        bids: dict[int, int] = {}
        while not is_over(state):
            seat = int(state[SEAT])
            seen = seen_from(state)
            assert (seen.seat, seen.players, seen.cards, seen.dealer) == (seat, 5, 7, 2)
            assert seen.trump == (None if trump == NO_TRUMP else trump)
            assert seen.hand == tuple(cards_in(int(state[HANDS + seat])))
            assert seen.bids == tuple(bids.get(other) for other in range(5))
            assert seen.played == tuple(played)
            assert seen.trick == tuple(played[len(played) // 5 * 5 :])
            assert sum(seen.tricks) == len(played) // 5
            assert (seen.scores, seen.rounds_left) == ((0,) * 5, None)
            # Hands of the others are not seen: exchanged for cards of nobody, they change nothing.
            other = state.copy()
            for hidden in range(5):
                if hidden != seat:
                    other[HANDS + hidden] = 0
            assert seen_from(other) == seen
            action = int(legal[draws.integers(legal_actions(state, legal))])
            if action < FIRST_BID:
                played.append((seat, action))
            else:
                bids[seat] = action - FIRST_BID
            apply(state, action)
        assert len(played) == 35


def test_it_sees_the_scores_of_a_game():
    state = new_round(3, 1, 0, 0, [[0], [1], [2]])
    state[SCORES : SCORES + 3] = 21, 0, 11
    state[LONGEST], state[ROUNDS_LEFT] = 1, 0
    seen = seen_from(state)
    assert (seen.scores, seen.rounds_left) == ((21, 0, 11), 0)


def test_its_draws_repeat_and_differ_between_deals(tmp_path: Path):
    drawing = LOWEST.replace("return legal[0]", "return random.choice(legal)")
    first = matched(player(tmp_path, drawing))
    assert (matched(player(tmp_path, drawing)) == first).all()
    assert (matched(player(tmp_path, drawing), seed=1) != first).any()
    assert (matched(player(tmp_path, LOWEST)) != first).any()


def test_each_decision_draws_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    agent = player(tmp_path, LOWEST.replace("return", "print(random.random()); return"))
    states, streams = new_round(3, 1, 0, 0, [[0], [1], [2]])[None], np.ones((1, 1), np.uint64)
    for _ in range(3):
        agent.choose(states, streams)
    assert len(set(capsys.readouterr().err.splitlines())) == 3


def test_the_list_of_legal_choices_is_its_own(tmp_path: Path):
    clearing = LOWEST.replace("return legal[0]", "first = legal[0]; legal.clear(); return first")
    assert (matched(player(tmp_path, clearing)) == matched(player(tmp_path, LOWEST))).all()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def bid(", "is not Python"),
        ("x = " + "-" * 100_000 + "1", "is not Python: [A-Z][A-Za-z]+Error"),
        ("assert False", "failed in line 1: AssertionError$"),
        ("def bid(seen, legal, random): return 0", r"no function play\(seen, legal, random\)"),
        ("1 / 0", "failed in line 1: ZeroDivisionError"),
        (LOWEST.replace("return legal[0]", "return seen.hands", 1), "failed in line 3: Attribute"),
        (LOWEST.replace("return legal[0]", "return 99", 1), "bid returned 99, not an int of"),
        (LOWEST.replace("return legal[0]", "return None"), "bid returned None"),
        (LOWEST.replace("return legal[0]", "return float(legal[0])"), r"bid returned \d\.0"),
        ("import sys; sys.exit(0)", "failed in line 1: SystemExit"),
        ("import asyncio; raise asyncio.CancelledError", "failed in line 1: CancelledError"),
        (LOWEST.replace("def bid", "async def bid"), "no function bid"),
        (LOWEST.replace("return legal[0]", "return 'x' * 10**6"), "bid returned 'x{1,50}[.]{3}"),
        (
            LOWEST.replace("return legal[0]", "raise ValueError('x' * 10**6)"),
            "ValueError: x{1,300}$",
        ),
        (SHY + LOWEST.replace("return legal[0]", "raise Shy"), "failed in line 7: Shy: an error"),
        (SHY + LOWEST.replace("return legal[0]", "return Shy()"), "bid returned <Shy instance"),
    ],
)
def test_a_faulty_file_ends_in_one_line_that_names_it(tmp_path: Path, text: str, words: str):
    with pytest.raises(RunError, match=words) as caught:
        matched(player(tmp_path, text))
    assert "mine.py" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("future", ["", "from __future__ import annotations"])
def test_a_file_may_define_data_classes(tmp_path: Path, future: str):
    classes = "from dataclasses import dataclass\n@dataclass\nclass Plan:\n    tricks: int = 0\n"
    text = f"{future}\n{classes}{LOWEST}".replace("legal[0]", "legal[Plan().tricks]")
    assert (matched(player(tmp_path, text)) == matched(player(tmp_path, LOWEST))).all()


def test_annotations_of_a_file_are_evaluated_as_in_any_file(tmp_path: Path):
    with pytest.raises(RunError, match="NameError"):
        player(tmp_path, "x: nothing = 0\n" + LOWEST)


def test_a_file_with_the_name_of_a_module_does_not_replace_it(tmp_path: Path):
    path = tmp_path / "random.py"
    path.write_text(LOWEST)
    make_opponent(OpponentRequest(parse_player(str(path)), CPU))(64)
    assert sys.modules["random"] is random


def test_what_a_file_prints_is_not_among_the_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    matched(player(tmp_path, LOWEST.replace("return", "print('hello'); return")))
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("hello\n")


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(RunError, match="cannot be read: No such file"):
        make_opponent(OpponentRequest(parse_player(str(tmp_path / "nobody.py")), CPU))


def test_a_fifo_is_refused_at_once(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.py")
    with pytest.raises(RunError, match="not a regular file"):
        make_opponent(OpponentRequest(parse_player(str(tmp_path / "pipe.py")), CPU))


def test_the_example_plays_better_than_random_players():
    agent = make_opponent(OpponentRequest(parse_player(str(EXAMPLE)), CPU))(64)
    points = play([agent, RandomAgent()], [0, 1, 1, 1], deals_of(4, 5, 200)).points
    assert points[:, :, 0].mean() > points[:, :, 1:].mean() + 2
