"""Presets that lie under a person's own settings: `--fast`, and phase 2."""

from __future__ import annotations

from blobmaster.config.layers import Tables

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
    "rating": {"deals": 200, "games": 40, "bootstrap": 100},
}
"""`--fast`: five iterations in about a minute on two cores, to see that everything works."""

GAMES: Tables = {
    "run": {"training_on": "games", "iterations": 100},
    "learning": {"schedule_iterations": 100},
    "self_play": {"policy_step": 16.0},
}
"""Phase 2, over phase 1's settings. An exact bid is worth about half of what a round can change,
but most of a round's points: twice the step moves a policy as far."""
