"""The screen on a real terminal: keys, sizes, advice, leaving, and keys while a network thinks."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tables import setup, table_in
from terminals import DEADLINE_S, Terminal
from textual.pilot import Pilot

from blobmaster.agents.uniform import RandomAgent
from blobmaster.play.app import GameApp
from blobmaster.play.game import Game, is_finished
from blobmaster.play.saved_game import game_of, read
from blobmaster.play.table import warm_up
from blobmaster.play.view import view_of

Open = Callable[..., Terminal]

SCRIPT = f"""
import sys
from pathlib import Path
sys.path[:0] = [{str(Path(__file__).parent)!r}, {str(Path(__file__).parents[1] / "shared")!r}]
from tables import setup, table_in
from blobmaster.play.app import run_screen
from blobmaster.play.card_text import ASCII, UNICODE
from blobmaster.play.game import Game
from blobmaster.terminal.screen import shows_unicode
symbols = UNICODE if shows_unicode() else ASCII
game, status = run_screen(table_in(Path(sys.argv[1]), symbols), Game(setup(seat=2)))
print("left at", game.decision)
sys.exit(status)
"""


@pytest.fixture
def shown(tmp_path: Path, open_terminal: Open) -> Terminal:
    """Return a terminal in which it is the person's turn to bid."""
    warm_up(
        table_in(tmp_path)
    )  # kernels may have to be compiled, which no deadline here allows for
    terminal = open_terminal([sys.executable, "-c", SCRIPT, str(tmp_path)], columns=80, lines=24)
    terminal.wait_for("Your bid, 0 to 5")
    return terminal


def test_a_person_bids_plays_gets_advice_resizes_and_leaves(shown: Terminal, tmp_path: Path):
    assert "Round 1 of 12: 5 cards each, trump spades ♠, Ben deals" in shown.text
    shown.press("9\r")
    shown.wait_for("A bid is from 0 to 5: there are 5 tricks")
    shown.press("?")
    shown.wait_for("The network would bid")
    shown.press("\x1b[C\x1b[C")
    shown.wait_for("[2]")
    shown.press("\r")
    shown.wait_for("You bid 2.")
    shown.wait_until(lambda: "any card:" in shown.text or "were led, play" in shown.text, "my turn")
    shown.resize(40, 10)
    shown.wait_for("1/12, 5 each, ♠ trump, Ben deals")
    shown.wait_for("Took/bid points:")
    shown.resize(120, 40)
    shown.wait_for("Round 1 of 12")
    shown.press("h")
    shown.wait_for("Take exactly as many tricks as you bid")
    shown.press("\x1b")
    shown.wait_without("Take exactly as many")
    shown.press("q\r")
    assert shown.exit_status() == 0
    shown.assert_restored()
    assert b"left at (0, " in shown.received
    path = tmp_path / "game.json"
    assert 54 in game_of(read(path), path).rounds[0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_restores_the_terminal(shown: Terminal, number: signal.Signals):
    shown.child.kill(number)
    assert shown.exit_status() == 128 + number
    shown.assert_restored()


def test_ctrl_c_leaves_an_ascii_screen_without_colour(tmp_path: Path, open_terminal: Open):
    terminal = open_terminal(
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        columns=80,
        lines=24,
        environment={"LANG": "C", "LC_ALL": "C", "NO_COLOR": "1"},
    )
    terminal.wait_for("trump spades, Ben deals")
    terminal.wait_for("Your bid, 0 to 5")
    assert terminal.text.isascii()
    assert b"\x1b[31m" not in terminal.received
    terminal.press("\x03")
    assert terminal.exit_status() == 0
    terminal.assert_restored()


class SlowAgent(RandomAgent):
    """A player that thinks until the test lets it move."""

    def __init__(self) -> None:
        self.thinks = threading.Event()
        self.may_move = threading.Event()

    def choose(self, states: np.ndarray, streams: np.ndarray) -> np.ndarray:
        self.thinks.set()
        assert self.may_move.wait(DEADLINE_S)
        return super().choose(states, streams)


async def wait_until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline
        await pilot.pause(0.01)


def on_screen(app: GameApp, use: Callable[[Pilot[None]], Coroutine[Any, Any, None]]) -> None:
    """Run the screen without a terminal while `use` presses its keys."""

    async def run() -> None:
        async with app.run_test(size=(80, 24)) as pilot:
            await use(pilot)

    asyncio.run(run())


def test_keys_work_while_a_network_thinks(tmp_path: Path):
    agent = SlowAgent()
    app = GameApp(table_in(tmp_path, agent=agent), Game(setup(seat=0)))

    async def use(pilot: Pilot[None]) -> None:
        await wait_until(pilot, agent.thinks.is_set)
        await pilot.press("h")
        assert app.ui.page == "help"
        await pilot.press("escape", "2", "enter")
        assert "not your turn: Ada is thinking" in app.ui.notice
        assert app.game.decision == (0, 0)
        agent.may_move.set()
        await wait_until(pilot, lambda: view_of(app.game).my_turn)

    on_screen(app, use)


def test_enter_alone_plays_a_whole_game_to_its_winner(tmp_path: Path):
    app = GameApp(table_in(tmp_path), Game(setup(players=3, most_cards=2)))

    async def use(pilot: Pilot[None]) -> None:
        while not is_finished(app.game):
            await wait_until(
                pilot, lambda: view_of(app.game).my_turn or view_of(app.game).to_act is None
            )
            await pilot.press("enter")
        await wait_until(pilot, lambda: app.game == saved_in(tmp_path))

    on_screen(app, use)


def saved_in(folder: Path) -> Game:
    path = folder / "game.json"
    return game_of(read(path), path)


def test_each_move_is_shown_for_the_pace_unless_a_key_is_pressed(tmp_path: Path):
    app = GameApp(table_in(tmp_path, pace=DEADLINE_S * 10), Game(setup(seat=0)))

    async def use(pilot: Pilot[None]) -> None:
        await pilot.pause(0.1)
        assert app.game.decision == (0, 0)
        await pilot.press("tab")
        await wait_until(pilot, lambda: view_of(app.game).my_turn)

    on_screen(app, use)


def test_an_error_in_a_networks_thread_ends_the_screen(tmp_path: Path):
    class JobFailed:
        def choose(self, *_: object) -> np.ndarray:
            raise RuntimeError("boom")

    app = GameApp(table_in(tmp_path, agent=JobFailed()), Game(setup(seat=0)))

    async def use(pilot: Pilot[None]) -> None:
        await wait_until(pilot, lambda: app.return_code is not None)

    with pytest.raises(RuntimeError, match="boom"):
        on_screen(app, use)
