"""Joins JavaScript modules into one script that an HTML file can hold.

A page that is opened from a disk may not import files beside it, and a build tool would be one more
thing to install. So each module becomes a function that is called once and returns its exports, and
an import becomes the reading of another one's. The modules keep to the forms that this needs: named
imports without `as`, and `export` before a declaration of a constant, a function or a class.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

_IMPORT: Final = re.compile(r'^import (\{[^}]*\}) from "(\.{1,2}/[\w./-]+)";$', re.MULTILINE)
_EXPORT: Final = re.compile(r"^export ((?:const|function\*?|class) (\w+))", re.MULTILINE)
_NAME: Final = re.compile(r"\w+")
_LEFT_OVER: Final = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


def inlined(entry: Path) -> str:
    """Return the module `entry` and all that it imports, as one script without imports.

    Raises:
        ValueError: a module has an import or export of another form, imports what another does not
            export, or imports itself by others.
    """
    scripts: dict[Path, str] = {}
    _add(entry.resolve(), scripts, ())
    return "\n".join(scripts.values())


def _add(module: Path, scripts: dict[Path, str], importers: tuple[Path, ...]) -> None:
    """Add what a module imports, then the module."""
    if module in importers:
        raise ValueError(f"{module} imports itself by way of others")
    if module in scripts:
        return
    source = module.read_text("utf-8")

    def import_(match: re.Match[str]) -> str:
        imported = (module.parent / match[2]).resolve()
        _add(imported, scripts, (*importers, module))
        # A browser would refuse the import; in the joined script the name would be undefined.
        offered = {name for _, name in _EXPORT.findall(imported.read_text("utf-8"))}
        if missing := set(_NAME.findall(match[1])) - offered:
            raise ValueError(f"{module} imports {min(missing)}, which {imported} does not export")
        return f"const {match[1]} = {_variable(imported)};"

    body = _IMPORT.sub(import_, source)
    names = [name for _, name in _EXPORT.findall(body)]
    body = _EXPORT.sub(r"\1", body)
    if (left_over := _LEFT_OVER.search(body)) is not None:
        raise ValueError(f"{module} cannot be inlined: {left_over[0]}")
    returned = f"return {{ {', '.join(names)} }};"
    scripts[module] = f"const {_variable(module)} = (() => {{\n{body}\n{returned}\n}})();\n"


def _variable(module: Path) -> str:
    return f"{module.stem}_module"
