"""The documented acceptance tests: rotation of checkpoints, the status file, control signals.

They use the real classes on real files, without torch's networks, and take seconds.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest

from blobmaster.run.files.layout import CheckpointName, RunLayout
from blobmaster.run.session import RunIdentity, RunSession
from ml.training.trainer import StatusWriter, TrainingPipeline

IDENTITY = RunIdentity(
    run_id="documented",
    project="Blobmaster",
    architecture=1,
    parameters=4_917_301,
    start_date="20251113",
    seed=0,
)
METRICS = {
    "current_elo": 1234,
    "elo_change": 12,
    "learning_rate": 0.001,
    "avg_total_loss": 1.5,
    "avg_policy_loss": 1.0,
    "avg_value_loss": 0.5,
    "training_units_generated": 2000,
    "unit_type": "rounds",
    "pi_target_tau": 0.9,
}
FIELDS = {
    "timestamp", "iteration", "total_iterations", "progress", "elapsed_hours", "eta_hours",
    "eta_days", "phase", "mcts_config", "elo", "elo_change", "learning_rate", "loss",
    "policy_loss", "value_loss", "training_units_generated", "unit_type", "pi_target_tau",
}  # fmt: skip
WAIT_S = 120.0


def write_state(file: BinaryIO) -> None:
    """Write a tiny state as a zip archive, as `torch.save` does."""
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("state", b"weights")


def train(root: Path, iterations: int) -> int:
    """Train without a network, and return the exit status."""
    with RunSession.open(root, command="test") as session:
        session.begin(IDENTITY, iterations, None, "blobmaster train --resume")
        for iteration in range(iterations):
            session.commit(iteration, write_state, metrics={}, elo=1234.0)
            if session.pause_requested:
                session.paused()
                break
        else:
            session.finish()
    return session.exit_status


def iterations_in(folder: Path) -> list[int]:
    """Return the 1-based iterations of the checkpoints in a folder."""
    names = [CheckpointName.parse(path.name) for path in folder.glob("*.pth")]
    assert None not in names
    return sorted(name.iteration + 1 for name in names if name is not None)


def wait_until_gone(path: Path) -> None:
    """Poll until the file is gone."""
    deadline = time.monotonic() + WAIT_S
    while path.exists():
        assert time.monotonic() < deadline, f"{path} is still there"
        time.sleep(0.01)


class TestTrainingPipeline:
    """The documented name of the training loop."""

    def test_it_is_the_class_that_the_command_trains_with(self) -> None:
        from blobmaster.training.trainer import TrainingPipeline as Real

        assert TrainingPipeline is Real


class TestCheckpointRotation:
    """Every fifth checkpoint stays for good, and of all others the newest four."""

    def test_thirty_iterations_leave_six_permanent_and_four_cached_checkpoints(
        self, tmp_path: Path
    ) -> None:
        assert train(tmp_path, 30) == 0
        assert iterations_in(tmp_path / "permanent") == [5, 10, 15, 20, 25, 30]
        assert iterations_in(tmp_path / "cache") == [26, 27, 28, 29]

    def test_names_have_date_size_iteration_and_on_permanent_ones_the_elo(
        self, tmp_path: Path
    ) -> None:
        train(tmp_path, 6)
        (permanent,) = (tmp_path / "permanent").iterdir()
        assert permanent.name == "20251113-Blobmaster-v1-4.9M-iter005-elo1234.pth"
        cached = {path.name for path in (tmp_path / "cache").iterdir()}
        assert "20251113-Blobmaster-v1-4.9M-iter006.pth" in cached

    def test_a_permanent_checkpoint_is_never_removed(self, tmp_path: Path) -> None:
        train(tmp_path, 5)
        (permanent,) = (tmp_path / "permanent").iterdir()
        before = permanent.read_bytes()
        with RunSession.open(tmp_path, command="test") as session:
            meta = session.store.read(permanent)[1]
            session.begin(IDENTITY, 40, meta, "")
            for iteration in range(session.first_iteration, 40):
                session.commit(iteration, write_state, metrics={}, elo=900.0)
            session.finish()
        assert permanent.read_bytes() == before
        assert iterations_in(tmp_path / "permanent") == list(range(5, 41, 5))


class Curriculum:
    """A config object with a callable, as documented."""

    training_on = "games"

    def get_mcts_params(self, iteration: int) -> tuple[int, int]:
        """Return worlds and simulations."""
        return (1, 15) if iteration < 50 else (2, 25)


class Broken:
    """A config object whose callable fails."""

    training_on = "rounds"

    def get_mcts_params(self, iteration: int) -> tuple[int, int]:
        """Fail."""
        raise ValueError(f"no stage for {iteration}")


class Refusing:
    """A config object whose callable refuses with an error of its own."""

    training_on = "rounds"

    def get_mcts_params(self, iteration: int) -> tuple[int, int]:
        """Fail."""
        raise RuntimeError(f"no stage for {iteration}")


class Fixed:
    """A config object with plain attributes."""

    training_on = "rounds"
    num_determinizations = 3
    simulations_per_determinization = 35


class TestStatusWriter:
    """`StatusWriter` writes every documented field, atomically, and never fails."""

    def test_all_documented_fields_are_there(self, tmp_path: Path) -> None:
        path = tmp_path / "deep" / "folder" / "status.json"
        StatusWriter(str(path)).update(4, 500, METRICS, Fixed())
        found = json.loads(path.read_text())
        assert found.keys() >= FIELDS
        assert found["iteration"] == 5
        assert found["total_iterations"] == 500
        assert found["progress"] == pytest.approx(0.01)
        assert abs(found["timestamp"] - time.time()) < WAIT_S
        assert (found["phase"], found["mcts_config"]) == ("rounds", "3×35")
        assert (found["elo"], found["loss"], found["policy_loss"]) == (1234, 1.5, 1.0)
        assert found["eta_days"] == pytest.approx(found["eta_hours"] / 24)
        assert found["eta_hours"] == pytest.approx(495 * found["elapsed_hours"])

    def test_the_default_is_the_documented_path(self) -> None:
        assert StatusWriter().status_file == Path("models/checkpoints/status.json")

    @pytest.mark.parametrize(
        ("config", "phase", "search"),
        [
            (Curriculum(), "games", "1×15"),
            (Fixed(), "rounds", "3×35"),
            ({"training_on": "rounds"}, "rounds", "unknown"),
            ({"num_determinizations": 5, "simulations_per_determinization": 50}, "unknown", "5×50"),
            (Broken(), "rounds", "unknown"),
            (Refusing(), "rounds", "unknown"),
            (object(), "unknown", "unknown"),
            (7, "unknown", "unknown"),
            (None, "unknown", "unknown"),
        ],
    )
    def test_a_config_is_a_mapping_or_an_object_with_whatever_it_has(
        self, tmp_path: Path, config: object, phase: str, search: str
    ) -> None:
        found = StatusWriter(tmp_path / "status.json").update(0, 500, METRICS, config)
        assert (found["phase"], found["mcts_config"]) == (phase, search)

    @pytest.mark.parametrize("metrics", [{}, None, [1, 2]])
    def test_empty_metrics_give_nulls(self, tmp_path: Path, metrics: Any) -> None:
        StatusWriter(tmp_path / "status.json").update(0, 500, metrics, Fixed())
        found = json.loads((tmp_path / "status.json").read_text())
        assert found["unit_type"] == "rounds"
        numbers = ("elo", "elo_change", "learning_rate", "loss", "policy_loss", "value_loss")
        assert {found[name] for name in (*numbers, "pi_target_tau")} == {None}

    @pytest.mark.parametrize("value", ["high", float("nan"), [1], True, 10**400, object()])
    def test_a_malformed_metric_is_null_and_logged(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture, value: object
    ) -> None:
        with caplog.at_level(logging.WARNING):
            StatusWriter(tmp_path / "status.json").update(
                0, 500, {**METRICS, "avg_total_loss": value}, Fixed()
            )
        found = json.loads((tmp_path / "status.json").read_text())
        assert (found["loss"], found["value_loss"]) == (None, 0.5)
        assert "avg_total_loss" in caplog.text

    @pytest.mark.parametrize("value", ["4", None, float("nan"), 4.5, True, 2**63, [4]])
    def test_a_malformed_iteration_or_total_is_null_and_logged(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture, value: Any
    ) -> None:
        writer = StatusWriter(tmp_path / "status.json")
        with caplog.at_level(logging.WARNING):
            writer.update(value, 500, METRICS, Fixed())
            found = json.loads((tmp_path / "status.json").read_text())
            assert (found["iteration"], found["total_iterations"]) == (None, 500)
            writer.update(4, value, METRICS, Fixed())
            found = json.loads((tmp_path / "status.json").read_text())
            assert (found["iteration"], found["total_iterations"]) == (5, None)
        assert (found["progress"], found["eta_hours"], found["eta_days"]) == (None, None, None)
        assert found["loss"] == 1.5
        assert "left out iteration" in caplog.text
        assert "left out total_iterations" in caplog.text

    def test_counts_of_numpy_are_written_as_plain_numbers(self, tmp_path: Path) -> None:
        writer = StatusWriter(tmp_path / "status.json")
        writer.update(np.int64(4), np.int32(10), {}, None)  # type: ignore[arg-type]
        found = json.loads((tmp_path / "status.json").read_text())
        assert (found["iteration"], found["total_iterations"], found["progress"]) == (5, 10, 0.5)

    def test_ten_quick_updates_end_whole(self, tmp_path: Path) -> None:
        writer = StatusWriter(tmp_path / "status.json")
        for iteration in range(10):
            writer.update(iteration, 10, METRICS, Fixed())
        found = json.loads((tmp_path / "status.json").read_text())
        assert (found["iteration"], found["progress"], found["eta_hours"]) == (10, 1.0, 0.0)
        assert [path.name for path in tmp_path.iterdir()] == ["status.json"]

    # A write waits until each reader's thread had its turn, a fifth of a second.
    @pytest.mark.parametrize("writes", [20, pytest.param(200, marks=pytest.mark.long)])
    def test_a_hundred_readers_see_whole_json(self, tmp_path: Path, writes: int) -> None:
        path = tmp_path / "status.json"
        writer = StatusWriter(path)
        writer.update(0, 10_000, METRICS, Fixed())
        faults: list[Exception] = []
        is_over = threading.Event()

        def read() -> None:
            while not is_over.is_set():
                try:
                    assert json.loads(path.read_bytes()).keys() >= FIELDS
                except Exception as fault:  # noqa: BLE001 (reported below)
                    faults.append(fault)
                    return

        readers = [threading.Thread(target=read) for _ in range(100)]
        for reader in readers:
            reader.start()
        for iteration in range(writes):
            writer.update(iteration, 10_000, METRICS, Fixed())
        is_over.set()
        for reader in readers:
            reader.join()
        assert faults == []

    def test_a_failed_write_is_logged_and_leaves_the_old_file(self, tmp_path: Path) -> None:
        # In another process with a limit on the size of files: root may write anywhere.
        path = tmp_path / "status.json"
        StatusWriter(path).update(0, 500, METRICS, Fixed())
        before = path.read_bytes()
        script = (
            "import logging, resource, signal, sys; logging.basicConfig();"
            "from blobmaster.training.status_file import StatusWriter;"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (16, 16));"
            "StatusWriter(sys.argv[1]).update(1, 500, {}, None)"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, str(path)],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ,
        )
        assert done.returncode == 0, done.stderr
        assert f"cannot write {path}: File too large" in done.stderr
        assert path.read_bytes() == before
        assert [found.name for found in tmp_path.iterdir()] == ["status.json"]


class TestControlSignals:
    """`PAUSE` ends the iteration, commits it, removes the file, and ends with 0."""

    @pytest.mark.parametrize("text", ["PAUSE", "pause\n", "  Pause \r\n", "\tPAUSE\n\n"])
    def test_a_pause_in_any_case_is_obeyed_and_its_file_removed(
        self, tmp_path: Path, text: str
    ) -> None:
        control = RunLayout(tmp_path).control
        with RunSession.open(tmp_path, command="test") as session:
            session.begin(IDENTITY, 500, None, "")
            control.write_text(text)
            wait_until_gone(control)
            deadline = time.monotonic() + WAIT_S
            while not session.pause_requested:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            session.commit(0, write_state, metrics={})
            session.paused()
        assert session.exit_status == 0
        assert not control.exists()
        assert iterations_in(tmp_path / "cache") == [1]
        assert json.loads(RunLayout(tmp_path).status.read_text())["state"] == "paused"

    def test_continue_takes_a_pause_back(self, tmp_path: Path) -> None:
        control = RunLayout(tmp_path).control
        with RunSession.open(tmp_path, command="test") as session:
            session.begin(IDENTITY, 500, None, "")
            for text, is_pausing in (("PAUSE", True), ("CONTINUE", False)):
                control.write_text(text)
                deadline = time.monotonic() + WAIT_S
                while control.exists() or session.pause_requested is not is_pausing:
                    assert time.monotonic() < deadline
                    time.sleep(0.01)

    def test_a_pause_is_heard_once(self, tmp_path: Path) -> None:
        control = RunLayout(tmp_path).control
        with RunSession.open(tmp_path, command="test") as session:
            session.begin(IDENTITY, 500, None, "")
            control.write_text("PAUSE")
            wait_until_gone(control)
            session.commit(0, write_state, metrics={})
            session.paused()
        assert train(tmp_path, 3) == 0
        assert json.loads(RunLayout(tmp_path).status.read_text())["state"] == "finished"
