"""The report: one file for any run directory that loads nothing and stays under a megabyte."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_run import IDENTITY, history_row, save_checkpoint, write_run
from monitor_terminal import make_status, put
from terminals import DEADLINE_S

from blobmaster.monitor.charts import charts
from blobmaster.monitor.options import MonitorOptions
from blobmaster.monitor.read.curves import EXTREMES, POINTS, Curve, History
from blobmaster.monitor.report.command import run_report
from blobmaster.monitor.report.figure import Trace, evenly_spaced, figure, ticks, traces
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.status.schema import Alert

MOST_BYTES = 1_000_000
EVIL = "</title></style><script src='//evil.example/x.js'>alert(1)</script>\x1b[31m\x00&amp;\"'"


def made(layout: RunLayout, target: Path) -> str:
    """Return the report's text; it is checked to be small and well-formed."""
    assert run_report(MonitorOptions(status_file=layout.status), target) == 0
    assert target.stat().st_size <= MOST_BYTES
    page = target.read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>\n")
    ElementTree.fromstring(page)
    return page


def typed(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command as typed in a shell."""
    command = [sys.executable, "-m", "blobmaster", "report", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)


def text_of(page: str) -> str:
    """Return the visible text on one line."""
    body = ElementTree.fromstring(page).find("body")
    assert body is not None
    return " ".join(" ".join(body.itertext()).split())


def figures(page: str) -> dict[str, ElementTree.Element]:
    return {str(f.findtext(".//h3")): f for f in ElementTree.fromstring(page).iter("figure")}


@pytest.fixture
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report's folder, outside of the run directory."""
    return tmp_path_factory.mktemp("reports") / "report.html"


def test_a_checkpoint_that_was_rated_before_tells_its_corrected_elo(
    layout: RunLayout, target: Path
):
    pool = {"iter150": [1550.3, 1520.0, 1560.0], "iter145": [1511.6, 1490.0, 1530.0]}
    write_run(layout, metrics={"pool": pool | {"iter140": "?"}})
    page = made(layout, target)
    assert "1545 (now 1512)" in page
    assert "1540<" in page
    assert "1550<" in page


def test_it_tells_everything_that_the_run_left(layout: RunLayout, target: Path):
    write_run(layout, state="finished", iteration=500, progress=1.0)
    page = made(layout, target)
    shown = figures(page)
    assert list(shown) == ["Elo rating", "Losses", "Points against fixed players", "Speed"]
    for name, figure_ in shown.items():
        drawing = figure_.find(".//svg[@role='img']")
        assert drawing is not None, name
        assert "by iteration" in drawing.attrib["aria-label"]
        assert len(figure_.findall(".//tbody/tr")) == 12
        assert "iteration" in " ".join(drawing.itertext())
    elo = ElementTree.tostring(shown["Elo rating"], encoding="unicode")
    assert 'class="band c0"' in elo
    assert "<title>iteration 150: Elo 1511 (1489–1533)</title>" in elo
    read = text_of(page)
    for said in (
        *("finished", IDENTITY.run_id, "500 of 500", "100.0 %", "1412 (+12) 1390–1433"),
        *("8.52 points, 61 % exact", "batch 1024", "learning rate 0.001", "4,900,000", "seed 7"),
        *("iter150-elo1550.pth – what --resume takes", "for good", "newest four", "1 h 00 min"),
        *(str(layout.status), "Made 20"),
    ):
        assert said in read, said


def test_it_loads_nothing_from_anywhere(layout: RunLayout, target: Path):
    write_run(
        layout, state="finished", host=EVIL, metrics={"loss": 1.0, "phase": "https://evil.example/"}
    )
    page = made(layout, target)
    elements = list(ElementTree.fromstring(page).iter())
    assert not {e.tag for e in elements} & {"script", "link", "img", "iframe", "object", "image"}
    attributes = {name for e in elements for name in e.attrib}
    assert not {n for n in attributes if n in ("src", "href", "srcset") or n.startswith("on")}
    styles = "".join(e.text or "" for e in elements if e.tag == "style")
    styles += "".join(e.attrib["style"] for e in elements if "style" in e.attrib)
    assert not any(word in styles.lower() for word in ("url(", "@import", "//", "image-set"))
    policies = [e.attrib["content"] for e in elements if "http-equiv" in e.attrib]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_a_runs_own_texts_stay_text(layout: RunLayout, target: Path):
    write_run(
        layout,
        run_id=EVIL,
        host=EVIL,
        state="failed",
        error=EVIL,
        resume_command=EVIL,
        alerts=[Alert(kind=EVIL, level=EVIL, message=EVIL, since=0.0)],
        metrics={EVIL: EVIL, "phase": EVIL, EVIL + "2": 3.0},
    )
    layout.history.write_bytes(b"".join(history_row(n, **{EVIL: n}) for n in range(1, 9)))
    save_checkpoint(layout, 155, {EVIL: {EVIL: EVIL}, "deep": {"x": [{"y": [EVIL]}]}, "n": None})
    page = made(layout, target)
    assert "<script" not in page
    assert not set(page) & set("\x1b\x00")
    assert text_of(page).count("<script src='//evil.example/x.js'>") >= 8
    assert [e.tag for e in ElementTree.fromstring(page)] == ["head", "body"]


def torn(layout: RunLayout) -> None:
    write_run(layout)
    rows = layout.history.read_bytes()
    foreign = b'\x00\xff{"iteration": "x"}\n[1,2]\n{"iteration": 7, "lo\n'
    layout.history.write_bytes(rows[:5000] + foreign + rows[9000:-20])


def without(name: str) -> Any:
    def remove(layout: RunLayout) -> None:
        write_run(layout)
        path = layout.root / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return remove


def damaged(layout: RunLayout) -> None:
    write_run(layout)
    for path in (*layout.permanent.iterdir(), *layout.cache.iterdir()):
        path.write_bytes(path.read_bytes()[:-30])


def garbage(layout: RunLayout) -> None:
    write_run(layout)
    layout.status.write_bytes(b"{" * 5000)
    layout.history.unlink()
    layout.history.mkdir()


def dead(layout: RunLayout) -> None:
    write_run(layout, pid=2**22 + 1)


@pytest.mark.parametrize(
    ("prepare", "says"),
    [
        (
            lambda _: None,
            ("waiting", "No iteration is finished", "There is none", "No checkpo"),
        ),
        (lambda layout: put(layout, make_status()), ("running", "No iteration is finished")),
        (torn, ("running", "Elo rating", "Losses")),
        (without("history.jsonl"), ("running", "No iteration is finished", "batch 1024")),
        (without("permanent"), ("running", "Elo rating", "newest four")),
        (without("status.json"), ("waiting", "Elo rating", "batch 1024", "what --resume takes")),
        (damaged, ("cannot be read: it is damaged", "No checkpoint tells them")),
        (garbage, ("unreadable", "not valid JSON", "batch 1024")),
        (dead, ("dead", "is gone without a word", "Go on with it: blobmaster train --resume")),
    ],
)
def test_any_state_of_the_directory_has_a_report(
    layout: RunLayout, target: Path, prepare: Any, says: tuple[str, ...]
):
    prepare(layout)
    read = text_of(made(layout, target))
    for said in says:
        assert said in read, said


def test_a_hundred_thousand_iterations_stay_under_a_megabyte_with_their_peaks(
    layout: RunLayout, target: Path
):
    write_run(layout)
    normal = [history_row(number) for number in range(1, 101)]
    rows = [normal[n % 100].replace(b'"iteration":%d,' % (n % 100 + 1), b"") for n in range(100)]
    with layout.history.open("wb") as file:
        for number in range(1, 100_001):
            row = rows[(number - 1) % 100]
            if number == 77_777:
                row = row.replace(b'"rounds_per_minute":36', b'"rounds_per_minute":986')
            file.write(b'{"iteration":%d,' % number + row[1:])
    page = made(layout, target)
    speed = figures(page)["Speed"]
    assert {"80,000", "100,000"} <= {label.text for label in speed.iter("text")}


@pytest.mark.parametrize("count", [1, 1023, 1024, 1025, 4096, 20_001])
def test_thinning_to_extremes_loses_no_peak_and_keeps_the_order(layout: RunLayout, count: int):
    chance = random.Random(count)
    values = [chance.gauss(0, 1) for _ in range(count)]
    row = '{"iteration":%d,"run_id":"r","timestamp":"","elapsed_hours":1,"x":%r}\n'
    layout.history.write_text("".join(row % place for place in enumerate(values)))
    history = History(layout.history, EXTREMES)
    history.refresh()
    points = history.curves["x"].points
    assert len(points) <= 2 * POINTS + 2
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert {min(values), max(values)} <= {y for _, y in points}


def test_curves_beyond_the_room_are_counted_and_the_page_stays_under_a_megabyte(
    layout: RunLayout, target: Path
):
    put(layout, make_status(state="finished"))
    names = [f'"{"long metric <name> " * 3}{n}":%d' for n in range(45)]
    row = '{"iteration":%d,"run_id":"r","timestamp":"","elapsed_hours":1,' + ",".join(names) + "}\n"
    with layout.history.open("w") as file:
        for number in range(1, POINTS * 2):
            file.write(row % (number, *(number * 7919 * (n + 1) % 1009 for n in range(45))))
    read = text_of(made(layout, target))
    assert "more curves have no room here" in read


def test_a_plain_loop_has_its_own_metrics_as_curves(layout: RunLayout, target: Path):
    put(layout, make_status(metrics={"loss": 0.1, "top1_accuracy": 0.9}))
    plain = (
        b'{"iteration":%d,"run_id":"r","timestamp":"","elapsed_hours":1,"loss":%d,"top1_a":%d}\n'
    )
    layout.history.write_bytes(b"".join(plain % (n, 9 - n, n) for n in range(1, 8)))
    page = made(layout, target)
    assert list(figures(page)) == ["Losses", "top1 a"]
    assert "Elo" not in text_of(page)


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("nowhere/report.html", "there is no folder"),
        ("", "is not a regular file"),
        ("history.jsonl", "holds something else"),
        ("pipe", "is not a regular file"),
        ("/proc/report.html", "cannot write"),
    ],
)
def test_a_place_that_cannot_be_written_is_refused_in_one_line(
    layout: RunLayout, place: str, says: str, capsys: pytest.CaptureFixture[str]
):
    write_run(layout)
    os.mkfifo(layout.root / "pipe")
    history = layout.history.read_bytes()
    assert run_report(MonitorOptions(status_file=layout.status), layout.root / place) == 2
    found = capsys.readouterr()
    assert (found.out, found.err.count("\n")) == ("", 1)
    assert says in found.err
    assert layout.history.read_bytes() == history


def test_a_report_replaces_a_report_and_leaves_the_run_as_it_was(layout: RunLayout, target: Path):
    write_run(layout)
    before = {path: path.stat() for path in layout.root.rglob("*") if path != layout.status}
    assert "running" in text_of(made(layout, target))
    put(layout, make_status(state="paused"))
    found = typed(layout.root, "-o", target)
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.startswith(f"{target}: ")
    assert "paused" in text_of(target.read_text(encoding="utf-8"))
    after = {path: path.stat() for path in layout.root.rglob("*") if path != layout.status}
    assert {p: (s.st_size, s.st_mtime_ns) for p, s in after.items()} == {
        p: (s.st_size, s.st_mtime_ns) for p, s in before.items()
    }
    assert list(target.parent.iterdir()) == [target]


def test_a_folder_of_several_runs_is_refused_in_one_line(layout: RunLayout, target: Path):
    for name in ("a", "b"):
        write_run(RunLayout(layout.root / name))
    found = typed(layout.root, "-o", target)
    assert (found.returncode, found.stderr.count("\n")) == (2, 1)
    assert f"there are 2 here; name one, such as {layout.root / 'a'}" in found.stderr
    assert not target.exists()


@given(st.floats(-1e12, 1e12), st.floats(1e-6, 1e12))
def test_ticks_are_few_round_and_inside(low: float, span: float):
    span = max(span, 1e-6 * abs(low))
    found = ticks(low, low + span, 6)
    assert len(found) <= 6
    assert all(low - span * 1e-6 <= tick <= low + span * (1 + 1e-6) for tick in found)


@pytest.mark.parametrize("values", [(0.0,), (5.0, 5.0), (1e299, -1e299), (1e-300, 2e-300), (-3, 7)])
def test_any_values_can_be_drawn(values: tuple[float, ...]):
    points = tuple((float(n), value) for n, value in enumerate(values))
    drawn = figure("x", "x", "", [Trace(name="x", points=points)])
    assert "nan" not in drawn
    assert "inf" not in drawn
    ElementTree.fromstring(drawn)


def test_an_interval_with_an_end_too_large_to_draw_is_left_out():
    values = {"elo": 1000.0, "elo_low": 990.0, "elo_high": 1e308}
    curves = {name: Curve(name=name, points=((1.0, value),)) for name, value in values.items()}
    (chart,) = charts(curves)
    (trace,) = traces(chart, curves)
    assert (trace.low, trace.high) == ((), ())
    ElementTree.fromstring(figure("Elo", "", "", [trace]))


def test_thinned_values_keep_both_ends():
    assert evenly_spaced([float(n) for n in range(1000)], 3) == [0.0, 500.0, 999.0]
    assert evenly_spaced([1.0, 1.0, 2.0], 3) == [1.0, 2.0]
    assert Curve(name="x", points=((1.0, 2.0),)).last == 2.0
