"""A player from a Python file of the user's: `bid(seen, legal, random)` and `play(...)`.

The file gets plain Python data, and only what its seat may see. It is run anew for each instance of
the player, so nothing that it keeps passes from one thread to another.
"""

from __future__ import annotations

import inspect
import random
import reprlib
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import numpy as np

from blobmaster.agents.base import Actions, AgentMaker, OfAnySize, Streams
from blobmaster.agents.factory import OpponentRequest
from blobmaster.game.cards import CARDS, NO_TRUMP, cards_in
from blobmaster.game.rules import (
    BIDS,
    DEALER,
    DEALT,
    FIRST_BID,
    HANDS,
    IN_TRICK,
    LONGEST,
    MAX_LEGAL,
    PLAYERS,
    ROUNDS_LEFT,
    SCORES,
    SEAT,
    TRICKS,
    TRUMP,
    State,
    is_bidding,
    legal_actions,
    list_plays,
)
from blobmaster.kernels.rng import below
from blobmaster.run.errors import RunError

Choice = Callable[["Seen", list[int], random.Random], int]
"""`bid` or `play`: returns one of the legal bids or cards."""

FUNCTIONS = ("bid", "play")
MOST_TEXT = 300
"""Letters of an error of the script; some hold whole tables."""


@dataclass(frozen=True)
class Seen:
    """The view of the acting seat. Cards are `13 * suit + rank`, with the two as rank 0."""

    seat: int
    """The acting seat; seats are numbered in order of play."""
    players: int
    cards: int
    """Cards dealt to each seat in this round."""
    trump: int | None
    """The trump suit, 0 to 3; None in a round without trump."""
    dealer: int
    hand: tuple[int, ...]
    bids: tuple[int | None, ...]
    """By seat; None before a seat has bid."""
    tricks: tuple[int, ...]
    """Tricks taken, by seat."""
    trick: tuple[tuple[int, int], ...]
    """The current trick as (seat, card), in order; empty before a lead."""
    played: tuple[tuple[int, int], ...]
    """All cards of the round so far as (seat, card), in order, the current trick's included."""
    scores: tuple[int, ...]
    """Points in the earlier rounds of the game, by seat."""
    rounds_left: int | None
    """Rounds of the game after this one; None if a single round is played."""


def seen_from(state: State) -> Seen:
    """Return what the acting seat of `[STATE]` sees."""
    players, seat, trump = int(state[PLAYERS]), int(state[SEAT]), int(state[TRUMP])
    played = _played(state)
    bids = state[BIDS : BIDS + players].tolist()
    return Seen(
        seat=seat,
        players=players,
        cards=int(state[DEALT]),
        trump=None if trump == NO_TRUMP else trump,
        dealer=int(state[DEALER]),
        hand=tuple(cards_in(int(state[HANDS + seat]))),
        bids=tuple(None if bid < 0 else bid for bid in bids),
        tricks=tuple(state[TRICKS : TRICKS + players].tolist()),
        trick=played[len(played) - int(state[IN_TRICK]) :],
        played=played,
        scores=tuple(state[SCORES : SCORES + players].tolist()),
        rounds_left=int(state[ROUNDS_LEFT]) if state[LONGEST] else None,
    )


def _played(state: State) -> tuple[tuple[int, int], ...]:
    """Return (seat, card) of all cards played, in order."""
    plays = np.empty((CARDS, 2), np.int64)
    count = list_plays(state, plays)
    return tuple((seat, card) for seat, card in plays[:count].tolist())


class ScriptAgent:
    """Decides by the functions of a script, one state after another."""

    def __init__(self, path: Path, code: CodeType) -> None:
        """Run the script.

        Raises:
            RunError: the script fails, or lacks a function.
        """
        self._path = path
        # A module that Python knows: else `dataclass` fails where annotations are strings. No file
        # can have its name, so a script `random.py` does not replace the library's module.
        module = ModuleType(f"player {path}")
        sys.modules[module.__name__] = module
        names = module.__dict__
        # Standard output is for the results, which may be JSON.
        names |= {"__file__": str(path), "print": partial(print, file=sys.stderr)}
        self._guarded(lambda: exec(code, names))
        for name in FUNCTIONS:
            if not callable(names.get(name)) or inspect.iscoroutinefunction(names[name]):
                raise RunError(
                    f"{path} has no function {name}(seen, legal, random): see docs/opponents.md"
                )
        self._bid: Choice = names["bid"]
        self._play: Choice = names["play"]
        self._legal = np.empty(MAX_LEGAL, np.int64)

    def choose(self, states: State, streams: Streams) -> Actions:
        """See `Agent`.

        Raises:
            RunError: the script fails, or its answer is not legal.
        """
        return np.array(
            [self._choose(state, stream) for state, stream in zip(states, streams, strict=True)],
            np.int64,
        )

    def _choose(self, state: State, stream: Streams) -> int:
        legal = self._legal[: legal_actions(state, self._legal)].tolist()
        # Seeded by the row's stream, so that a decision repeats.
        draws = random.Random(below(stream, 2**32))
        if is_bidding(state):
            bids = [action - FIRST_BID for action in legal]
            return FIRST_BID + self._ask(self._bid, "bid", state, bids, draws)
        return self._ask(self._play, "play", state, legal, draws)

    def _ask(
        self, choose: Choice, name: str, state: State, legal: list[int], draws: random.Random
    ) -> int:
        seen = seen_from(state)
        # A copy: a script that sorts or shuffles the list must not decide what is legal.
        answer = self._guarded(lambda: choose(seen, list(legal), draws))
        if type(answer) is not int or answer not in legal:
            # Not `repr`: the answer may be a table of millions, or fail to show itself.
            shown = reprlib.repr(answer)
            raise RunError(f"{self._path}: {name} returned {shown}, not an int of {legal}")
        return answer

    def _guarded(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 (somebody's code: any is possible)
            frames = traceback.extract_tb(error.__traceback__)
            lines = [frame.lineno for frame in frames if frame.filename == str(self._path)]
            where = f" in line {lines[-1]}" if lines else ""
            raise RunError(f"{self._path} failed{where}: {_one_line(error)}") from None


def _one_line(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 (its class may be somebody's, too)
        text = "an error without a text"
    name = type(error).__name__
    return " ".join(f"{name}: {text}".split())[:MOST_TEXT] if text else name


def make_script(request: OpponentRequest) -> AgentMaker:
    """Make the player of a Python file.

    Raises:
        RunError: the file cannot be read, is not Python, fails, or lacks a function.
    """
    path = request.name.path
    if path.is_fifo():  # reading it would wait for a writer
        raise RunError(f"{path} is not a regular file: name a Python file")
    try:
        source = path.read_bytes()
        _player(path, source)  # a fault is reported now, not after the first matches
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from None
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        # The last two come from the compiler, for expressions that are nested too deeply.
        raise RunError(f"{path} is not Python: {_one_line(error)}") from None
    # The source, not the code: this is pickled for other processes, and code cannot be.
    return OfAnySize(_player, (path, source))


def _player(path: Path, source: bytes) -> ScriptAgent:
    # Without `dont_inherit`, this module's `annotations` import would hold for the script, too.
    return ScriptAgent(path, compile(source, str(path), "exec", dont_inherit=True))
