"""Golden data for the JavaScript modules: random rounds, and networks' answers in them.

`python tests/web/golden.py` writes the small files in `web/golden/` again, for authors of a port.
The tests compare 2,000 rounds and 5,000 positions, which are made when they run: as a file in the
repository they would be megabytes, and out of date after any change of the features.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from golden_beliefs import beliefs_of
from positions import SIZES, RandomRound, legal_of
from saved_networks import save_network

from blobmaster.checkpoint.network import TrainedNetwork, load_trained
from blobmaster.config.compose import compose
from blobmaster.export.network_file import network_file
from blobmaster.game.opponents import FIRST_STYLE, KINDS
from blobmaster.game.rules import ACTIONS, LONGEST, ROUNDS_LEFT, SCORES, SEAT, TRICKS
from blobmaster.game.schedule import round_count
from blobmaster.game.scoring import points
from blobmaster.game.styles import STYLES
from blobmaster.inference.evaluator import NetworkEvaluator
from blobmaster.model.features import FEATURES
from blobmaster.model.game_features import VIEW_FEATURES, encode_game_views
from blobmaster.styles.rules import write_style_chances

FOLDER = Path(__file__).parents[2] / "web" / "golden"
SMALL_SIZES = ((3, 1), (3, 4), (4, 1), (4, 3), (5, 2), (6, 2), (7, 2), (8, 3))


def network_of(*, width: int, sees_games: bool) -> TrainedNetwork:
    """Return an untrained network whose logits differ as much as those of a trained one."""
    tables = {"network": {"width": width, "blocks": 2}}
    settings = compose({**tables, "run": {"training_on": "games"}} if sees_games else tables)
    with TemporaryDirectory() as folder:
        trained = load_trained(save_network(Path(folder), settings), torch.device("cpu"))
    actor = trained.network.actor
    with torch.no_grad():
        actor.head.weight.mul_(60)
        if actor.more_stem is not None:  # zeros at first, which would hide a wrong feature
            generator = torch.Generator().manual_seed(1)
            actor.more_stem.weight.copy_(
                0.1 * torch.randn(actor.more_stem.weight.shape, generator=generator)
            )
    return trained


class GoldenRound:
    """A random round of the given size, half of them in a game."""

    def __init__(self, number: int, players: int, cards: int) -> None:
        played = RandomRound(number, players, cards)
        self.deal: dict[str, Any] = {
            "players": players,
            "cards": cards,
            "trump": played.trump,
            "dealer": played.dealer,
            "hands": played.deck[: players * cards].reshape(players, cards).tolist(),
            "game": None,
        }
        self.states, self.end = played.states, played.end
        self.legal = [legal_of(state) for state in self.states]
        self.actions = played.actions[: len(played.states)]
        if number % 2:
            self._seat_in_game(np.random.default_rng(number))

    def _seat_in_game(self, draws: np.random.Generator) -> None:
        players, cards = self.deal["players"], self.deal["cards"]
        longest = int(draws.integers(cards, 52 // players + 1))
        left = int(draws.integers(round_count(players, longest)))
        scores = draws.integers(0, 150, players)
        self.deal["game"] = {"longest": longest, "left": left, "scores": scores.tolist()}
        self.states[:, LONGEST], self.states[:, ROUNDS_LEFT] = longest, left
        self.states[:, SCORES : SCORES + players] = scores

    def record(self) -> dict[str, Any]:
        """Return the deal and what the rules say at each action and at the end."""
        seats = range(self.deal["players"])
        return {
            **self.deal,
            "actions": self.actions.tolist(),
            "seats": self.states[:, SEAT].tolist(),
            "legal": self.legal,
            "tricks": [int(self.end[TRICKS + seat]) for seat in seats],
            "points": [int(points(self.end, seat)) for seat in seats],
        }


def golden_rounds(count: int) -> list[GoldenRound]:
    """Return rounds of all sizes that can be dealt, in turn."""
    return [GoldenRound(number, *SIZES[number % len(SIZES)]) for number in range(count)]


def encoded(states: np.ndarray) -> np.ndarray:
    """Return the features of games, which begin with those of a round."""
    rows = np.zeros((len(states), VIEW_FEATURES), np.float32)
    encode_game_views(states, rows, np.zeros((len(states), 4), np.int64))
    return rows


def chances_of(state: np.ndarray, action: int) -> list[float]:
    """Return the probability that each style of opponents in self-play takes an action."""
    chances = np.zeros(len(STYLES))
    write_style_chances(state, action, chances)
    return chances[1 : 1 + KINDS - FIRST_STYLE].tolist()


def logits_of(trained: TrainedNetwork, rows: np.ndarray) -> np.ndarray:
    width = VIEW_FEATURES if trained.network.sees_games else FEATURES
    with torch.inference_mode():
        return trained.network.actor(torch.from_numpy(rows[:, :width].copy())).numpy()


def choices_of(trained: TrainedNetwork, states: np.ndarray) -> list[int]:
    """Return the legal action of highest prior in each state."""
    priors = NetworkEvaluator(trained.network.parts, len(states), torch.device("cpu")).priors(
        states
    )
    return [
        legal_of(state)[int(prior.argmax())] for state, prior in zip(states, priors, strict=True)
    ]


def large(rounds: int, positions: int, networks: Sequence[TrainedNetwork]) -> dict[str, Any]:
    """Return the data of the tests: `rounds` random rounds, `positions` of their real choices.

    The positions are shared out among the networks.
    """
    played = golden_rounds(rounds)
    places = [
        (number, step)
        for number, one in enumerate(played)
        for step, legal in enumerate(one.legal)
        if len(legal) > 1
    ]
    chosen = [places[i] for i in np.random.default_rng(0).permutation(len(places))[:positions]]
    states = np.array([played[number].states[step] for number, step in chosen])
    rows = encoded(states)
    share = positions // len(networks)
    return {
        "rounds": [one.record() for one in played],
        "places": chosen,
        "features": [zlib.crc32(row.tobytes()) for row in rows],
        "chances": [
            chances_of(played[number].states[step], played[number].actions[step])
            for number, step in chosen
        ],
        "networks": [
            _answers(trained, first, states[first : first + share], rows[first : first + share])
            for trained, first in zip(networks, range(0, positions, share), strict=True)
        ],
    }


def _answers(
    trained: TrainedNetwork, first: int, states: np.ndarray, rows: np.ndarray
) -> dict[str, Any]:
    logits = logits_of(trained, rows)
    return {
        "file": network_file(trained),
        "first": first,
        "logits": base64.b64encode(logits.tobytes()).decode("ascii"),
        "choices": choices_of(trained, states),
    }


def small() -> dict[str, Any]:
    """Return the contents of the files in `web/golden/`, by name."""
    trained = network_of(width=16, sees_games=True)
    rounds = [GoldenRound(number, *size) for number, size in enumerate(SMALL_SIZES)]
    return {
        "network.json": network_file(trained),
        "rounds.json": [{**one.record(), "positions": _described(one, trained)} for one in rounds],
        "beliefs.json": beliefs_of(trained),
    }


def _described(one: GoldenRound, trained: TrainedNetwork) -> list[dict[str, Any]]:
    """Describe each real choice of a round: its features and the network's priors."""
    states = np.array([state for state in one.states if len(legal_of(state)) > 1])
    evaluator = NetworkEvaluator(trained.network.parts, len(states), torch.device("cpu"))
    priors = evaluator.priors(states)
    described = []
    for state, row, prior in zip(states, encoded(states), priors, strict=True):
        others = [i for i in np.flatnonzero(row) if row[i] != 1]
        described.append(
            {
                "step": int(state[ACTIONS]),
                "ones": np.flatnonzero(row == 1).tolist(),
                "values": {str(i): float(row[i]) for i in others},
                "priors": [round(float(p), 4) for p in prior[: len(legal_of(state))]],
                "chances": [
                    round(chance, 4) for chance in chances_of(state, one.actions[state[ACTIONS]])
                ],
            }
        )
    return described


def main() -> None:
    """Write the small files."""
    FOLDER.mkdir(exist_ok=True)
    for name, content in small().items():
        text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
        (FOLDER / name).write_text(text.replace('},{"players"', '},\n{"players"') + "\n", "utf-8")


if __name__ == "__main__":
    main()
