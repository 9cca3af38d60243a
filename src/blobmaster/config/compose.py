"""Layers of settings: defaults, presets, a TOML file and flags; later layers win key by key."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from blobmaster.config.config import Config
from blobmaster.config.refusals import name_not_finite, reworded
from blobmaster.run.files.disk_errors import explain_read
from blobmaster.run.files.text import decode, escaped


class ConfigError(ValueError):
    """Invalid settings; `str()` is one line that names the key and says what to do."""


Tables = dict[str, dict[str, Any]]
"""Settings as in a TOML file: some of the tables, each with some of its keys."""

UNCHANGEABLE = (
    ("run", "seed"),
    ("run", "training_on"),
    ("network", "width"),
    ("network", "blocks"),
)
"""Table and key of the settings that a run cannot change when it is resumed."""

RENAMED: dict[str, dict[str, str]] = {
    "run": {"turns": "blocks_per_worker"},
    "self_play": {
        "slots": "lanes",
        "stranger_rounds": "opponent_rounds",
        "random_opponent_rounds": "opponent_rounds",
        "stranger_seats": "opponent_seats",
        "random_opponent_seats": "opponent_seats",
        "earnest_rounds": "greedy_rounds",
    },
    "learning": {"reuse": "replay_ratio", "average_decay": "ema_decay"},
    "rating": {"promotion_threshold": "gating_threshold"},
}
"""By table, the former names of keys and their names today. All load, in files and checkpoints."""

ABSENT: Tables = {
    "self_play": {"opponent_styles": 0.0, "opponents_known": 0.0},
    "learning": {"mean_log_from": 1.0},
}
"""Values of settings that some checkpoints lack: what their runs did before the key existed."""


def compose(*layers: Tables, base: Config | None = None) -> Config:
    """Return the defaults (or `base`) with each layer's keys replacing those before it.

    Raises:
        ConfigError: a key is unknown or a value out of range.
    """
    tables = as_tables(base or Config())
    for layer in layers:
        for name, table in layer.items():
            if not isinstance(table, dict):
                raise ConfigError(f"`{name}` must be a table: write [{name}] above its keys")
            tables[name] = {**tables.get(name, {}), **_with_new_names(name, table)}
    if (fault := name_not_finite(tables)) is not None:
        raise ConfigError(fault)
    try:
        # msgspec checks types and ranges only when it decodes, not when a struct is constructed.
        return msgspec.json.decode(msgspec.json.encode(tables), type=Config)
    except msgspec.ValidationError as error:
        raise ConfigError(reworded(error, Config)) from None


def _with_new_names(name: str, table: dict[str, Any]) -> dict[str, Any]:
    """Return the table with every former key under its name of today."""
    renamed = RENAMED.get(name, {})
    written: dict[str, str] = {}
    for key in table:
        today = renamed.get(key, key)
        if today in written:
            old = key if key in renamed else written[today]
            raise ConfigError(f"{name}.{old} is the old name of {name}.{today}: keep one of them")
        written[today] = key
    return {today: table[key] for today, key in written.items()}


def inherited_settings(config: Config) -> Config:
    """Return the settings that a new run inherits from the run whose network it starts from.

    All but two. The number format of self-play was measured for the other run's policy, and is
    measured again. And the new run, which plays games, decides by lookahead even if the other one
    searched: search maximizes points.
    """
    return compose(
        {"inference": {"number_format": "auto"}, "self_play": {"decide_by": "lookahead"}},
        base=config,
    )


def from_tables(tables: Mapping[str, Any]) -> Config:
    """Return the settings of a checkpoint.

    A key that it lacks has its default, or the value in `ABSENT`.

    Raises:
        ConfigError: they belong to another version.
    """
    return compose(ABSENT, {name: dict(table) for name, table in tables.items()})


def as_tables(config: Config) -> Tables:
    """Return the settings as plain dictionaries, for checkpoints and as a layer."""
    tables: Tables = msgspec.to_builtins(config, str_keys=True)
    return tables


def read_file(path: Path) -> Tables:
    """Return the tables of a TOML file.

    Raises:
        ConfigError: the file cannot be read or is not TOML.
    """
    try:
        return tomllib.loads(decode(path.read_bytes()).replace("\r\n", "\n"))
    except (OSError, UnicodeDecodeError) as error:
        reason = (
            explain_read(error)
            if isinstance(error, OSError)
            else "it is not UTF-8 text: save it as such"
        )
        raise ConfigError(f"cannot read --config {path}: {reason}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"--config {path} is not TOML: {escaped(str(error))}") from None


def differences(old: Config, new: Config) -> list[str]:
    """List the changed settings, one line each: `run.iterations 30 -> 60`."""
    before, after = as_tables(old), as_tables(new)
    return [
        f"{name}.{key} {before[name][key]} -> {value}"
        for name, table in after.items()
        for key, value in table.items()
        if before[name][key] != value
    ]


def check_continues(old: Config, new: Config) -> None:
    """Raise `ConfigError` if a run with the settings `old` cannot be resumed with `new`."""
    before, after = as_tables(old), as_tables(new)
    for name, key in UNCHANGEABLE:
        if before[name][key] != after[name][key]:
            raise ConfigError(
                f"{name}.{key} is {before[name][key]} in this run and cannot become "
                f"{after[name][key]}: leave it out, or start a new run without --resume"
            )
