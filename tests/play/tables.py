"""Games to look at: played at random to any point, and the table that they are played at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from evaluators import UniformEvaluator
from hypothesis import strategies as st

from blobmaster.agents.uniform import RandomAgent
from blobmaster.config.search import SearchSettings
from blobmaster.game.cards import CARDS
from blobmaster.play.cardtext import UNICODE, Signs
from blobmaster.play.game import Game, Setup, act, deal_next, is_finished, legal_of, state_of
from blobmaster.play.game import round_is_over as is_over
from blobmaster.play.savegame import Keeper, Opponent
from blobmaster.play.seats import Table
from blobmaster.play.thinking import Adviser
from blobmaster.play.view import View, look

OPPONENT = Opponent(path="/nowhere.pth", run_id="made", iteration=4, saved_at=0.0, search=None)


def setup(**changes: int | bool) -> Setup:
    """Four players, five cards, the person at the second seat."""
    return Setup(**({"players": 4, "most_cards": 5, "seat": 1, "seed": 1} | changes))


def play_on(game: Game, steps: int, seed: int = 0) -> Game:
    """The game some actions later, each drawn from the legal ones; deals count as actions."""
    chance = np.random.default_rng(seed)
    for _ in range(steps):
        if is_finished(game):
            break
        game = step(game, chance)
    return game


def step(game: Game, chance: np.random.Generator) -> Game:
    """One action later, or one deal."""
    if is_over(game):
        return deal_next(game)
    return act(game, int(chance.choice(legal_of(state_of(game)))))


def to_my_turn(game: Game, seed: int = 0, phase: str = "playing", least: int = 2) -> View:
    """The first view after this where the person bids or plays and has a choice."""
    chance = np.random.default_rng(seed)
    view = look(game)
    while not (view.phase == phase and len(view.legal) >= least):
        game = step(game, chance)
        view = look(game)
    return view


@st.composite
def games(draw: st.DrawFn) -> Game:
    """Any game at any point of it."""
    players = draw(st.integers(3, 8))
    agreed = Setup(
        players=players,
        most_cards=draw(st.integers(1, CARDS // players)),
        seat=draw(st.integers(0, players - 1)),
        seed=draw(st.integers(0, 2**32)),
        one_round=draw(st.booleans()),
    )
    return play_on(Game(agreed), draw(st.integers(0, 150)), draw(st.integers(0, 99)))


def table_in(folder: Path, signs: Signs = UNICODE, **changes: object) -> Table:
    """A table of players that draw their moves, with an adviser that knows nothing."""
    settings = SearchSettings(worlds=2, simulations=8)
    parts = {
        "agent": RandomAgent(),
        "adviser": Adviser(UniformEvaluator(), settings),
        "keeper": Keeper(folder / "game.json", OPPONENT),
        "signs": signs,
        "pace": 0.0,
    }
    return Table(**(parts | changes))
