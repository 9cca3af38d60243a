"""Plays on the exported page, and repeats in Python what was played."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from browsers import Page
from positions import legal_of

from blobmaster.agents.base import Agent, Remembering
from blobmaster.agents.network import trained_player
from blobmaster.checkpoint.network import load_trained
from blobmaster.game.rules import (
    LONGEST,
    ROUNDS_LEFT,
    SCORES,
    SEAT,
    STATE,
    apply,
    is_over,
    new_round,
)
from blobmaster.game.schedule import game_rounds
from blobmaster.game.scoring import points
from blobmaster.inference.evaluator import NetworkEvaluator

PHASE = "document.querySelector('.page').dataset.phase"
ME = 0
NOTHING = np.zeros((0, STATE), np.int64)
RANKS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
RANKS += ("jack", "queen", "king", "ace")


def show(page: Page, address: str) -> None:
    """Open the exported page and wait until it has started, which it does after its first frame."""
    page.open(address)
    page.wait("document.querySelector('.page, [role=alert]')")


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


def replay(record: dict[str, Any], agent: Agent) -> tuple[list[int], int, int]:
    """Replay a game by the rules; return the scores, the network's choices, and those repeated."""
    scores, choices, repeated = np.zeros(record["players"], int), 0, 0
    ends = NOTHING
    for number in range(len(record["rounds"])):
        state = dealt(record, number, scores)
        for action in record["rounds"][number]["actions"]:
            legal = legal_of(state)
            assert action in legal
            if state[SEAT] != ME and len(legal) > 1:
                choices += 1
                repeated += action == choice_of(agent, state, ends)
            apply(state, action)
        assert is_over(state)
        ends = np.concatenate([ends, state[None]])
        scores += [points(state, seat) for seat in range(record["players"])]
    return scores.tolist(), choices, repeated


def choice_of(agent: Agent, state: np.ndarray, ends: np.ndarray) -> int:
    """Return what an agent does after the earlier rounds of a game."""
    streams = np.zeros((1, 1), np.uint64)
    if isinstance(agent, Remembering):
        return int(agent.choose_after(state[None], streams, [ends])[0])
    return int(agent.choose(state[None], streams)[0])


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


def state_of(record: dict[str, Any], number: int = 0) -> np.ndarray:
    """Return the state of a round of a record."""
    scores = np.zeros(record["players"], int)
    number %= len(record["rounds"])
    for earlier in range(number):
        end = replayed(record, earlier, scores)
        scores = scores + [points(end, seat) for seat in range(record["players"])]
    return replayed(record, number, scores)


def replayed(record: dict[str, Any], number: int, scores: np.ndarray) -> np.ndarray:
    """Return the state of a round after its actions so far."""
    state = dealt(record, number, scores)
    for action in record["rounds"][number]["actions"]:
        apply(state, action)
    return state


def agent_of(checkpoint: Path) -> Agent:
    """Return the player of a checkpoint, which adapts in games if it has learned to."""
    cpu = torch.device("cpu")
    return trained_player(load_trained(checkpoint, cpu), None, cpu)(1)


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


def words(card: int) -> str:
    suits = ("spades", "hearts", "clubs", "diamonds")
    return f"{RANKS[card % 13]} of {suits[card // 13]}"
