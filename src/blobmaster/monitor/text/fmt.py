"""Formats values for people: durations, sizes, counts, metrics of unknown scale, foreign text."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Final

UNKNOWN: Final = "—"
"""Shown for an unknown value: a zero or an empty cell could be taken for a value."""
HUGE: Final = 1e15
"""Numbers from here on are shown with an exponent: 1e308 written out would fill the screen."""
LONGEST_S: Final = 1e12
"""Longest duration that is shown, 30,000 years: a longer one is a mistake of its writer."""

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
    """Format a duration in its one or two largest units: `3 d 14 h`, `2 h 05 min`, `34 s`."""
    if seconds is None or not 0 <= seconds <= LONGEST_S:
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
    """Format an age in its largest unit: `34 s`, `12 min`, `2 h`, `3 d`."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def hours(value: float | None) -> str:
    """Format a duration given in hours."""
    return UNKNOWN if value is None else duration(value * 3600)


def eta(hours_left: float | None) -> str:
    """Format the time left: `5.2 days (124.5 hours)`, `3.1 hours`, or below an hour `38 min`."""
    if hours_left is None or not 0 <= hours_left * 3600 <= LONGEST_S:
        return UNKNOWN
    if hours_left < 1:
        return duration(hours_left * 3600)
    in_hours = f"{hours_left:.1f} hours"
    return in_hours if hours_left < 24 else f"{hours_left / 24:.1f} days ({in_hours})"


def finish_time(now: float, hours_left: float | None) -> str:
    """Format the time of the end by the reader's clock and time zone; empty if unknown."""
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
    """Format bytes in decimal units, like `df -H`."""
    if count is None or not math.isfinite(count):
        return UNKNOWN
    value = float(count)
    for unit in _SIZE_UNITS:
        if abs(value) < 999.5 or unit == _SIZE_UNITS[-1]:
            break
        value /= 1000
    return f"{fixed(value, 0 if unit == 'B' or value >= 99.5 else 1)} {unit}"


def count(value: float | None) -> str:
    """Format a whole number with separated thousands."""
    if value is None or not math.isfinite(value) or abs(value) >= HUGE:
        return fixed(value)
    return f"{round(value):,}"


def number(value: int | None) -> str:
    """Format a whole number without separators."""
    return UNKNOWN if value is None else str(value)


def percent(share: float | None, digits: int = 1) -> str:
    """Format a share (0 to 1) as a percentage."""
    if share is None or not math.isfinite(100 * share):
        return UNKNOWN
    return f"{fixed(100 * share, digits)} %"


def rate(per_second: float | None, unit: str) -> str:
    """Format a rate per second, or per minute if it is less than one per second."""
    if per_second is None or not math.isfinite(per_second) or per_second < 0:
        return ""
    if per_second >= 1 or per_second == 0:
        return f"{metric(per_second, 2) if per_second < 10 else count(per_second)}/s"
    per_minute = per_second * 60
    return f"{metric(per_minute, 2)} {unit}/min" if unit else f"{fixed(per_minute, 1)}/min"


def metric(value: float | None, digits: int = 4) -> str:
    """Format a number of any scale with `digits` significant digits: 0.4213, 3.0e-05, 12,400."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    if value == 0:
        return "0"
    magnitude = abs(value)
    if magnitude < 1e-3:
        return f"{value:.{max(1, digits - 3)}e}"
    if magnitude >= HUGE:
        return fixed(value)
    if magnitude >= 10_000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if magnitude >= 10 ** (digits - 1) else f"{value:.{digits}g}"


def fixed(value: float | None, digits: int = 0, *, sign: bool = False) -> str:
    """Format a number with `digits` decimals, with an exponent if it is huge."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    kind = ".3e" if abs(value) >= HUGE else f".{digits}f"
    return format(value, f"+{kind}" if sign else kind)


def signed(value: float | None, digits: int = 0) -> str:
    """Format a change with its sign and a true minus sign."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    text = fixed(abs(value), digits)
    if float(text) == 0:
        return f"±{text}"
    return ("+" if value > 0 else "−") + text


def clean(text: str, limit: int = 400) -> str:
    """Make text from a file safe for a terminal: one line of bounded length, no control codes."""
    # Without this, escape sequences in a run's texts could control the reader's terminal.
    shown = "".join(letter if letter.isprintable() else " " for letter in text[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def to_ascii(text: str) -> str:
    """Replace characters by ASCII ones of the same meaning."""
    return text.translate(_ASCII_FOR).encode("ascii", "replace").decode("ascii")
