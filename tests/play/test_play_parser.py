"""Typed commands: legal moves are made, illegal ones are rejected with the rule."""

from __future__ import annotations

import pytest
from card_sets import card_name
from hypothesis import given, settings
from hypothesis import strategies as st
from positions import card
from tables import games, play_on, setup, to_my_turn

from blobmaster.game.cards import CARDS, SUIT_SYMBOLS
from blobmaster.game.rules import FIRST_BID
from blobmaster.play.card_text import ASCII, UNICODE, read_card
from blobmaster.play.game import Game, take_action
from blobmaster.play.parser import DealNext, OpenPage, Quit, Rejection, TakeAction, parse_command
from blobmaster.play.ui_state import UiState, handle_key
from blobmaster.play.view import View, view_of

BIDDING = to_my_turn(Game(setup()), phase="bidding")


def following() -> View:
    """Return a view in which the person must follow suit and also holds other suits."""
    for seed in range(100):
        view = to_my_turn(Game(setup(seed=seed, seat=3)))
        if view.trick and len(view.legal) < len(view.hand):
            return view
    raise AssertionError("no such deal")


def dealing() -> View:
    """Return a view in which the person deals and one bid is forbidden."""
    for seed in range(100):
        view = to_my_turn(Game(setup(seat=0)), seed, phase="bidding")
        if view.forbidden_bid is not None:
            return view
    raise AssertionError("no such bids")


FOLLOWING = following()
DEALING = dealing()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        *(
            ("QH", "Q♥"),
            ("qh", "Q♥"),
            ("q♥", "Q♥"),
            ("Q♡", "Q♥"),
            ("q h", "Q♥"),
            ("Q♥\ufe0f", "Q♥"),
        ),
        *(("10h", "T♥"), ("TH", "T♥"), ("t♥", "T♥"), ("2s", "2♠"), ("ad", "A♦"), (" kc ", "K♣")),
        *(("", None), ("H", None), ("1H", None), ("QHH", None), ("hq", None), ("11s", None)),
    ],
)
def test_a_card_is_parsed_in_every_form(text: str, name: str | None):
    assert read_card(text) == (None if name is None else card(name))


@pytest.mark.parametrize("symbols", [UNICODE, ASCII])
def test_every_displayed_card_can_be_typed(symbols):
    assert [read_card(symbols.card(number)) for number in range(CARDS)] == list(range(CARDS))


def test_a_bid_is_parsed_with_and_without_its_letter():
    for text in ("2", "b 2", "b2", "bid 2", "B 2", " 2 ", "02", "+2"):
        assert parse_command(text, BIDDING, UNICODE) == TakeAction(FIRST_BID + 2)


@pytest.mark.parametrize(
    ("view", "text", "rule"),
    [
        (BIDDING, "6", "from 0 to 5: there are 5 tricks"),
        (BIDDING, "-1", "from 0 to 5"),
        (BIDDING, "99999999999", "number from 0 to 5"),
        (BIDDING, "b two", '"two" is not a number'),
        (BIDDING, "two", "not understood"),
        (BIDDING, "QH", "The bids come first"),
        (BIDDING, "", "Type a number from 0 to 5"),
        (FOLLOWING, "2", "not understood. Type a card such as"),
        (FOLLOWING, "b 2", "The bids are made"),
        (FOLLOWING, "play nothing", "not understood"),
        (FOLLOWING, "\x1b[31m", "not understood"),
    ],
)
def test_each_mistake_is_rejected_with_its_rule(view: View, text: str, rule: str):
    refusal = parse_command(text, view, UNICODE)
    assert isinstance(refusal, Rejection)
    assert rule in refusal.reason
    assert refusal.reason.isprintable()


def test_the_dealers_forbidden_bid_is_explained():
    others = sum(bid for bid in DEALING.bids if bid is not None)
    refusal = parse_command(str(DEALING.forbidden_bid), DEALING, UNICODE)
    assert others + DEALING.forbidden_bid == 5
    assert refusal == Rejection(
        "You deal, so the bids may not add up to the 5 cards dealt: the others bid "
        f"{others}, so you may not bid {DEALING.forbidden_bid}."
    )


def test_every_card_is_played_or_rejected_for_the_right_reason():
    led = SUIT_SYMBOLS[FOLLOWING.led_suit]
    suits = ("spades", "hearts", "clubs", "diamonds")
    for number in range(CARDS):
        answer = parse_command(card_name(number), FOLLOWING, UNICODE)
        if number in FOLLOWING.legal:
            assert answer == TakeAction(number)
        elif number in FOLLOWING.hand:
            assert f"You must follow suit: {suits[SUIT_SYMBOLS.index(led)]}" in answer.reason
        else:
            assert "is not in your hand" in answer.reason


def test_a_move_out_of_turn_is_rejected():
    view = view_of(play_on(Game(setup(seat=0)), 1))
    assert view.to_act == 2
    assert "not your turn: Ben is thinking" in parse_command("2", view, UNICODE).reason


def test_enter_deals_the_next_round_and_leaves_at_the_end_of_the_game():
    between = view_of(play_on(Game(setup(most_cards=1)), 8))
    assert between.phase == "round over"
    assert parse_command("", between, UNICODE) == DealNext()
    assert "round is over" in parse_command("QH", between, UNICODE).reason
    over = view_of(play_on(Game(setup(most_cards=1)), 1000))
    assert parse_command("", over, UNICODE) == Quit()


@pytest.mark.parametrize(
    ("text", "command"),
    [("?", OpenPage("advice")), ("h", OpenPage("help")), ("S", OpenPage("scores")), ("q", Quit())],
)
def test_commands_work_in_every_phase(text: str, command):
    for view in (BIDDING, FOLLOWING, view_of(play_on(Game(setup(most_cards=1)), 8))):
        assert parse_command(text, view, UNICODE) == command


@settings(max_examples=60)
@given(games(), st.text(max_size=12))
def test_any_text_is_a_legal_move_or_rejected_in_one_line(game: Game, text: str):
    view = view_of(game)
    command = parse_command(text, view, UNICODE)
    if isinstance(command, TakeAction):
        take_action(game, command.action)
    if isinstance(command, Rejection):
        assert command.reason
        assert len(command.reason.splitlines()) == 1


KEYS = st.sampled_from(
    [
        "enter",
        "left",
        "right",
        "up",
        "down",
        "escape",
        "backspace",
        "f1",
        "pagedown",
        "tab",
        *"?hsqb0123459tkQ♥c ",
    ]
)


@settings(max_examples=60)
@given(games(), st.lists(KEYS, max_size=12))
def test_no_sequence_of_keys_makes_an_illegal_move(game: Game, keys: list[str]):
    view, ui = view_of(game), UiState()
    for key in keys:
        ui, command = handle_key(ui, view, UNICODE, key, key if len(key) == 1 else None)
        assert not isinstance(command, Rejection)
        if isinstance(command, TakeAction):
            take_action(game, command.action)
        if command == DealNext():
            assert view.phase == "round over"


def test_arrows_mark_every_legal_move_and_enter_takes_the_marked_one():
    ui = UiState()
    taken = []
    for _ in FOLLOWING.legal:
        taken.append(handle_key(ui, FOLLOWING, UNICODE, "enter", None)[1])
        ui, command = handle_key(ui, FOLLOWING, UNICODE, "right", None)
        assert command is None
    assert taken == [TakeAction(action) for action in FOLLOWING.legal]
    assert ui.chosen == 0
    assert handle_key(ui, FOLLOWING, UNICODE, "left", None)[0].chosen == len(FOLLOWING.legal) - 1


def test_a_rejection_is_shown_until_the_next_key():
    ui = UiState()
    for key in (*"b 9", "enter"):
        ui, command = handle_key(ui, BIDDING, UNICODE, key, key if len(key) == 1 else None)
    assert command is None
    assert ui.typed == ""
    assert "there are 5 tricks" in ui.notice
    assert handle_key(ui, BIDDING, UNICODE, "left", None)[0].notice == ""
