"""A run's settings: composes those that each part owns. Checking them loads no torch, no numba."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from blobmaster.learn.settings import LearnSettings
from blobmaster.net.settings import InferenceSettings, NetworkSettings
from blobmaster.play.curriculum import Curriculum
from blobmaster.play.settings import RatingSettings, RoundMix, SelfPlaySettings
from blobmaster.run.retention import is_permanent
from blobmaster.search.settings import SearchSettings


class ConfigError(ValueError):
    """Settings that no run can have; `str()` is one line that says which and what to do."""


class RunSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a run is, beside how it plays and learns."""

    iterations: Annotated[int, Meta(ge=1)] = 500
    seed: Annotated[int, Meta(ge=0, lt=2**32)] = 0
    """All random streams of the run are derived from it."""

    training_on: Literal["rounds", "games"] = "rounds"
    """Phase 1, rounds that stand alone, played for points; or phase 2, games played for the win."""

    save_every: Annotated[int, Meta(ge=1)] = 1
    """Commit every so many iterations; every 5th and the last are committed in any case."""

    workers: Annotated[int, Meta(ge=0, le=1024)] = 0
    """Threads that play; 0 is one a core. No result depends on it."""

    turns: Annotated[int, Meta(ge=1, le=16)] = 1
    """Blocks that each worker has in play: while a GPU answers one, the core walks the trees of
    another. On 16 cores the other workers fill most of that time: 2 was 5 % faster, in twice the
    memory of the card. No result depends on it."""


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings of a run. Its TOML has one table a field."""

    run: RunSettings = RunSettings()
    rounds: RoundMix = RoundMix()
    search: SearchSettings = SearchSettings()
    curriculum: Curriculum = Curriculum()
    network: NetworkSettings = NetworkSettings()
    inference: InferenceSettings = InferenceSettings()
    self_play: SelfPlaySettings = SelfPlaySettings()
    learning: LearnSettings = LearnSettings()
    rating: RatingSettings = RatingSettings()

    def __post_init__(self) -> None:
        if self.plays_games and self.self_play.decide_by == "search":
            raise ValueError(
                "self_play.decide_by: a search looks for points, and games are played for the win: "
                'leave it at "lookahead"'
            )

    @property
    def plays_games(self) -> bool:
        """Whether this is phase 2."""
        return self.run.training_on == "games"

    def units(self, iteration: int) -> int:
        """Rounds or games of an iteration (0-based)."""
        if self.plays_games:
            return self.curriculum.games(iteration, self.self_play)
        return self.curriculum.rounds(iteration, self.self_play)

    def get_mcts_params(self, iteration: int) -> tuple[int, int]:
        """Worlds and simulations of an iteration (0-based)."""
        search = self.curriculum.search(iteration, self.search)
        return search.worlds, search.simulations

    def decides_by(self, iteration: int) -> str:
        """How self-play decides in an iteration (0-based): `lookahead`, or by search, `3×35`."""
        if self.self_play.decide_by == "lookahead":
            return "lookahead"
        worlds, simulations = self.get_mcts_params(iteration)
        return f"{worlds}×{simulations}"

    def work(self, iteration: int) -> dict[str, float]:
        """What an iteration's steps cost beside others': rounds or simulations, ratings.

        A simulation of all worlds takes what one world more would: small batches are dear. The
        2,120, 1,570, 1,400 and 1,290 µs a round, simulation and world that 1 to 4 worlds took are
        within 2 % of that.
        """
        worlds, simulations = self.get_mcts_params(iteration)
        rounds = self.units(iteration)  # or games, which are alike among themselves
        by_search = self.self_play.decide_by == "search"
        return {
            "self-play": float(rounds * (simulations * (worlds + 1) if by_search else 1)),
            "learning": float(rounds),
            "rating": float(is_permanent(iteration)),
        }


Tables = dict[str, dict[str, Any]]
"""Settings as TOML has them: some of the tables, each with some of its keys."""

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
        "slots": 250,
    },
    "learning": {
        "window": 120_000,
        "batch": 512,
        "reuse": 2.0,
        "schedule_iterations": 5,
        "average_decay": 0.98,
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

UNCHANGEABLE = (
    ("run", "seed"),
    ("run", "training_on"),
    ("network", "width"),
    ("network", "blocks"),
)
"""What a run keeps from its start to its end."""


def compose(*layers: Tables, base: Config | None = None) -> Config:
    """The defaults (or `base`), with each layer's keys put over those before it.

    Raises:
        ConfigError: a key is unknown or a value out of range.
    """
    tables = as_tables(base or Config())
    for layer in layers:
        for name, table in layer.items():
            if not isinstance(table, dict):
                raise ConfigError(f"`{name}` is a table of settings: write [{name}] above its keys")
            tables[name] = {**tables.get(name, {}), **table}
    try:
        return msgspec.json.decode(msgspec.json.encode(tables), type=Config)
    except msgspec.ValidationError as error:
        raise ConfigError(_one_line(error)) from None


def begun_from(config: Config) -> Config:
    """The settings that a new run takes from the one whose network it begins with: all but the
    number format, which was chosen for that run's way of playing and is chosen anew."""
    return compose({"inference": {"number_format": "auto"}}, base=config)


def from_tables(tables: Mapping[str, Any]) -> Config:
    """The settings that a checkpoint carries.

    Raises:
        ConfigError: they are not this version's.
    """
    return compose({name: dict(table) for name, table in tables.items()})


def as_tables(config: Config) -> Tables:
    """The settings as plain dictionaries, for checkpoints and for other layers."""
    tables: Tables = msgspec.to_builtins(config, str_keys=True)
    return tables


def read_file(path: Path) -> Tables:
    """The tables of a TOML file.

    Raises:
        ConfigError: it cannot be read or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"cannot read --config {path}: {reason}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"--config {path} is not TOML: {error}") from None


def differences(old: Config, new: Config) -> list[str]:
    """What changed, a line each: `run.iterations 30 -> 60`."""
    before, after = as_tables(old), as_tables(new)
    return [
        f"{name}.{key} {before[name][key]} -> {value}"
        for name, table in after.items()
        for key, value in table.items()
        if before[name][key] != value
    ]


def check_continues(old: Config, new: Config) -> None:
    """Raise `ConfigError` if a run begun with `old` cannot go on with `new`."""
    before, after = as_tables(old), as_tables(new)
    for name, key in UNCHANGEABLE:
        if before[name][key] != after[name][key]:
            raise ConfigError(
                f"{name}.{key} is {before[name][key]} in this run and cannot become "
                f"{after[name][key]}: leave it out, or start a new run without --resume"
            )


def _one_line(error: msgspec.ValidationError) -> str:
    text = " ".join(str(error).split())
    return text.replace("Object contains unknown field", "there is no setting").replace(
        "- at `$.", "- in `"
    )
