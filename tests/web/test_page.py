"""The exported page in headless Chromium, opened from a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from browsers import Browser, Page, needs_chromium
from positions import legal_of
from saved_networks import SMALL, SMALL_GAMES, save_network

from blobmaster.agents.network import NetworkAgent
from blobmaster.checkpoint.network import load_trained
from blobmaster.export.web_command import run_web_export
from blobmaster.game.rules import LONGEST, ROUNDS_LEFT, SCORES, SEAT, apply, is_over, new_round
from blobmaster.game.schedule import game_rounds
from blobmaster.game.scoring import points

pytestmark = needs_chromium

PHASE = "document.querySelector('.page').dataset.phase"
ME = 0


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A network for rounds and one for games, both untrained."""
    return [
        save_network(tmp_path_factory.mktemp("rounds"), SMALL),
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
    shown = browser.page(address)
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
    players, longest = record["players"], record["longest"]
    plans = game_rounds(players, longest, record["firstDealer"])
    scores, choices, repeated = np.zeros(players, int), 0, 0
    for left, (plan, played) in enumerate(
        zip(plans, record["rounds"], strict=True), -len(plans) + 1
    ):
        assert (played["cards"], played["trump"], played["dealer"]) == (
            plan.cards,
            plan.trump,
            plan.dealer,
        )
        state = new_round(players, plan.cards, plan.trump, plan.dealer, played["hands"])
        state[LONGEST], state[ROUNDS_LEFT] = longest, -left
        state[SCORES : SCORES + players] = scores
        for action in played["actions"]:
            legal = legal_of(state)
            assert action in legal
            if state[SEAT] != ME and len(legal) > 1:
                choices += 1
                repeated += action == agent.choose(state[None], np.zeros((1, 1), np.uint64))[0]
            apply(state, action)
        assert is_over(state)
        scores += [points(state, seat) for seat in range(players)]
    return scores.tolist(), choices, repeated


def test_a_whole_game_follows_the_rules_and_the_network(page: Page, checkpoints: list[Path]):
    deal(page, players=5, longest=4)
    draws = np.random.default_rng(3)
    while play_round(page, draws) == "round over":
        page.click("button.main")
    assert page.value(PHASE) == "game over"
    network = load_trained(checkpoints[1], torch.device("cpu")).network.parts
    scores, choices, repeated = replay(game_of(page), NetworkAgent(network, 1, torch.device("cpu")))
    assert page.text(".sheet tfoot").split() == ["Sum", *map(str, scores)]
    assert choices > 50
    # fp16 may exchange two choices that are equally likely, as many are before training.
    assert repeated >= 0.98 * choices
