"""What is typed does what the rules allow, and else the rule that forbids it is named."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from positions import card
from tables import games, play_on, setup, to_my_turn

from blobmaster.game.cards import CARDS, SUIT_SYMBOLS, card_name
from blobmaster.game.rules import FIRST_BID
from blobmaster.play.cardtext import ASCII, UNICODE, read_card
from blobmaster.play.desk import Desk, press
from blobmaster.play.game import Game, act
from blobmaster.play.orders import Act, GoOn, Leave, Refusal, Show, understand
from blobmaster.play.view import View, look

BIDDING = to_my_turn(Game(setup()), phase="bidding")


def following() -> View:
    """The person must follow and holds other suits too."""
    for seed in range(100):
        view = to_my_turn(Game(setup(seed=seed, seat=3)))
        if view.trick and len(view.legal) < len(view.hand):
            return view
    raise AssertionError("no such deal")


def dealing() -> View:
    """The person deals, and one bid would make the sum."""
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
def test_a_card_is_read_however_it_is_written(text: str, name: str | None):
    assert read_card(text) == (None if name is None else card(name))


@pytest.mark.parametrize("signs", [UNICODE, ASCII])
def test_every_card_that_is_shown_can_be_typed_back(signs):
    assert [read_card(signs.card(number)) for number in range(CARDS)] == list(range(CARDS))


def test_a_bid_is_taken_with_and_without_its_letter():
    for text in ("2", "b 2", "b2", "bid 2", "B 2", " 2 ", "02", "+2"):
        assert understand(text, BIDDING, UNICODE) == Act(FIRST_BID + 2)


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
def test_each_mistake_is_answered_with_its_rule(view: View, text: str, rule: str):
    refusal = understand(text, view, UNICODE)
    assert isinstance(refusal, Refusal)
    assert rule in refusal.reason
    assert refusal.reason.isprintable()


def test_the_dealer_is_told_why_a_bid_would_make_the_sum():
    others = sum(bid for bid in DEALING.bids if bid is not None)
    refusal = understand(str(DEALING.forbidden_bid), DEALING, UNICODE)
    assert others + DEALING.forbidden_bid == 5
    assert refusal == Refusal(
        "You deal, so the bids may not add up to the 5 cards dealt: the others bid "
        f"{others}, so you may not bid {DEALING.forbidden_bid}."
    )


def test_every_card_is_played_or_refused_for_the_right_reason():
    led = SUIT_SYMBOLS[FOLLOWING.led_suit]
    suits = ("spades", "hearts", "clubs", "diamonds")
    for number in range(CARDS):
        answer = understand(card_name(number), FOLLOWING, UNICODE)
        if number in FOLLOWING.legal:
            assert answer == Act(number)
        elif number in FOLLOWING.hand:
            assert f"You must follow suit: {suits[SUIT_SYMBOLS.index(led)]}" in answer.reason
        else:
            assert "is not in your hand" in answer.reason


def test_what_is_typed_out_of_turn_waits():
    view = look(play_on(Game(setup(seat=0)), 1))
    assert view.to_act == 2
    assert "not your turn: Ben is thinking" in understand("2", view, UNICODE).reason


def test_between_rounds_enter_goes_on_and_at_the_end_it_leaves():
    between = look(play_on(Game(setup(most_cards=1)), 8))
    assert between.phase == "round over"
    assert understand("", between, UNICODE) == GoOn()
    assert "round is over" in understand("QH", between, UNICODE).reason
    over = look(play_on(Game(setup(most_cards=1)), 1000))
    assert understand("", over, UNICODE) == Leave()


@pytest.mark.parametrize(
    ("text", "order"),
    [("?", Show("advice")), ("h", Show("help")), ("S", Show("scores")), ("q", Leave())],
)
def test_commands_work_in_every_phase(text: str, order):
    for view in (BIDDING, FOLLOWING, look(play_on(Game(setup(most_cards=1)), 8))):
        assert understand(text, view, UNICODE) == order


@settings(max_examples=60)
@given(games(), st.text(max_size=12))
def test_whatever_is_typed_is_legal_or_refused_in_one_line(game: Game, text: str):
    view = look(game)
    order = understand(text, view, UNICODE)
    if isinstance(order, Act):
        act(game, order.action)
    if isinstance(order, Refusal):
        assert order.reason
        assert len(order.reason.splitlines()) == 1


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
def test_no_keys_whatever_ask_for_what_the_rules_forbid(game: Game, keys: list[str]):
    view, desk = look(game), Desk()
    for key in keys:
        desk, order = press(desk, view, UNICODE, key, key if len(key) == 1 else None)
        assert not isinstance(order, Refusal)
        if isinstance(order, Act):
            act(game, order.action)
        if order == GoOn():
            assert view.phase == "round over"


def test_arrows_go_through_every_legal_move_and_enter_takes_the_marked_one():
    desk = Desk()
    taken = []
    for _ in FOLLOWING.legal:
        taken.append(press(desk, FOLLOWING, UNICODE, "enter", None)[1])
        desk, order = press(desk, FOLLOWING, UNICODE, "right", None)
        assert order is None
    assert taken == [Act(action) for action in FOLLOWING.legal]
    assert desk.chosen == 0
    assert press(desk, FOLLOWING, UNICODE, "left", None)[0].chosen == len(FOLLOWING.legal) - 1


def test_a_refusal_stays_on_the_desk_until_the_next_key():
    desk = Desk()
    for key in (*"b 9", "enter"):
        desk, order = press(desk, BIDDING, UNICODE, key, key if len(key) == 1 else None)
    assert order is None
    assert desk.typed == ""
    assert "there are 5 tricks" in desk.notice
    assert press(desk, BIDDING, UNICODE, "left", None)[0].notice == ""
