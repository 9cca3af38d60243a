"""Presets that the settings file and flags override: `--fast`, `--exploit`, search and phase 2."""

from __future__ import annotations

import msgspec

from blobmaster.config.compose import Tables, compose
from blobmaster.config.config import Config

FAST: Tables = {
    "run": {"iterations": 5},
    "rounds": {"players": {4: 1.0}, "most_cards": {4: {5: 1.0}}},
    "search": {"worlds": 2, "simulations": 16},
    "network": {"width": 256, "blocks": 1},
    "self_play": {
        "rounds": 4000,
        "rounds_per_block": 250,
        "games": 320,
        "games_per_block": 80,
        "lanes": 250,
    },
    "learning": {
        "window": 120_000,
        "batch": 512,
        "replay_ratio": 2.0,
        "schedule_iterations": 5,
        "ema_decay": 0.98,
    },
    "rating": {"deals": 200, "doubling_deals": 200, "games": 40, "bootstrap": 100},
}
"""`--fast`: five iterations in about a minute on two cores, to check that everything works."""

EXPLOIT: Tables = {
    "self_play": {
        "opponent_rounds": 1.0,
        "opponent_seats": 1.0,
        "opponent_styles": 1.0,
        "opponent_mix": {"noisy-self": 1.0},
        "greedy_rounds": 0.0,
        "opponents_known": 0.0,
    },
}
"""`--exploit`: opponents hold all seats but one, and a frozen network holds theirs."""

SEARCH: Tables = {
    "self_play": {"rounds": 2000, "opponents_known": 0.0},
    "learning": {"replay_ratio": 4.0},
}
"""Self-play by search. A round costs some twenty times the time that it costs by lookahead, so
there are fewer of them, and each is learned from more often. Its worlds hide who holds the seats,
so nothing would be known there."""

GAMES: Tables = {
    "run": {"training_on": "games", "iterations": 100},
    "learning": {"schedule_iterations": 100, "mean_log_from": 0.3},
    "self_play": {"policy_step": 16.0},
}
"""Phase 2, on top of the settings of phase 1.

In a game, an exact bid moves the value by about half as much as in a single round, where it is most
of the points. So twice the policy step gives an equally strong policy improvement. The targets of
such a step are nearly certain in each deal, and their mean hedges all the more; a phase 2 begins
with a trained network, so it can do without the mean earlier.
"""


def is_fast(config: Config) -> bool:
    """Return True if a run is as small as `FAST` makes it, however far it was extended.

    A checkpoint stores settings and not the preset, so that a resumed run knows its size only.
    """
    fast = compose(FAST)
    # The machine decides these when the run starts, or an extension changes them.
    learning = msgspec.structs.replace(
        config.learning,
        schedule_iterations=fast.learning.schedule_iterations,
        number_format=fast.learning.number_format,
        threads=fast.learning.threads,
    )
    return config.training_on == "rounds" and fast == msgspec.structs.replace(
        config, run=fast.run, inference=fast.inference, learning=learning
    )
