"""The advisor of the exported page, for rounds at a real table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from browsers import Page, needs_chromium
from card_sets import card_name
from page_games import (
    ME,
    PHASE,
    agent_of,
    rows_of,
    words,
)
from positions import RandomRound, legal_of

from blobmaster.game.rules import SEAT
from blobmaster.game.scoring import points

pytestmark = needs_chromium


def begin_advice(page: Page, hand: str, **fields: int) -> None:
    page.click("[data-page=advisor]")
    for name, value in fields.items():
        page.choose(name, str(value))
    type_cards(page, hand)
    page.click("button.main")


def type_cards(page: Page, text: str) -> None:
    page.value("document.querySelector('.typed input').focus()")
    page.value("document.querySelector('.typed input').select()")
    page.call("Input.insertText", text=text)
    page.key("Enter", "\r")


def enter(page: Page, *actions: int) -> None:
    for action in actions:
        page.click(f'[data-action="{action}"]')


def entries(page: Page) -> list[str]:
    found = page.value("[...document.querySelectorAll('.entry')].map((one) => one.innerText)")
    return [" ".join(text.replace("\ufe0e", "").split()) for text in found]


def test_the_advisor_follows_a_real_round_and_advises_as_the_network(
    page: Page, checkpoints: list[Path]
):
    played = RandomRound(5, 4, 5)
    hand = " ".join(card_name(int(card)) for card in played.deck[:5])
    begin_advice(page, hand, players=4, cards=5, trump=played.trump, dealer=played.dealer)
    agent = agent_of(checkpoints[1])
    advised = 0
    for state, action in zip(played.states, played.actions.tolist(), strict=False):
        mine = state[SEAT] == ME
        assert page.value(PHASE) == ("advisor turn" if mine else "advisor entry")
        legal = legal_of(state)
        if mine and len(legal) > 1:
            page.wait("document.querySelector('.advice-place .lead')")
            chosen = int(agent.choose(state[None], np.zeros((1, 1), np.uint64))[0])
            what = f"bid {chosen - 52}" if chosen >= 52 else f"play the {words(chosen)}"
            assert page.text(".advice-place .lead").startswith(f"The network would {what} (")
            advised += 1
        enter(page, action)
    assert advised >= 3
    assert page.value(PHASE) == "advisor over"
    points_ = [int(points(played.end, seat)) for seat in range(4)]
    assert [int(row[-1]) for row in rows_of(page, ".result").values()] == points_


def test_the_advisor_explains_impossible_entries_and_corrects_mistyped_ones(page: Page):
    spades = dict(zip("23456789TJQKA", range(13), strict=True))
    begin_advice(page, "2S KS", players=4, cards=3, trump=4, dealer=3)
    assert page.text(".problem") == "Choose 1 more card for your hand."
    for text, problem in (
        ("2S KS XX", "“XX” is not a card."),
        ("2S KS 10S JS", "A hand has 3 cards, not 4."),
        ("2S KS 2S", "2♠ is there twice."),
    ):
        type_cards(page, text)
        assert page.text(".problem").startswith(problem)
        assert page.value("document.querySelector('.typed input').value") == text
    type_cards(page, "2♠ ks A♦")
    page.click("button.main")
    enter(page, 52, 53, 52, 54)
    assert page.text(".problem").startswith("The dealer may not bid 2")
    enter(page, 53)
    enter(page, spades["2"], 13 + spades["3"], spades["4"], spades["5"], spades["6"], spades["K"])
    enter(page, spades["7"])
    assert page.text(".problem") == (
        "7♠ cannot be: Ada did not follow spades earlier in this round."
    )
    enter(page, spades["4"])
    assert page.text(".problem") == "4♠ was played already, by Ben."
    enter(page, 3 * 13 + 12)
    assert page.text(".problem") == "A♦ is held by you."
    # Ada's three of hearts was a three of spades.
    page.click('[data-entry="5"]')
    enter(page, spades["3"])
    assert entries(page)[4:7] == ["You 2♠", "Ada 3♠", "Ben 4♠"]
    type_cards(page, "7S")
    assert entries(page)[-1] == "Ada 7♠"
    # With Ben's eight in the first trick Ben led the second, and Cleo would have played my king.
    page.click('[data-entry="6"]')
    enter(page, spades["8"])
    assert page.value(PHASE) == "advisor problem"
    assert page.text(".impossible").startswith("Entry 10 (K♠) cannot be. K♠ is held by you.")
    page.click('[data-entry="6"]')
    enter(page, spades["4"])
    assert page.value(PHASE) == "advisor entry"
    assert len(entries(page)) == 11
    page.click("[data-focus=back]")
    assert len(entries(page)) == 10


def test_the_card_picker_is_one_stop_of_the_tab_key_with_arrows_inside(page: Page):
    page.click("[data-page=advisor]")
    page.value("document.querySelector('.typed button').focus()")
    focused = "document.activeElement.getAttribute('aria-label')"
    page.key("Tab")
    assert page.value(focused) == "ace of spades"
    page.key("ArrowRight")
    assert page.value(focused) == "king of spades"
    page.key("ArrowDown")
    assert page.value(focused) == "king of hearts"
    page.key("Enter", "\r")
    assert page.value(focused) == "king of hearts"
    assert page.value("document.activeElement.getAttribute('aria-pressed')") == "true"
    page.key("Tab")
    assert page.value("document.activeElement.textContent") == "Begin"
