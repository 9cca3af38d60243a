"""The flags of `blobmaster train` that set a key of the settings, made from its declaration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from blobmaster.config.catalogue import Setting, all_settings
from blobmaster.config.compose import Tables


def setting_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add to a command the flag of every setting that declares one."""
    for setting in reversed(list(all_settings())):
        if setting.flag is not None:
            names = (setting.flag.name, *setting.flag.aliases)
            command = click.option(*names, _parameter(setting), **_options(setting))(command)
    return command


def taken_from(parameters: Mapping[str, Any]) -> Tables:
    """Return the settings that were given as flags, from the parameters of the command."""
    tables: Tables = {}
    for setting in all_settings():
        value = parameters.get(_parameter(setting))
        # A flag that was left out must not hide the value of the file: click gives None for it, and
        # False for a boolean one.
        if setting.flag is not None and value is not None and value is not False:
            tables.setdefault(setting.table, {})[setting.key] = value
    return tables


def _parameter(setting: Setting) -> str:
    return f"{setting.table}__{setting.key}"


def _options(setting: Setting) -> dict[str, Any]:
    """Return the click options of a flag.

    The range stands in the help and is not checked here: the settings check it, wherever a value
    comes from, with one message for files and flags.
    """
    help_text = setting.summary
    if setting.range:
        help_text += f"  [{setting.range}]"
    if setting.type is bool:
        return {"is_flag": True, "help": help_text}
    type_ = click.Choice(setting.choices) if setting.choices else setting.type
    return {"type": type_, "help": help_text}
