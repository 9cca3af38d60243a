"""The file for a textfile collector: its format, its values and its lifetime."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from monitor_terminal import make_status, monitor_command, put, run_monitor_plainly
from terminals import DEADLINE_S, ENVIRONMENT

from blobmaster.monitor.options import MonitorOptions
from blobmaster.monitor.prometheus.exposition import MOST_OWN, STATES, exposition
from blobmaster.monitor.read.run_reader import RunReader
from blobmaster.monitor.view import View, view
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.status.schema import Disk, LastCheckpoint, Machine, decode, encode

Samples = dict[str, dict[tuple[tuple[str, str], ...], float]]

_SAMPLE = re.compile(r"(\w+)\{((?:\w+=\"(?:[^\"\\]|\\[\\\"n])*\",?)*)\} (\S+)")
_LABEL = re.compile(r"(\w+)=\"((?:[^\"\\]|\\.)*)\"")


def parsed(text: str) -> Samples:
    """Parse samples by metric and labels; fail on anything that a collector would refuse."""
    found: Samples = {}
    described: list[str] = []
    assert text.endswith("\n")
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            described.append(line.split(" ")[2])
            assert described.count(described[-1]) == 1, f"{line}: samples are not together"
            assert line.split(" ", 3)[3]
        elif line.startswith("# TYPE "):
            assert line == f"# TYPE {described[-1]} gauge"
        else:
            match = _SAMPLE.fullmatch(line)
            assert match is not None, line
            assert match[1] == described[-1]
            assert re.fullmatch(r"blobmaster_[a-zA-Z0-9_]+", match[1])
            labels = tuple(sorted(_LABEL.findall(match[2])))
            assert labels not in found.setdefault(match[1], {}), f"twice: {line}"
            found[match[1]][labels] = float(match[3])
    return found


def look(layout: RunLayout) -> View:
    """Return the view of one reading."""
    source = RunReader(MonitorOptions(status_file=layout.status), extent="recent")
    return view(source.read(), layout.status)


def gauges(*views: View) -> Samples:
    return parsed(exposition(views, 1e9))


def value(samples: Samples, name: str) -> float:
    """Return the value of a metric with a single sample."""
    (found,) = samples[f"blobmaster_{name}"].values()
    return found


def states(samples: Samples) -> dict[str, float]:
    return {dict(labels)["state"]: value for labels, value in samples["blobmaster_state"].items()}


def full_status(**changes: Any) -> Any:
    saved = LastCheckpoint(
        name="a.pth", path="cache/a.pth", iteration=150, bytes=70, saved_at=0.0, permanent=True
    )
    machine = Machine(
        cpu_percent=50.0,
        cores=2,
        load1=1.5,
        memory_used_bytes=4,
        memory_total_bytes=8,
        rss_bytes=2,
        workers=2,
        gpu={"percent": 93.0, "name": "H100"},
    )
    disk = Disk(free_bytes=10, total_bytes=20, low=True, hours_left=2.0)
    return make_status(**{"last_checkpoint": saved, "machine": machine, "disk": disk, **changes})


def test_every_number_of_the_view_is_a_gauge(layout: RunLayout):
    put(layout, full_status())
    samples = gauges(look(layout))
    expected = {
        **{"iteration": 151, "total_iterations": 500, "progress": 0.3, "seq": 1000},
        **{"elapsed_seconds": 180_000, "eta_seconds": 415_800, "iteration_seconds_left": 34},
        **{"step_done": 2310, "step_total": 4400, "step_rate": 61.2, "step_seconds_left": 34},
        **{
            "elo": 1412,
            "elo_change": 12.3,
            "elo_low": 1390,
            "loss": 1.2345,
            "pi_target_tau": 0.774,
        },
        **{"learning_rate": 8.4e-4, "training_units_generated": 4400, "rounds_per_minute": 3660},
        **{"disk_free_bytes": 10, "disk_low": 1, "disk_seconds_left": 7200, "cpu_ratio": 0.5},
        **{"memory_used_bytes": 4, "trainer_resident_bytes": 2, "workers": 2, "gpu": 93},
        **{"last_checkpoint_iteration": 150, "last_checkpoint_permanent": 1, "checkpoints": 0},
        **{"monitor_looked_at_seconds": 1e9, "status_readable": 1, "state_confirmed": 1},
    }
    assert {name: value(samples, name) for name in expected} == expected


def test_the_state_is_one_hot_over_every_word_of_the_monitor(layout: RunLayout):
    put(layout, make_status())
    shown = look(layout)
    for state in STATES:
        found = states(gauges(replace(shown, state=state)))
        assert set(found) == set(STATES)
        assert [word for word, value in found.items() if value] == [state]


def test_every_sample_tells_the_run_and_its_folder(layout: RunLayout):
    put(layout, full_status())
    for by_labels in gauges(look(layout)).values():
        for labels in by_labels:
            told = dict(labels)
            assert told["run_id"] == "20251113-a1b2c3"
            assert told["directory"] == str(layout.root)


MOMENTARY = ("eta_seconds", "step_done", "cpu_ratio", "disk_free_bytes", "iteration_seconds_left")


def test_a_dead_run_says_so_and_shows_no_moment_of_its_life(layout: RunLayout):
    child = subprocess.Popen(["/bin/true"])
    child.wait()
    put(layout, full_status(pid=child.pid, heartbeat_at=time.time() - 500))
    samples = gauges(look(layout))
    assert states(samples)["dead"] == 1
    assert states(samples)["running"] == 0
    assert 499 < value(samples, "status_age_seconds") < 600
    assert value(samples, "elo") == 1412
    assert value(samples, "iteration") == 151
    assert not {f"blobmaster_{name}" for name in MOMENTARY} & samples.keys()


def test_a_remote_run_not_seen_to_move_has_no_age_and_no_moment(layout: RunLayout):
    put(layout, full_status(host="elsewhere", boot_id="another"))
    samples = gauges(look(layout))
    assert value(samples, "state_confirmed") == 0
    assert "blobmaster_status_age_seconds" not in samples
    assert not {f"blobmaster_{name}" for name in MOMENTARY} & samples.keys()


def test_a_status_that_cannot_be_read_any_more_is_not_passed_off_as_read(layout: RunLayout):
    put(layout, full_status(heartbeat_at=time.time() - 7))
    source = RunReader(MonitorOptions(status_file=layout.status), extent="recent")
    source.read()
    layout.status.write_text("half")
    samples = gauges(view(source.read(), layout.status))
    assert value(samples, "status_readable") == 0
    assert value(samples, "status_age_seconds") >= 7
    assert not {f"blobmaster_{name}" for name in MOMENTARY} & samples.keys()


@pytest.mark.parametrize(("content", "state"), [(None, "waiting"), ("{", "unreadable")])
def test_no_run_is_a_state_without_figures(layout: RunLayout, content: str | None, state: str):
    if content is not None:
        layout.status.write_text(content)
    samples = gauges(look(layout))
    assert states(samples)[state] == 1
    assert "blobmaster_iteration" not in samples


def test_a_loops_own_metric_never_takes_the_name_of_another_gauge(layout: RunLayout):
    own = {"cores": 7.0, "a/b": 1.0, "a.b": 2.0, "π": 3.0, "on": True, "none": None, "t": "x"}
    put(layout, make_status(metrics={**own, "vs": {"random": 6.5}}))
    samples = gauges(look(layout))
    assert "blobmaster_cores" not in samples
    assert (value(samples, "a_b"), value(samples, "_")) == (1.0, 3.0)
    assert value(samples, "vs_random") == 6.5


def test_a_loop_of_a_thousand_metrics_makes_a_bounded_number_of_series(layout: RunLayout):
    put(layout, make_status(metrics={}))
    none = len(gauges(look(layout)))
    put(layout, make_status(metrics={f"m{i}": float(i) for i in range(1000)}))
    assert len(gauges(look(layout))) == none + MOST_OWN


names = st.text(st.characters(blacklist_categories=("Cs",)))


@given(names, names, st.dictionaries(names, st.floats() | names | st.integers(), max_size=5))
def test_whatever_a_run_says_the_file_keeps_its_format(
    run_id: str, step: str, metrics: dict[str, Any]
):
    status = full_status(metrics=metrics, run_id=run_id, host=step)
    named = msgspec.structs.replace(status.step, name=step, unit=run_id)
    told = decode(encode(msgspec.structs.replace(status, step=named)))
    shown = View(
        state="running",
        source='/runs/“a"\\\udcff\n/status.json',
        has_status=True,
        run_id=told.run_id,
        host=told.host,
        step=told.step,
        metrics=told.metrics,
        iteration=10**400,
    )
    gauges(shown)


def test_several_runs_share_each_metrics_description(layout: RunLayout):
    shown = []
    for name in ("a", "b"):
        run = RunLayout(layout.root / name)
        run.root.mkdir()
        put(run, make_status())
        shown.append(look(run))
    assert len(gauges(*shown)["blobmaster_elo"]) == 2


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """The collector's file, outside of the run directory."""
    folder = tmp_path / "collected"
    folder.mkdir()
    return folder / "blobmaster.prom"


Keep = Callable[[], subprocess.Popen[str]]


@pytest.fixture
def keep(layout: RunLayout, target: Path) -> Iterator[Keep]:
    """Starts a monitor that keeps the file current."""
    started: list[subprocess.Popen[str]] = []

    def begin() -> subprocess.Popen[str]:
        command = monitor_command(layout, prometheus=target, refresh_interval=0.1)
        started.append(
            subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, **ENVIRONMENT},
            )
        )
        return started[-1]

    yield begin
    for child in started:
        child.kill()
        child.communicate()


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def kept(target: Path) -> Samples:
    """Return the samples that a collector would read now."""
    return parsed(target.read_text()) if target.exists() else {"blobmaster_iteration": {(): -1}}


def test_the_file_follows_the_run_and_readers_see_it_whole(
    layout: RunLayout, target: Path, keep: Keep
):
    put(layout, make_status())
    child = keep()
    for iteration in (151, 152, 153):
        put(layout, make_status(iteration=iteration, seq=iteration))
        wait_until(lambda iteration=iteration: value(kept(target), "iteration") == iteration)
    assert stat.S_IMODE(target.stat().st_mode) & 0o044 == 0o044
    assert child.poll() is None
    assert [path.name for path in target.parent.iterdir() if path.suffix == ".prom"] == [
        target.name
    ]


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)]
)
def test_a_monitor_that_leaves_takes_its_file_with_it(
    layout: RunLayout, target: Path, keep: Keep, number: signal.Signals, status: int
):
    put(layout, make_status())
    child = keep()
    wait_until(target.exists)
    child.send_signal(number)
    said = child.communicate(timeout=DEADLINE_S)
    assert (child.returncode, *said) == (status, "", "")
    assert list(target.parent.iterdir()) == []
    assert layout.status.exists()


def test_a_trainer_that_is_killed_is_dead_in_the_file(layout: RunLayout, target: Path, keep: Keep):
    trainer = subprocess.Popen(["/bin/sleep", "600"])
    ours = make_status()
    put(
        layout,
        msgspec.structs.replace(
            ours, pid=trainer.pid, process_started_at=time.time(), process_start_ticks=0
        ),
    )
    keep()
    wait_until(lambda: "blobmaster_step_done" in kept(target))
    trainer.kill()
    trainer.wait()
    wait_until(lambda: states(kept(target))["dead"] == 1)
    assert "blobmaster_step_done" not in kept(target)


def test_what_cannot_be_written_is_said_once_and_tried_again(
    layout: RunLayout, target: Path, keep: Keep
):
    put(layout, make_status())
    child = keep()
    wait_until(target.exists)
    target.unlink()
    aside = target.parent.rename(layout.root / "aside")
    assert child.stderr is not None
    assert "cannot write" in child.stderr.readline()
    aside.rename(target.parent)
    wait_until(target.exists)
    child.send_signal(signal.SIGTERM)
    assert child.communicate(timeout=DEADLINE_S) == ("", "")


def once(layout: RunLayout, target: Path) -> subprocess.CompletedProcess[str]:
    return run_monitor_plainly(layout, once=True, prometheus=target)


def test_once_writes_the_file_prints_nothing_and_ends_with_the_states_status(
    layout: RunLayout, target: Path
):
    put(layout, make_status())
    found = once(layout, target)
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")
    assert states(kept(target))["running"] == 1
    layout.status.unlink()
    assert once(layout, target).returncode == 12
    assert states(kept(target))["waiting"] == 1


def test_a_file_that_holds_something_else_is_never_replaced(layout: RunLayout):
    put(layout, make_status())
    layout.log.write_text("10:00 INFO days of work\n")
    for taken in (layout.log, layout.status, layout.root):
        before = taken.read_bytes() if taken.is_file() else b""
        found = once(layout, taken)
        assert (found.returncode, found.stdout) == (2, "")
        assert found.stderr.count("\n") == 1
        assert taken.is_dir() or taken.read_bytes() == before


def test_a_folder_that_is_missing_is_said_in_one_line(layout: RunLayout, tmp_path: Path):
    put(layout, make_status())
    found = once(layout, tmp_path / "none" / "a.prom")
    assert (found.returncode, found.stderr.count("\n")) == (2, 1)
    assert "no folder" in found.stderr


@pytest.mark.parametrize("other", ["plain", "json"])
def test_a_form_that_prints_is_refused_beside_the_file(other: str):
    with pytest.raises(ValueError, match="--prometheus"):
        MonitorOptions(prometheus=Path("a.prom"), **{other: True})


def test_the_command_takes_the_file_and_refuses_it_beside_another_form(
    layout: RunLayout, target: Path
):
    put(layout, make_status())
    command = [sys.executable, "-m", "blobmaster", "monitor", "--checkpoint-dir", str(layout.root)]
    pending = [*command, "--once", "--prometheus", str(target)]
    assert subprocess.run(pending, capture_output=True, check=True).stdout == b""
    assert value(kept(target), "elo") == 1412
    refused = subprocess.run([*pending, "--plain"], capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "--prometheus" in refused.stderr
