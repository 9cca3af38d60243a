"""After a round, the networks say in which style they see the person play."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace
from pathlib import Path

import pytest
from evaluators import UniformEvaluator
from msgspec import structs
from tables import setup, table_in
from textual.pilot import Pilot

from blobmaster.agents.seat_beliefs import SeatBeliefs
from blobmaster.agents.styles import StyleAgent
from blobmaster.agents.uniform import RandomAgent
from blobmaster.game.rules import SEAT
from blobmaster.game.styles import (
    TRAINING_STYLES,
    VARIED_STYLES,
    style_number,
)
from blobmaster.play.advice import choose_action, find_style
from blobmaster.play.app import GameApp
from blobmaster.play.card_text import UNICODE
from blobmaster.play.drawing import draw
from blobmaster.play.game import (
    Game,
    deal_next,
    round_is_over,
    state_of,
    take_action,
)
from blobmaster.play.lines import LineInterface
from blobmaster.play.style_text import style_line
from blobmaster.play.ui_state import UiState
from blobmaster.play.view import view_of

SANDBAGGER = TRAINING_STYLES[style_number("sandbagger") - 1]
SAID = "You play like the sandbagger, who bids too low and takes every trick."


def beliefs() -> SeatBeliefs:
    return SeatBeliefs(UniformEvaluator())


def played_by(style: str, rounds: int, *, to_last_card: bool = False) -> Game:
    """Return a game whose person played `rounds` rounds in a style, the others at random."""
    game = Game(setup(most_cards=7, seat=2))
    person, others = StyleAgent(style), RandomAgent()
    while True:
        after = take_action(
            game, choose_action(person if state_of(game)[SEAT] == 2 else others, game)
        )
        if round_is_over(after):
            if game.number + 1 == rounds:
                return game if to_last_card else after
            after = deal_next(after)
        game = after


def test_a_person_of_a_style_is_seen_as_one_after_a_few_rounds():
    assert find_style(beliefs(), played_by("sandbagger", 3)) == SANDBAGGER
    assert find_style(beliefs(), played_by("grabber", 3)).name == "grabber"


def test_nothing_is_said_of_a_person_who_is_unlike_every_style():
    game = played_by("sandbagger", 3)
    seen = find_style(beliefs(), replace(game, setup=structs.replace(game.setup, seat=0)))
    assert seen is None  # that seat played at random


def test_nothing_is_said_before_a_round_is_over_or_by_networks_that_do_not_adapt():
    assert find_style(beliefs(), Game(setup())) is None
    assert find_style(None, played_by("sandbagger", 3)) is None


def test_the_lines_say_it_after_the_results_of_a_round(tmp_path: Path):
    out = io.StringIO()
    game = played_by("sandbagger", 3)
    LineInterface(table_in(tmp_path, beliefs=beliefs()), game, io.StringIO("q\n"), out).play()
    said = out.getvalue()
    assert said.count(SAID) == 1
    assert said.index("in all.") < said.index(SAID)


def test_the_screen_says_it_after_a_round_and_not_in_the_next(tmp_path: Path):
    app = GameApp(table_in(tmp_path, beliefs=beliefs()), played_by("sandbagger", 3))

    async def shown(pilot: Pilot[None]) -> None:
        for _ in range(500):
            await pilot.pause(0.02)
            if app.ui.style is not None:
                break
        assert app.ui.style == SANDBAGGER
        await pilot.press("enter")
        assert app.ui.style is None

    async def main() -> None:
        async with app.run_test(size=(80, 24)) as pilot:
            await shown(pilot)

    asyncio.run(main())


@pytest.mark.parametrize(("height", "is_said"), [(24, True), (15, False)])
def test_the_results_go_before_the_style_where_room_is_short(height: int, is_said: bool):
    view = view_of(played_by("sandbagger", 3))
    lines = draw(view, UiState(style=SANDBAGGER), UNICODE, 80, height)
    text = "\n".join(line.plain for line in lines)
    assert text.count("in all.") == 4
    assert (SAID in text) == is_said


def test_every_style_that_networks_know_has_words():
    for style in TRAINING_STYLES:
        assert f"You play like the {style.name}, who {style.meaning}." in style_line(style)
    said = {(style.until_met, style.once_met): style_line(style) for style in VARIED_STYLES}
    assert len(set(said.values())) >= 7
    assert "bid too low and to play for your bid" in style_line(VARIED_STYLES[0])
    assert "bid a little too low and to" in style_line(VARIED_STYLES[2])
    assert "bid about right and to" in style_line(VARIED_STYLES[3])
    assert "bid too high and to go on taking tricks once" in style_line(VARIED_STYLES[11])
