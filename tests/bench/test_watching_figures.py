"""The monitor's benchmark measures every figure that it promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from blobmaster.bench import watching


@pytest.fixture(autouse=True)
def briefly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Do a hundredth of the work, in a temporary folder."""
    monkeypatch.chdir(tmp_path)
    for name, value in {
        **{"STARTS": 1, "IDLE_S": 2.0, "SETTLE_S": 0.5, "HEARTBEAT_S": 0.5, "KEYS": 2},
        **{"MANY_ROWS": 2000, "POLLS": 300, "TRAINER_S": 1.0},
    }.items():
        monkeypatch.setattr(watching, name, value)


def test_every_figure_of_the_monitor_is_measured(tmp_path: Path) -> None:
    figures = watching.measure_monitor()
    grown = figures.pop("growth_mib_over_10000_polls")
    assert abs(grown) < 50
    assert figures.pop("setting").startswith("120×35")
    assert figures.keys() == {
        *("first_data_ms", "once_ms", "bare_python_ms", "idle_cpu_percent", "idle_bytes_per_s"),
        *("resident_mib", "key_to_frame_p50_ms", "key_to_frame_p99_ms"),
        "resident_mib_with_100000_rows",
    }
    idle = figures.pop("idle_cpu_percent")
    assert 0 <= idle <= 200
    assert figures.pop("idle_bytes_per_s") >= 0
    assert all(value > 0 for value in figures.values()), figures
    assert figures["once_ms"] > figures["bare_python_ms"]
    assert list(tmp_path.iterdir()) == []


def test_the_cost_of_being_watched_is_reported_by_part() -> None:
    figures = watching.measure_watched()
    parts = [value for name, value in figures.items() if name.endswith("of_a_core")]
    assert len(parts) == 3
    assert all(part > 0 for part in parts)
