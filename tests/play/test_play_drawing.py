"""The screen fits every terminal, shows the whole table and no hidden card."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tables import games, play_on, setup, to_my_turn

from blobmaster.config.search import SearchSettings
from blobmaster.game.cards import SUIT_SYMBOLS, cards_in
from blobmaster.game.rules import SEEN
from blobmaster.play import texts
from blobmaster.play.advice import Advice, Option
from blobmaster.play.card_text import ASCII, UNICODE, Symbols, read_card
from blobmaster.play.drawing import draw
from blobmaster.play.game import Game, state_of
from blobmaster.play.ui_state import UiState
from blobmaster.play.view import View, view_of

PAGES = ("table", "advice", "help", "scores")


def text_of(view: View, ui: UiState, symbols: Symbols, width: int, height: int) -> str:
    return "\n".join(line.plain for line in draw(view, ui, symbols, width, height))


def advice_on(view: View) -> Advice:
    share = 1 / max(len(view.legal), 1)
    options = tuple(
        Option(action=action, share=share, points=7.25, is_visited=bool(n), prior=share)
        for n, action in enumerate(view.legal)
    )
    return Advice(view.decision, SearchSettings(worlds=3, simulations=35), options)


@settings(max_examples=60)
@given(
    games(),
    st.integers(0, 200),
    st.integers(0, 60),
    st.sampled_from(PAGES),
    st.sampled_from([UNICODE, ASCII]),
)
def test_every_page_fits_every_terminal(game, width, height, page, symbols):
    view = view_of(game)
    advice = advice_on(view) if view.legal else None
    page = "table" if page == "advice" and advice is None else page
    ui = UiState(
        page=page, advice=advice, notice="You must follow suit. " * 4, typed="10h", scroll=3
    )
    lines = draw(view, ui, symbols, width, height)
    assert len(lines) == height
    assert all(line.cell_len <= width for line in lines)
    assert symbols is UNICODE or all(line.plain.isascii() for line in lines)


@settings(max_examples=60)
@given(games(), st.sampled_from([(40, 10), (80, 24), (120, 40)]))
def test_only_played_cards_and_ones_own_are_shown(game: Game, size: tuple[int, int]):
    view = view_of(game)
    shown = text_of(view, UiState(), UNICODE, *size)
    found = {read_card(card) for card in re.findall(rf"(?:10|\w)[{SUIT_SYMBOLS}]", shown)}
    assert found <= {*view.hand, *cards_in(int(state_of(game)[SEEN]))}


def test_an_80x24_screen_shows_the_whole_table():
    view = to_my_turn(play_on(Game(setup(seat=3)), 24), seed=3)
    assert view.number == 1
    assert view.trick
    shown = text_of(view, UiState(), UNICODE, 80, 24)
    assert "Round 2 of 12: 4 cards each, trump hearts ♥, Ben deals" in shown
    for seat in range(4):
        name = texts.name(view, seat)
        row = next(line for line in shown.splitlines() if line[2:].startswith(name))
        assert [
            str(view.cards_held(seat)),
            str(view.bids[seat]),
            str(view.tricks[seat]),
            str(view.scores[seat]),
        ] == re.findall(r"\d+", row[:42])
        assert row.startswith(">") == (seat == view.to_act)
    for card in view.hand:
        assert UNICODE.card(card) in shown
    winner = texts.name(view, view.winning)
    assert re.search(rf"{winner} +\S+  wins it so far", shown)
    assert texts.prompt(view, UNICODE) in shown
    assert f"[{UNICODE.card(view.legal[0])}]" in shown
    assert "? advice" in shown


def test_a_40x10_screen_still_has_trick_hand_bids_and_prompt():
    view = to_my_turn(Game(setup(seat=3, players=8, most_cards=6)), seed=3)
    shown = text_of(view, UiState(), UNICODE, 40, 10)
    for move in view.trick:
        assert UNICODE.card(move.action) in shown
    for seat in range(8):
        assert f"{texts.name(view, seat)} {view.tricks[seat]}/{view.bids[seat]} 0" in shown
    for card in view.hand:
        assert UNICODE.card(card) in shown
    assert "♠ trump" in shown


def test_a_finished_round_shows_everyones_bid_tricks_and_points():
    view = view_of(play_on(Game(setup()), 24))
    assert view.phase == "round over"
    shown = text_of(view, UiState(), UNICODE, 80, 24)
    result = view.results[-1]
    for seat in range(4):
        assert (
            f"{texts.name(view, seat)}: bid {result.bids[seat]}, took {result.tricks[seat]}, "
            f"{result.points[seat]} points, {view.scores[seat]} in all." in shown
        )
    assert "Enter deals the next" in shown


def test_a_finished_game_names_its_winner_and_every_place():
    view = view_of(play_on(Game(setup(most_cards=2)), 1000))
    shown = text_of(view, UiState(), UNICODE, 80, 24)
    best = max(view.scores)
    assert f"with {best} points." in shown
    for seat in range(4):
        assert f"{texts.name(view, seat)}, {view.scores[seat]} points" in shown


@pytest.mark.parametrize(
    ("scores", "told"),
    [
        ((0, 7, 3, 3), "You win with 7 points."),
        ((9, 7, 3, 9), "Cleo and Ben share the win with 9 points."),
        ((7, 7, 7, 1), "Cleo, You and Ada share the win with 7 points."),
    ],
)
def test_ties_share_the_win(scores: tuple[int, ...], told: str):
    view = replace(view_of(Game(setup())), scores=scores)
    assert texts.winner(view) == told
    places = [line.split(".")[0] for line in texts.standing_lines(view)]
    assert places == [str(1 + sum(o > s for o in scores)) for s in sorted(scores, reverse=True)]


def test_help_can_be_scrolled_to_its_end_on_a_small_screen():
    view = view_of(Game(setup()))
    whole = "".join(
        text_of(view, UiState(page="help", scroll=scroll), UNICODE, 40, 10) for scroll in range(30)
    )
    for line in texts.help_lines(UNICODE):
        assert all(word in whole for word in line.split())


def test_no_line_depends_on_colour_alone():
    view = to_my_turn(Game(setup(seat=3)))
    assert [line.plain for line in draw(view, UiState(chosen=0), UNICODE, 80, 24)] != [
        line.plain for line in draw(view, UiState(chosen=1), UNICODE, 80, 24)
    ]
