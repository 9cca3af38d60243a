"""The flags of `blobmaster train` that set a key of the settings, made from its declaration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from blobmaster.config.catalogue import Setting, all_settings
from blobmaster.config.compose import ConfigError, Tables, compose


def setting_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add to a command the flag of every setting that declares one."""
    for setting in reversed(_with_flags()):
        assert setting.flag is not None
        names = (setting.flag.name, *setting.flag.aliases)
        command = click.option(*names, _parameter(setting), **_options(setting))(command)
    return command


def _with_flags() -> list[Setting]:
    """Return the first setting of every flag: several keys may share one."""
    first = {
        setting.flag.name: setting for setting in reversed(list(all_settings())) if setting.flag
    }
    return [setting for setting in all_settings() if first.get(_flag_name(setting)) is setting]


def _flag_name(setting: Setting) -> str:
    return setting.flag.name if setting.flag is not None else ""


def taken_from(parameters: Mapping[str, Any]) -> Tables:
    """Return the settings that were given as flags, from the parameters of the command."""
    tables: Tables = {}
    for setting in _with_flags():
        value = parameters.get(_parameter(setting))
        # A flag that was left out must not hide the value of the file: click gives None for it, and
        # False for a boolean one.
        if value is not None and value is not False:
            keys = value if isinstance(value, Mapping) else {setting.key: value}
            tables.setdefault(setting.table, {}).update(keys)
    return tables


class _Parsed(click.ParamType[Mapping[str, Any]]):
    """The value of a flag that sets several keys."""

    name = "text"

    def __init__(self, parse: Callable[[str], Mapping[str, Any]]) -> None:
        self._parse = parse

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Mapping[str, Any]:
        """Parse the text; a wrong one is a usage error."""
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class _Checked(click.ParamType[Any]):
    """A value that the settings accept.

    They check it wherever it comes from. Here they do so for each flag alone, because only click
    knows which flag, and under which of its names, was typed.
    """

    def __init__(self, setting: Setting, inner: click.ParamType[Any]) -> None:
        self._setting = setting
        self._inner = inner
        self.name = inner.name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Convert the text; a value that the settings refuse is a usage error."""
        found = self._inner.convert(value, param, ctx)
        keys = found if isinstance(found, Mapping) else {self._setting.key: found}
        try:
            compose({self._setting.table: dict(keys)})
        except ConfigError as error:
            self.fail(str(error), param, ctx)
        return found


def _parameter(setting: Setting) -> str:
    return f"{setting.table}__{setting.key}"


def _options(setting: Setting) -> dict[str, Any]:
    """Return the click options of a flag.

    The range stands in the help and is checked by the settings, see `_Checked`.
    """
    flag, help_text = setting.flag, setting.flag_help
    assert flag is not None
    if flag.parse is not None:
        type_ = _Checked(setting, _Parsed(flag.parse))
        return {"type": type_, "metavar": flag.metavar, "help": help_text}
    if setting.range:
        help_text += f"  [{setting.range}]"
    if setting.type is bool:
        return {"is_flag": True, "help": help_text}
    if setting.choices:
        return {"type": click.Choice(setting.choices), "help": help_text}
    return {"type": _Checked(setting, click.types.convert_type(setting.type)), "help": help_text}
