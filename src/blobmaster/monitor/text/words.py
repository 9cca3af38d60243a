"""Numbers as people read them: durations, sizes, counts and metrics of unknown scale."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Final

UNKNOWN: Final = "—"
"""Shown where a value is not known yet; never a zero or an empty cell that reads as one."""

_ASCII_FOR: Final = str.maketrans(
    {
        "—": "-",
        "–": "-",
        "−": "-",
        "±": "~",
        "·": "|",
        "×": "x",
        "π": "pi",
        "τ": "tau",
        "…": ".",
        "“": '"',
        "”": '"',
    }
)
_SIZE_UNITS: Final = ("B", "kB", "MB", "GB", "TB", "PB")


def duration(seconds: float | None) -> str:
    """The two largest units that matter: `3 d 14 h`, `2 h 05 min`, `12 min`, `34 s`."""
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return UNKNOWN
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    hours = round(seconds / 3600)
    return f"{hours // 24} d {hours % 24} h"


def age(seconds: float) -> str:
    """How long ago, in the one unit that matters: `34 s`, `12 min`, `2 h`, `3 d`."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def hours(value: float | None) -> str:
    """A duration given in hours."""
    return UNKNOWN if value is None else duration(value * 3600)


def finish_time(now: float, hours_left: float | None) -> str:
    """When it will be done, by the reader's own clock and calendar; empty where not known."""
    if hours_left is None or not 0 <= hours_left < 24 * 365 * 5:
        return ""
    there = datetime.fromtimestamp(now) + timedelta(hours=hours_left)
    today = datetime.fromtimestamp(now).date()
    if there.date() == today:
        return there.strftime("today %H:%M")
    if there.date() - today == timedelta(days=1):
        return there.strftime("tomorrow %H:%M")
    return there.strftime("%a %d %b %H:%M")


def size(count: float | None) -> str:
    """Bytes in decimal units, as disks are sold and `df -H` prints them."""
    if count is None or not math.isfinite(count):
        return UNKNOWN
    value = float(count)
    for unit in _SIZE_UNITS:
        if abs(value) < 999.5 or unit == _SIZE_UNITS[-1]:
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" or value >= 99.5 else f"{value:.1f} {unit}"


def count(value: float | None) -> str:
    """A whole number with thousands separated."""
    return UNKNOWN if value is None or not math.isfinite(value) else f"{round(value):,}"


def percent(share: float | None, digits: int = 1) -> str:
    """A share of one as a percentage."""
    return UNKNOWN if share is None or not math.isfinite(share) else f"{100 * share:.{digits}f} %"


def rate(per_second: float | None, unit: str) -> str:
    """Units a second, or a minute where a second holds less than one."""
    if per_second is None or not math.isfinite(per_second) or per_second < 0:
        return ""
    if per_second >= 1 or per_second == 0:
        return f"{metric(per_second, 2) if per_second < 10 else count(per_second)}/s"
    return f"{metric(per_second * 60, 2)} {unit}/min" if unit else f"{per_second * 60:.1f}/min"


def metric(value: float | None, digits: int = 4) -> str:
    """A number of unknown scale with `digits` significant ones: 0.4213, 12.5, 3.0e-05, 12,400."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    if value == 0:
        return "0"
    magnitude = abs(value)
    if magnitude < 1e-3:
        return f"{value:.{max(1, digits - 3)}e}"
    if magnitude >= 1e15:
        return f"{value:.3e}"
    if magnitude >= 10_000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if magnitude >= 10 ** (digits - 1) else f"{value:.{digits}g}"


def signed(value: float | None, digits: int = 0) -> str:
    """A change, its sign always shown, with a real minus."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0:
        return f"±{text}"
    return ("+" if value > 0 else "−") + text


def clean(text: str, limit: int = 400) -> str:
    """Text from a file made safe for a terminal: no control codes, one line, of bounded length."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def to_ascii(text: str) -> str:
    """The nearest ASCII text of the same meaning."""
    return text.translate(_ASCII_FOR).encode("ascii", "replace").decode("ascii")


def label(name: str) -> str:
    """A metric's field name as a heading: `rounds_per_minute` becomes `rounds per minute`."""
    return name.replace("_", " ").replace(".", " ").strip()
