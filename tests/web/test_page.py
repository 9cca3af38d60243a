"""The exported page in headless Chromium, opened from a file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from browsers import Browser, Page, needs_chromium
from positions import RandomRound, legal_of
from repeatable import make_repeatable
from saved_networks import SMALL, SMALL_GAMES, save_network

from blobmaster.agents.network import NetworkAgent
from blobmaster.checkpoint.network import load_trained
from blobmaster.config.compose import compose
from blobmaster.export.web_command import run_web_export
from blobmaster.game.cards import card_name
from blobmaster.game.rules import LONGEST, ROUNDS_LEFT, SCORES, SEAT, apply, is_over, new_round
from blobmaster.game.schedule import game_rounds
from blobmaster.game.scoring import points
from blobmaster.inference.evaluator import NetworkEvaluator
from blobmaster.model.game_features import VIEW_FEATURES, encode_game_views
from blobmaster.model.heads import decode_exact_rows

pytestmark = needs_chromium

PHASE = "document.querySelector('.page').dataset.phase"
ME = 0
OTHER_SEED = compose({"run": {"seed": 1}}, base=SMALL)
RANKS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
RANKS += ("jack", "queen", "king", "ace")


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A network for rounds and one for games, both untrained."""
    return [
        save_network(tmp_path_factory.mktemp("rounds"), OTHER_SEED),
        save_network(tmp_path_factory.mktemp("games"), SMALL_GAMES, run_id="games"),
    ]


@pytest.fixture(scope="module")
def address(checkpoints: list[Path], tmp_path_factory: pytest.TempPathFactory) -> str:
    page = tmp_path_factory.mktemp("page") / "blob.html"
    assert run_web_export(checkpoints[1], checkpoints[:1], page) == 0
    return page.as_uri()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    started = Browser(tmp_path_factory.mktemp("profile"))
    yield started
    started.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    shown = browser.page("about:blank")
    make_repeatable(shown, 1)
    shown.open(address)
    shown.value("localStorage.clear()")
    shown.open(address)
    shown.choose("pace", "0")
    yield shown
    assert shown.complaints() == []
    shown.call("Page.close")


def deal(page: Page, *, players: int, longest: int, length: str = "game") -> None:
    page.choose("players", str(players))
    page.choose("longest", str(longest))
    page.choose("length", length)
    page.click("button.main")


def game_of(page: Page) -> dict[str, Any]:
    return page.value("JSON.parse(localStorage.getItem('blob.game'))")


def move(page: Page, pick: int) -> int:
    """Take one of the legal moves; return how many there were."""
    found = page.value(
        "(() => { const all = [...document.querySelectorAll('[data-action]:not([aria-disabled])')];"
        f"all[{pick} % all.length].click(); return all.length; }})()"
    )
    assert found > 0
    return int(found)


def play_round(page: Page, draws: np.random.Generator) -> str:
    """Play to the end of the round; return the phase that follows."""
    while True:
        page.wait(f"{PHASE} !== 'waiting'")
        if (phase := page.value(PHASE)) not in ("bidding", "playing"):
            return str(phase)
        move(page, int(draws.integers(100)))


def replay(record: dict[str, Any], agent: NetworkAgent) -> tuple[list[int], int, int]:
    """Replay a game by the rules; return the scores, the network's choices, and those repeated."""
    scores, choices, repeated = np.zeros(record["players"], int), 0, 0
    for number in range(len(record["rounds"])):
        state = dealt(record, number, scores)
        for action in record["rounds"][number]["actions"]:
            legal = legal_of(state)
            assert action in legal
            if state[SEAT] != ME and len(legal) > 1:
                choices += 1
                repeated += action == agent.choose(state[None], np.zeros((1, 1), np.uint64))[0]
            apply(state, action)
        assert is_over(state)
        scores += [points(state, seat) for seat in range(record["players"])]
    return scores.tolist(), choices, repeated


def dealt(record: dict[str, Any], number: int, scores: np.ndarray) -> np.ndarray:
    """Return the state of a round before its first bid, after a check of its plan."""
    players, played = record["players"], record["rounds"][number]
    plan = (played["cards"], played["trump"], played["dealer"])
    state = new_round(players, *plan, played["hands"])
    if not record["oneRound"]:
        plans = game_rounds(players, record["longest"], record["firstDealer"])
        assert plan == (plans[number].cards, plans[number].trump, plans[number].dealer)
        state[LONGEST], state[ROUNDS_LEFT] = record["longest"], len(plans) - 1 - number
        state[SCORES : SCORES + players] = scores
    return state


def agent_of(checkpoint: Path) -> NetworkAgent:
    cpu = torch.device("cpu")
    return NetworkAgent(load_trained(checkpoint, cpu).network.parts, 1, cpu)


def test_a_whole_game_follows_the_rules_and_the_network(page: Page, checkpoints: list[Path]):
    deal(page, players=5, longest=4)
    draws = np.random.default_rng(3)
    while play_round(page, draws) == "round over":
        page.click("button.main")
    assert page.value(PHASE) == "game over"
    scores, choices, repeated = replay(game_of(page), agent_of(checkpoints[1]))
    assert page.text(".sheet tfoot").split() == ["Sum", *map(str, scores)]
    assert choices > 50
    # fp16 may exchange two choices that are equally likely, as many are before training.
    assert repeated >= 0.95 * choices


def test_another_level_is_the_other_checkpoint_and_an_unknown_table_is_pointed_out(
    page: Page, checkpoints: list[Path]
):
    page.choose("level", "made/5")
    page.choose("players", "4")
    assert page.text(".note") == ""
    page.choose("players", "8")
    assert page.text(".note").startswith("The network learned from 4 players with up to 8 cards, ")
    deal(page, players=8, longest=6, length="round")
    assert play_round(page, np.random.default_rng(5)) == "game over"
    record = game_of(page)
    assert record["level"] == "made/5"
    _, choices, repeated = replay(record, agent_of(checkpoints[0]))
    assert repeated >= 0.95 * choices
    assert repeated > replay(record, agent_of(checkpoints[1]))[2]


def test_a_damaged_file_says_so(browser: Browser, address: str, tmp_path: Path):
    whole = Path(address.removeprefix("file://")).read_text("utf-8")
    for text, answer in (
        (whole[: len(whole) // 2], "the file was cut off"),
        (whole.replace('"weights":"', '"weights":', 1), "This file is damaged"),
    ):
        broken = tmp_path / "broken.html"
        broken.write_text(text, "utf-8")
        shown = browser.page(broken.as_uri())
        assert answer in shown.text("main")
        shown.call("Page.close")


def state_of(record: dict[str, Any]) -> np.ndarray:
    """Return the state of the first round of a record."""
    state = dealt(record, 0, np.zeros(record["players"], int))
    for action in record["rounds"][0]["actions"]:
        apply(state, action)
    return state


def evaluator_of(checkpoint: Path) -> NetworkEvaluator:
    network = load_trained(checkpoint, torch.device("cpu")).network
    return NetworkEvaluator(network.parts, 1, torch.device("cpu"))


def rows_of(page: Page, table: str) -> dict[str, list[str]]:
    """Return the rows of a table by their heading."""
    rows = page.value(
        f"[...document.querySelectorAll('{table} tbody tr')].map((row) => "
        "[...row.children].map((cell) => cell.innerText.trim()))"
    )
    return {row[0]: row[1:] for row in rows}


def test_hints_are_the_networks_and_are_noted(page: Page, checkpoints: list[Path]):
    deal(page, players=4, longest=6, length="round")
    page.wait(f"{PHASE} === 'bidding'")
    page.click("[data-focus=hint]")
    page.wait("document.querySelector('.advice')")
    state = state_of(game_of(page))
    priors = evaluator_of(checkpoints[1]).priors(state[None])[0]
    exact = exact_chances(checkpoints[1], state)
    rows = rows_of(page, ".advice")
    for action, prior in zip(legal_of(state), priors, strict=False):
        bid = action - 52
        network, made, points_ = rows[str(bid)]
        assert int(network.split()[0]) == pytest.approx(100 * prior, abs=0.6)
        assert int(made.split()[0]) == pytest.approx(100 * exact[bid], abs=0.6)
        assert float(points_.split()[0]) == pytest.approx((10 + bid) * exact[bid], abs=0.06)
    move(page, 1)
    page.wait(f"{PHASE} === 'playing'")
    page.wait("!document.querySelector('.advice')")
    if page.value("Boolean(document.querySelector('[data-focus=hint]'))"):
        page.click("[data-focus=hint]")
        page.wait("document.querySelector('.hint').innerText.match(/average of \\d+ deals/)")
    assert len(game_of(page)["rounds"][0]["hints"]) >= 1


def exact_chances(checkpoint: Path, state: np.ndarray) -> np.ndarray:
    rows, slots = np.zeros((1, VIEW_FEATURES), np.float32), np.zeros((1, 4), np.int64)
    encode_game_views(state[None], rows, slots)
    with torch.inference_mode():
        logits = load_trained(checkpoint, torch.device("cpu")).network.actor(torch.from_numpy(rows))
    exact = np.zeros((1, 18), np.float32)
    decode_exact_rows(state[None], logits.numpy()[:, 70:].copy(), exact)
    return exact[0]


def test_after_a_round_all_hands_are_open_and_choices_are_judged(page: Page):
    deal(page, players=4, longest=3, length="round")
    assert play_round(page, np.random.default_rng(1)) == "game over"
    played = game_of(page)["rounds"][0]
    page.click("summary")
    shown = page.value(
        "[...document.querySelectorAll('.hands dd')].map((hand) => "
        "[...hand.querySelectorAll('.inline')].map((card) => card.getAttribute('aria-label')))"
    )
    assert [sorted(hand) for hand in shown] == [
        sorted(words(card) for card in hand) for hand in played["hands"]
    ]
    page.value("[...document.querySelectorAll('.over button')].at(-1).click()")
    page.wait("document.querySelector('.review-place')?.innerText.match(/Judged|no choice/)")
    choices = page.value("document.querySelectorAll('.review tbody tr').length")
    assert 1 <= choices <= 1 + 2


def words(card: int) -> str:
    suits = ("spades", "hearts", "clubs", "diamonds")
    return f"{RANKS[card % 13]} of {suits[card // 13]}"


def test_what_the_rules_forbid_is_explained_and_not_done(page: Page):
    deal(page, players=3, longest=9)
    explained = set()
    draws = np.random.default_rng(0)
    while len(explained) < 2:
        page.wait(f"{PHASE} !== 'waiting'")
        if page.value(PHASE) == "round over":
            page.click("button.main")
            continue
        before = game_of(page)
        off = page.value("document.querySelector('[data-action][aria-disabled]')?.dataset.action")
        if off is not None:
            page.click(f'[data-action="{off}"]')
            explained.add("bid" if int(off) >= 52 else "card")
            problem = page.text(".problem")
            assert ("may not bid" if int(off) >= 52 else "follow suit") in problem
            assert game_of(page) == before
        move(page, int(draws.integers(100)))
    assert explained == {"bid", "card"}


def test_a_round_is_played_by_keyboard_and_said_to_a_screen_reader(page: Page):
    page.choose("players", "4")
    page.choose("longest", "3")
    page.choose("length", "round")
    page.value("document.querySelector('button.main').focus()")
    page.key("Enter", "\r")
    moves = 0
    while True:
        page.wait(f"{PHASE} !== 'waiting'")
        if page.value(PHASE) == "game over":
            break
        focused = page.value("document.activeElement.dataset.action")
        assert focused is not None, "the focus is on the first legal move"
        if moves == 0:
            page.key("ArrowRight")
            assert page.value("document.activeElement.dataset.action") != focused
            page.key("ArrowLeft")
        page.key("Enter", "\r")
        moves += 1
    assert moves == 1 + 3
    said = page.value("[...document.querySelectorAll('#log p')].map((line) => line.textContent)")
    assert sum(bool(re.fullmatch(r"(Ada|Ben|Cleo) bids \d\.", line)) for line in said) == 3
    assert any(line.startswith("You play the ") for line in said)
    assert said[-1].startswith("The round is over. You get ")
    assert page.value("document.activeElement.textContent") == "New game"
    names = accessible_names(page)
    assert ("list", "Table") in names
    assert any(role == "table" for role, _ in names)
    assert all(name for role, name in names if role in ("button", "combobox", "image"))


def accessible_names(page: Page) -> list[tuple[str, str]]:
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    return [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node["ignored"]
    ]


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


def test_a_game_survives_a_reload_and_rubbish_in_the_store_does_not_matter(
    page: Page, address: str
):
    deal(page, players=4, longest=5)
    page.wait(f"{PHASE} === 'bidding'")
    move(page, 0)
    page.wait(f"{PHASE} === 'playing'")
    before = game_of(page)
    page.open(address)
    page.wait(f"{PHASE} === 'playing'")
    assert game_of(page) == before
    hand_missing = {"players": 4, "cards": 3, "trump": 0, "dealer": 0, "others": ["A", "B", "C"]}
    hand_missing |= {"hand": [1], "entries": [], "isBegun": True}
    for rubbish in ("{", "[]", '{"players": 4}', '"x"', "null", json.dumps(hand_missing)):
        for name in ("game", "setup", "advisor", "pace"):
            page.value(f"localStorage.setItem('blob.{name}', {json.dumps(rubbish)})")
        page.open(address)
        page.wait(f"{PHASE} === 'setup'")
        page.click("[data-page=advisor]")
        page.wait(f"{PHASE} === 'advisor setup'")
        page.click("[data-page=play]")


def test_nothing_is_requested_and_a_foreign_script_does_not_run(browser: Browser, address: str):
    shown = browser.page(address)
    shown.value("localStorage.clear()")
    shown.open(address)
    shown.choose("pace", "0")
    deal(shown, players=4, longest=2)
    play_round(shown, np.random.default_rng(0))
    requests = [event["request"]["url"] for event in shown.events("Network.requestWillBeSent")]
    assert set(requests) == {address}
    assert shown.complaints() == []
    shown.value(
        "{ const script = document.createElement('script'); script.textContent = 'hacked = 1';"
        "document.body.append(script); fetch('http://127.0.0.1:9/').catch(() => 0);"
        "new Image().src = 'http://127.0.0.1:9/x.png'; }"
    )
    assert shown.value("typeof hacked") == "undefined"
    shown.wait("true")
    assert sum("Content Security Policy" in text for text in shown.complaints()) >= 3
    shown.call("Page.close")


@pytest.mark.parametrize(
    ("dark", "page_colour"), [(False, "rgb(246, 247, 249)"), (True, "rgb(18, 21, 27)")]
)
def test_every_state_fits_a_phone_in_light_and_dark(
    browser: Browser, address: str, dark: bool, page_colour: str
):
    shown = browser.page(address, width=360, dark=dark)
    shown.value("localStorage.clear()")
    shown.open(address)
    colour = "getComputedStyle(document.body).backgroundColor"
    assert shown.value(colour) == page_colour
    shown.choose("pace", "0")
    assert_fits(shown)
    deal(shown, players=8, longest=6)
    shown.wait(f"{PHASE} === 'bidding'")
    shown.click("[data-focus=hint]")
    shown.wait("document.querySelector('.advice')")
    assert_fits(shown)
    play_round(shown, np.random.default_rng(0))
    shown.click("summary")
    shown.value("[...document.querySelectorAll('.over button')].at(-1).click()")
    shown.wait("document.querySelector('.review-place')?.innerText.match(/Judged|no choice/)")
    assert_fits(shown)
    shown.click(".bar button")
    assert_fits(shown)
    shown.key("Escape")
    for name in ("advisor", "rules"):
        shown.click(f"[data-page={name}]")
        assert_fits(shown)
    assert shown.complaints() == []
    shown.call("Page.close")


def assert_fits(page: Page) -> None:
    assert page.value("document.documentElement.scrollWidth") <= 360
    small = page.value(
        "[...document.querySelectorAll('button, select, input')].map((one) => "
        "one.getBoundingClientRect()).filter((box) => box.width > 0 && "
        "(box.width < 24 || box.height < 24)).length"
    )
    assert small == 0, "a target is smaller than WCAG 2.2 asks"
