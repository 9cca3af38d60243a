"""The panels as pure functions: every size, every locale, any status that decodes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from drawn_panels import drawn, frame
from hypothesis import given, settings
from hypothesis import strategies as st
from monitor_terminal import make_status
from test_monitor_view import SOURCE, curve, reading, seen

from blobmaster.monitor.charts import charts
from blobmaster.monitor.metrics import METRICS
from blobmaster.monitor.screen import overlays
from blobmaster.monitor.screen.chart import draw, legend
from blobmaster.monitor.screen.drawing import (
    ASCII,
    STATE_ROLES,
    UNICODE,
    Glyphs,
    glyphs_for,
    width_of,
)
from blobmaster.monitor.screen.panels import header, notices, progress, training
from blobmaster.monitor.serve import parts
from blobmaster.monitor.text import listing, plain
from blobmaster.monitor.text.fmt import to_ascii
from blobmaster.monitor.view import LogLine, View, view
from blobmaster.run.errors import StatusError
from blobmaster.run.status.schema import decode, encode


@pytest.mark.parametrize("height", [1, 2, 3, 5, 20])
@pytest.mark.parametrize("width", [1, 2, 8, 20, 38, 80, 246])
def test_every_size_is_drawn(width: int, height: int):
    lines = tuple(LogLine(level="error", text="x" * 300) for _ in range(200))
    drawn(seen(make_status(), log=lines), width, height)
    for kind in ("question", "help", "log"):
        overlay = overlays.Overlay(kind=kind)  # type: ignore[arg-type]
        for step in (0, 999, -999):
            moved = overlays.scroll(overlay, step, frame(seen(make_status()), width, height))
            assert len(overlays.draw(moved, frame(seen(make_status()), width, height))) <= height


@pytest.mark.parametrize("width", [38, 76, 116, 246])
def test_bars_and_ends_of_lines_fill_the_panel_exactly(width: int):
    for line in progress.draw(frame(seen(make_status()), width, 7)):
        assert width_of(line) in (0, width)


def test_an_unfinished_run_never_has_a_full_bar():
    almost = progress.draw(frame(seen(make_status(progress=0.9999)), 60, 7))[1]
    done = progress.draw(frame(seen(make_status(progress=1.0)), 60, 7))[1]
    assert almost[0].text.count("━") == 59
    assert done[0].text.count("━") == 60


def test_every_state_is_told_in_words():
    for state in (*STATE_ROLES, "waiting"):
        first_line = header.draw(
            frame(View(state=state, source="x", run_id="r", has_status=True), 80, 1)
        )
        assert state in "".join(span.text for span in first_line[0])


def test_figures_that_have_no_room_are_counted():
    many = {f"metric_{i}": i for i in range(30)}
    lines = training.draw(frame(seen(make_status(metrics=many)), 40, 10))
    assert "and 21 more" in lines[-1][0].text


def test_the_command_that_resumes_is_never_cut():
    command = "blobmaster train --resume --checkpoint-dir " + "/very/long" * 20
    shown = seen(make_status(state="paused", resume_command=command))
    text = ["".join(s.text for s in line) for line in notices.draw(frame(shown, 40, 5))]
    assert command in "".join(text)


def test_a_long_sentence_is_wrapped_and_a_longer_one_ends_visibly():
    reason = "LossError: the loss is nan; " * 4
    lines = notices.draw(frame(seen(make_status(state="failed", error=reason)), 60, 5))
    text = ["".join(span.text for span in line) for line in lines]
    assert all(len(line) < 60 for line in text)
    assert " ".join("".join(text).split()).startswith(f"failed: {reason.strip()}")
    endless = notices.draw(frame(seen(make_status(state="failed", error="x " * 500)), 60, 5))
    assert "".join(span.text for span in endless[2]).endswith("…")


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
@pytest.mark.parametrize(("width", "height"), [(16, 3), (36, 5), (120, 20), (5, 2), (40, 1)])
def test_charts_fill_their_room_and_no_more(glyphs: Glyphs, width: int, height: int):
    for values in ([1.0], [3.0, 3.0], [0.0, -1e308, 1e308], [1e-9, 2e-9], list(range(5000))):
        shown = charts({"elo": curve("elo", *values), "loss": curve("loss", *values)})
        for chart in shown:
            lines = draw(chart, width, height, glyphs)
            assert len(lines) in (0, 1, height)
            assert all(width_of(line) == width for line in lines if len(lines) == height > 1)
            assert legend(chart)


def test_a_rising_curve_rises_from_left_to_right():
    lines = draw(charts({"x": curve("x", *range(100))})[0], 40, 10, ASCII)
    text = ["".join(span.text for span in line) for line in lines]
    stars = [(line.index("*"), -row) for row, line in enumerate(text)]
    assert stars == sorted(stars, reverse=True)
    assert text[0].startswith("99 ")
    assert text[-1].startswith(" 0 ")


def test_the_charts_of_a_plain_loop_are_its_own_metrics():
    assert [chart.title for chart in charts({"accuracy": curve("accuracy", 1, 2)})] == ["accuracy"]
    blob = {
        name: curve(name, 1, 2)
        for name in (
            *("rounds_per_minute", "points_vs_random", "points_vs_random_low"),
            *("points_vs_random_high", "loss", "elo", "elo_low", "elo_high", "decisions"),
        )
    }
    assert [chart.title for chart in charts(blob)] == [
        *("Elo", "loss", "points", "rounds/min", "decisions")
    ]


def test_how_far_the_one_card_round_is_from_an_equilibrium_is_told_and_drawn():
    metrics = {"one_card_nash_conv": 0.2134, "one_card_nash_conv_drawn": 1.5}
    shown = seen(make_status(metrics=metrics))
    assert "NashConv 0.213, drawn 1.5" in drawn(shown, 80, 30, UNICODE)
    (chart,) = charts({name: curve(name, value) for name, value in metrics.items()})
    assert chart.title == "one-card NashConv"
    assert len(chart.curves) == 2


def test_an_ascii_screen_is_ascii_in_every_state():
    for state in STATE_ROLES:
        shown = View(**{**vars(seen(make_status())), "state": state, "why": "—…“×π"})
        assert to_ascii(drawn(shown, 80, 20, ASCII)).isascii()


@pytest.mark.parametrize(
    ("environment", "glyphs"),
    [
        ({}, UNICODE),
        ({"LANG": "de_DE.UTF-8"}, UNICODE),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "C"}, ASCII),
        ({"LC_CTYPE": "en_US.ISO-8859-1", "LANG": "en_US.UTF-8"}, ASCII),
    ],
)
def test_the_locale_decides_between_unicode_and_ascii(environment: dict[str, str], glyphs: Glyphs):
    assert glyphs_for(environment) is glyphs


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
_fields = st.sampled_from(sorted(json.loads(encode(make_status()))))


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(_fields, _json, max_size=4), st.integers(1, 200), st.integers(1, 40))
def test_any_status_that_decodes_can_be_shown(changes: dict[str, Any], width: int, height: int):
    raw = {**json.loads(encode(make_status())), **changes}
    try:
        status = decode(json.dumps(raw).encode())
    except StatusError as refused:
        check_refusal(refused)
        return
    shown = view(reading(status), SOURCE)
    drawn(shown, width, height)
    plain.page(shown)
    plain.change_line(shown)
    plain.as_json(shown)


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=200) | st.integers(0, 2000).map(lambda n: encode(make_status())[:n]))
def test_any_bytes_are_a_status_or_one_clear_line(data: bytes):
    try:
        status = decode(data)
    except StatusError as refused:
        check_refusal(refused)
    else:
        plain.page(view(reading(status), SOURCE))


def check_refusal(refused: StatusError) -> None:
    assert "\n" not in str(refused)


WHOLE: dict[str, Any] = {
    **json.loads(encode(make_status())),
    "disk": {"free_bytes": 9, "total_bytes": 99, "low": True, "hours_left": 5.0, "folder": None},
    "machine": {
        **{"cpu_percent": 50.0, "cores": 2, "load1": 1.5, "workers": 2, "rss_bytes": 10**9},
        **{"memory_used_bytes": 10**9, "memory_total_bytes": 10**10},
        "gpu": {"percent": 50, "memory_used_bytes": 10**9, "memory_total_bytes": 10**10},
    },
    "cluster": {
        "hosts": [{"name": "a", "actors": 2, "units_per_minute": 9.0, "answered_at": 1.0}],
        **{"host_count": 3, "actors": 6, "units_per_minute": 20.0, "unit": "rounds"},
        **{"lost_blocks": 1, "repeated_blocks": 1},
    },
    "last_checkpoint": {
        **{"name": "x.pth", "path": "cache/x.pth", "iteration": 150, "bytes": 10**8},
        **{"saved_at": 1.0, "permanent": False},
    },
    **{f"{metric.name}{end}": 1.0 for metric in METRICS for end in ("", "_low", "_high")},
    **{"phase": "rounds", "unit_type": "rounds", "mcts_config": "3×35", "reward": 1.0},
}
"""A status with every field that a reader shows."""


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the path to every number."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, key))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path


@pytest.mark.parametrize("number", [1e308, -1e308, 1e30, 2**63 - 1, -(2**63)])
def test_no_number_of_a_status_fills_a_line_with_its_digits(number: float):
    for *way, last in places(WHOLE):
        if last == "schema":
            continue
        odd = json.loads(json.dumps(WHOLE))
        inner = odd
        for key in way:
            inner = inner[key]
        inner[last] = number
        shown = seen(decode(json.dumps(odd).encode()))
        page = parts.Shown(view=shown, now=1.7e9, interval=5.0, can_write=True)
        for text in (
            *(plain.page(shown), plain.change_line(shown), listing.page([shown])),
            *(drawn(shown, 40, 30), drawn(shown, 80, 30)),
            *(part.draw(page) for part in parts.RUN_PARTS),
        ):
            assert not re.search(r"[\d,]{22}", text), (*way, last, text)
            assert not re.search(r"\b(nan|inf)\b", text), (*way, last, text)


@pytest.mark.parametrize("width", [16, 18, 20, 22, 30])
def test_a_chart_whose_labels_leave_no_room_shows_the_newest_values(width: int):
    (chart,) = charts({"x": curve("x", 0.0, -123456789012345.0)})
    for line in draw(chart, width, 5, UNICODE):
        assert "".join(span.text for span in line).strip()
