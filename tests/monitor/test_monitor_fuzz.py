"""Thousands of truncated, mistyped, huge and foreign files: the last good frame or a clear line."""

from __future__ import annotations

import json
import pickle
import random
import string
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from drawn_panels import check_what_is_shown
from monitor_terminal import make_status
from test_monitor_files import rows

from blobmaster.monitor.options import MonitorOptions
from blobmaster.monitor.read.run_reader import RunReader
from blobmaster.monitor.view import view
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.status.schema import encode

GOOD = encode(make_status())
FOREIGN = (
    *(b"", b"\n", b"null", b"[]", b'"text"', b"17", b"{}", b"\x00" * 4096, b"\xff\xfe{\x00}\x00"),
    *(b"<!doctype html><title>404</title>", b'{"name": "left-pad", "version": "1.0.0"}'),
    *(pickle.dumps({"schema": 1}), b"[" * 100_000, b'{"a":' * 50_000, GOOD * 2),
    b"\xef\xbb\xbf" + GOOD,
)  # fmt: skip


def some_value(luck: random.Random) -> Any:
    """Unexpected values of a field."""
    return luck.choice(
        [
            *(None, True, False, 0, -1, 1 << 62, -(1 << 63), 10**40, 1e308, -1e308, 1e-320, 0.5),
            *("", "x" * luck.choice([1, 200, 100_000]), "\x1b[2J\x1b]0;owned\x07", "a\nb\r\tc\x00"),
            *("NaN", "２", "‮txet", "🂡" * 50, [], {}, [[]] * 50, {"a": {"b": [1, None]}}),
            *({"name": "x"}, ["running"], {str(n): n for n in range(300)}),
        ]
    )


def mistyped(luck: random.Random) -> bytes:
    """A status with fields of the wrong type, too large, left out or unknown."""
    fields = json.loads(GOOD)
    for _ in range(luck.randint(1, 4)):
        name = luck.choice([*fields, "unknown"])
        inner = fields.get(name)
        if isinstance(inner, dict) and inner and luck.random() < 0.7:
            inner[luck.choice(list(inner))] = some_value(luck)
        elif luck.random() < 0.2:
            fields.pop(name, None)
        else:
            fields[name] = some_value(luck)
    return json.dumps(fields).encode()


def truncated(luck: random.Random, whole: bytes) -> bytes:
    return whole[: luck.randrange(len(whole))]


def flipped(luck: random.Random, whole: bytes) -> bytes:
    """Change some bytes."""
    damaged = bytearray(whole)
    for _ in range(luck.randint(1, 5)):
        damaged[luck.randrange(len(damaged))] = luck.randrange(256)
    return bytes(damaged)


def huge(luck: random.Random) -> bytes:
    """Return a status file beyond the size limit, of one of several kinds."""
    return luck.choice(
        [
            lambda: GOOD[:-2] + b"," + b" " * (2 << 20) + b"}",
            lambda: GOOD.replace(b"151", b"9" * luck.randint(20, 5000)),
            lambda: GOOD[:-2] + b', "m": "' + b"y" * 900_000 + b'"}',
            lambda: GOOD[:-2] + b"".join(b', "m%d": %d' % (n, n) for n in range(20_000)) + b"}",
        ]
    )()


def status_bytes(luck: random.Random) -> tuple[str, bytes]:
    makes: dict[str, Callable[[], bytes]] = {
        "truncated": lambda: truncated(luck, GOOD),
        "flipped": lambda: flipped(luck, GOOD),
        "mistyped": lambda: mistyped(luck),
        "huge": lambda: huge(luck),
        "foreign": lambda: luck.choice(FOREIGN),
    }
    # Huge ones take as long as all others together.
    kind = luck.choices([*makes], weights=[5, 5, 10, 0.3, 3])[0]
    return kind, makes[kind]()


def row_bytes(luck: random.Random) -> bytes:
    """Return a few history rows, some of them torn."""
    whole = rows(1, luck.randint(1, 5), elo=1000.0, odd=some_value(luck))
    odd = json.dumps({"iteration": some_value(luck), "run_id": some_value(luck)}).encode() + b"\n"
    return b"".join(luck.sample([whole, truncated(luck, whole), flipped(luck, whole), odd], 3))


def log_bytes(luck: random.Random) -> bytes:
    """Return log lines and other bytes."""
    text = "".join(luck.choices(string.printable + "\x1b\x9b\x00é√", k=luck.randint(0, 400)))
    return text.encode() + luck.randbytes(luck.randint(0, 200)) + b"\n" * luck.randint(0, 2)


@pytest.mark.parametrize("files", [400, pytest.param(10_000, marks=pytest.mark.long)])
def test_damaged_files_leave_the_last_good_frame_or_a_clear_line(layout: RunLayout, files: int):
    luck = random.Random(files)
    source = RunReader(MonitorOptions(status_file=layout.status))
    seen: Counter[str] = Counter()
    for _ in range(files):
        kind, damaged = status_bytes(luck)
        layout.status.write_bytes(GOOD)
        layout.history.write_bytes(rows(1, 3))
        source.read()
        layout.status.write_bytes(damaged)
        with layout.history.open("ab") as history, layout.log.open("ab") as log:
            history.write(row_bytes(luck))
            log.write(log_bytes(luck))
        shown = view(source.read(), layout.status)
        check_what_is_shown(shown)
        if shown.problem is None:
            seen[f"{kind}, shown"] += 1
            continue
        seen[f"{kind}, refused"] += 1
        assert "\n" not in shown.problem
        assert shown.iteration == 151
        assert shown.frame_age_s >= 0
    assert len(seen) >= 8, seen


@pytest.mark.parametrize("files", [200, pytest.param(5_000, marks=pytest.mark.long)])
def test_damaged_files_found_first_are_told_in_a_clear_line(layout: RunLayout, files: int):
    luck = random.Random(files)
    for _ in range(files):
        layout.status.write_bytes(status_bytes(luck)[1])
        shown = view(RunReader(MonitorOptions(status_file=layout.status)).read(), layout.status)
        check_what_is_shown(shown)
        if shown.problem is not None:
            assert (shown.state, shown.why) == ("unreadable", shown.problem)
            assert "\n" not in shown.problem
