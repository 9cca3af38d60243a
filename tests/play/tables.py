"""Random games at any point, and a table to play them at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from evaluators import UniformEvaluator
from hypothesis import strategies as st

from blobmaster.agents.uniform import RandomAgent
from blobmaster.config.search import SearchSettings
from blobmaster.game.cards import CARDS
from blobmaster.play.advice import SearchAdviser
from blobmaster.play.card_text import UNICODE, Symbols
from blobmaster.play.game import (
    Game,
    Setup,
    deal_next,
    is_finished,
    legal_actions_of,
    state_of,
    take_action,
)
from blobmaster.play.game import round_is_over as is_over
from blobmaster.play.saved_game import GameFile, Opponent
from blobmaster.play.table import Table
from blobmaster.play.view import View, view_of

OPPONENT = Opponent(path="/nowhere.pth", run_id="made", iteration=4, saved_at=0.0, search=None)


def setup(**changes: int | bool) -> Setup:
    """Return a setup: four players, five cards, the person at seat 1 unless changed."""
    return Setup(**({"players": 4, "most_cards": 5, "seat": 1, "seed": 1} | changes))


def play_on(game: Game, steps: int, seed: int = 0) -> Game:
    """Advance a game by random legal actions; dealing a round counts as one."""
    chance = np.random.default_rng(seed)
    for _ in range(steps):
        if is_finished(game):
            break
        game = step(game, chance)
    return game


def step(game: Game, chance: np.random.Generator) -> Game:
    """Advance a game by one random action, or deal the next round."""
    if is_over(game):
        return deal_next(game)
    return take_action(game, int(chance.choice(legal_actions_of(state_of(game)))))


def to_my_turn(game: Game, seed: int = 0, phase: str = "playing", least: int = 2) -> View:
    """Advance to the person's next turn in `phase` with at least `least` legal actions."""
    chance = np.random.default_rng(seed)
    view = view_of(game)
    while not (view.phase == phase and len(view.legal) >= least):
        game = step(game, chance)
        view = view_of(game)
    return view


@st.composite
def games(draw: st.DrawFn) -> Game:
    """Draw any game at any point."""
    players = draw(st.integers(3, 8))
    agreed = Setup(
        players=players,
        most_cards=draw(st.integers(1, CARDS // players)),
        seat=draw(st.integers(0, players - 1)),
        seed=draw(st.integers(0, 2**32)),
        one_round=draw(st.booleans()),
    )
    return play_on(Game(agreed), draw(st.integers(0, 150)), draw(st.integers(0, 99)))


def table_in(folder: Path, symbols: Symbols = UNICODE, **changes: object) -> Table:
    """Make a table of random players, with an adviser without a network."""
    settings = SearchSettings(worlds=2, simulations=8)
    parts = {
        "agent": RandomAgent(),
        "adviser": SearchAdviser(UniformEvaluator(), settings),
        "beliefs": None,
        "game_file": GameFile(folder / "game.json", OPPONENT),
        "symbols": symbols,
        "pace": 0.0,
    }
    return Table(**(parts | changes))
