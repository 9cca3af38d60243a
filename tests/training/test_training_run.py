"""A whole run from the command line: its files, and two halves that equal one whole."""

from __future__ import annotations

import re
import time
import tomllib
from pathlib import Path

import pytest
from trainer import (
    PATIENCE_S,
    TINY,
    digest_of,
    history_of,
    newest,
    run,
    status_of,
    write_config,
)

from blobmaster.config.compose import compose
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.session import RunSession
from blobmaster.training import trainer
from blobmaster.training.start import new_identity

DOCUMENTED = [
    *("timestamp", "iteration", "total_iterations", "progress", "elapsed_hours", "eta_hours"),
    *("eta_days", "phase", "mcts_config", "elo", "elo_change", "learning_rate", "loss"),
    *("policy_loss", "value_loss", "training_units_generated", "unit_type", "pi_target_tau"),
]


@pytest.fixture(scope="module")
def long_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of 30 iterations."""
    folder = tmp_path_factory.mktemp("long")
    root = folder / "run"
    done = run(
        "train", "--config", write_config(folder), "--iterations", 30, "--checkpoint-dir", root
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return root


def test_thirty_iterations_leave_six_permanent_checkpoints_and_the_newest_four_others(
    long_run: Path,
) -> None:
    layout = RunLayout(long_run)
    permanent = sorted(path.name for path in layout.permanent.iterdir())
    cached = sorted(path.name for path in layout.cache.iterdir())
    name = r"\d{8}-Blobmaster-v1-0\.0M-iter(\d{3})"
    kept = [re.fullmatch(name + r"-elo\d{4}\.pth", found) for found in permanent]
    assert [int(match[1]) for match in kept if match] == [5, 10, 15, 20, 25, 30]
    rotated = [re.fullmatch(name + r"\.pth", found) for found in cached]
    assert [int(match[1]) for match in rotated if match] == [26, 27, 28, 29]
    assert len(permanent) == 6
    assert len(cached) == 4


def test_the_status_of_a_finished_run_has_every_documented_field(long_run: Path) -> None:
    status = status_of(long_run)
    assert set(DOCUMENTED) <= status.keys()
    assert status["state"] == "finished"
    assert (status["iteration"], status["total_iterations"]) == (30, 30)
    assert status["progress"] == 1.0
    assert status["eta_hours"] == 0.0
    assert (status["phase"], status["unit_type"]) == ("rounds", "rounds")
    assert status["mcts_config"] == "lookahead"
    assert status["training_units_generated"] == 24
    for field in ("elo", "elo_change", "learning_rate", "loss", "policy_loss", "value_loss"):
        assert isinstance(status[field], float), field


def test_the_documented_fields_are_there_while_the_kernels_compile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {}

    def compile_until_two_writes(engine: object, network: object, session: RunSession) -> None:
        session.step("compiling kernels")
        first = status_of(tmp_path)["seq"]
        deadline = time.monotonic() + PATIENCE_S
        while status_of(tmp_path)["seq"] < first + 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        seen.update(status_of(tmp_path))

    monkeypatch.setattr(trainer, "warm_up", compile_until_two_writes)
    config = compose(tomllib.loads(TINY))
    with RunSession.open(tmp_path, command="test") as session:
        pipeline = trainer.TrainingPipeline(config, session, workers=1)
        session.begin(new_identity(config), 5, None, "blobmaster train --resume")
        pipeline.prepare(session.first_iteration)
        session.paused()
    assert seen["step"]["name"] == "compiling kernels"
    assert set(DOCUMENTED) <= seen.keys()
    assert (seen["phase"], seen["unit_type"]) == ("rounds", "rounds")
    assert seen["mcts_config"] == "lookahead"
    assert (seen["elo"], seen["loss"]) == (None, None)


def test_the_history_has_each_iteration_once_and_ratings_where_they_were_made(
    long_run: Path,
) -> None:
    rows = history_of(long_run)
    assert [row["iteration"] for row in rows] == list(range(1, 31))
    rated = [5, 10, 15, 20, 25, 30]
    for name in ("elo", "elo_low", "points_vs_random", "one_card_nash_conv"):
        assert [row["iteration"] for row in rows if name in row] == rated


def test_two_halves_equal_one_whole_to_the_bit(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    for root, iterations in ((whole, 6), (halves, 3)):
        done = run(
            "train", "--config", config, "--iterations", iterations, "--checkpoint-dir", root
        )
        assert done.returncode == 0, done.stderr
    hours_of_first_half = status_of(halves)["elapsed_hours"]
    done = run("train", "--resume", "--iterations", 6, "--checkpoint-dir", halves, "--workers", 1)
    assert done.returncode == 0, done.stderr
    assert digest_of(newest(halves)) == digest_of(newest(whole))
    assert newest(halves).name.startswith(newest(whole).name[:-4])
    assert [row["iteration"] for row in history_of(halves)] == [1, 2, 3, 4, 5, 6]
    assert status_of(halves)["elapsed_hours"] > hours_of_first_half
    assert "run.iterations 3 -> 6" in done.stdout


def test_with_gating_a_promoted_network_plays_on_and_halves_equal_the_whole(tmp_path: Path) -> None:
    gated = TINY.replace("earlier = 1", "earlier = 1\npromotion_threshold = 0.1")
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    start = ("train", "--config", write_config(tmp_path, gated), "--checkpoint-dir")
    assert run(*start, whole, "--iterations", 8).returncode == 0
    assert run(*start, halves, "--iterations", 6).returncode == 0
    done = run("train", "--resume", "--iterations", 8, "--checkpoint-dir", halves)
    assert done.returncode == 0, done.stderr
    assert digest_of(newest(halves)) == digest_of(newest(whole))
    rows = history_of(halves)
    assert [row["self_play_network"] for row in rows] == [0] * 4 + [5] * 4
    assert [row.get("promoted") for row in rows] == [None] * 4 + [True] + [None] * 3


def test_with_gating_the_untrained_network_plays_until_another_passes(tmp_path: Path) -> None:
    root = tmp_path / "run"
    done = run(
        "train", "--config", write_config(tmp_path), "--iterations", 6, "--checkpoint-dir", root,
        "--promotion-threshold", 1,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = history_of(root)
    assert [row["self_play_network"] for row in rows] == [0] * 6
    assert rows[4]["promoted"] is False
    assert rows[4]["promotion_share"] < 1
    assert "not promoted" in done.stdout


def test_a_fresh_start_moves_the_earlier_run_aside_whole(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    root = tmp_path / "run"
    arguments = ("train", "--config", config, "--iterations", 2, "--checkpoint-dir", root)
    assert run(*arguments).returncode == 0
    first = digest_of(newest(root))
    run_id = status_of(root)["run_id"]
    again = run(*arguments)
    assert again.returncode == 0
    archived = RunLayout(root).archive / run_id
    assert f"--resume --checkpoint-dir {archived}" in again.stdout
    assert again.stdout.count("the earlier run was moved to") == 1
    assert digest_of(newest(archived)) == first
    assert len(history_of(archived)) == 2
    resumed = run("train", "--resume", "--iterations", 3, "--checkpoint-dir", archived)
    assert resumed.returncode == 0, resumed.stderr
    assert status_of(archived)["run_id"] == run_id


def test_save_every_still_commits_every_fifth_and_the_last(tmp_path: Path) -> None:
    root = tmp_path / "run"
    done = run(
        "train", "--config", write_config(tmp_path), "--iterations", 7, "--save-every", 4,
        "--checkpoint-dir", root,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    layout = RunLayout(root)
    kept = [*layout.permanent.iterdir(), *layout.cache.iterdir()]
    numbers = sorted(
        int(found[1]) for path in kept if (found := re.search(r"iter(\d+)", path.name))
    )
    assert numbers == [4, 5, 7]
    assert [row["iteration"] for row in history_of(root)] == list(range(1, 8))


def test_a_resume_at_the_end_says_how_to_go_on_and_changes_nothing(long_run: Path) -> None:
    before = RunLayout(long_run).status.read_bytes()
    done = run("train", "--resume", "--checkpoint-dir", long_run)
    assert done.returncode == 0
    assert "has all 30 iterations" in done.stdout
    assert "--iterations 60" in done.stdout
    assert RunLayout(long_run).status.read_bytes() == before


def test_a_short_real_run_plays_better_than_the_untrained_network(tmp_path: Path) -> None:
    config = write_config(tmp_path, "[self_play]\nrounds = 600\nrounds_per_block = 60\n")
    root = tmp_path / "run"
    done = run("train", "--fast", "--config", config, "--checkpoint-dir", root)
    assert done.returncode == 0, done.stderr
    status = status_of(root)
    # Both intervals are of points a round above the untrained network, on the same deals.
    assert status["gain_vs_random_low"] > 0
    assert status["gain_vs_heuristic_low"] > 0
    assert status["elo_low"] > 1000


@pytest.mark.parametrize(("window", "warnings"), [(50, 1), (5000, 0)])
def test_a_window_that_cannot_hold_an_iteration_warns_once(
    tmp_path: Path, window: int, warnings: int
) -> None:
    text = TINY.replace("[learning]", f"[learning]\nwindow = {window}")
    config = write_config(tmp_path, text)
    done = run("train", "--config", config, "--iterations", 2, "--checkpoint-dir", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    found = re.findall(
        r"an iteration brings (\d+) decisions.*Set learning.window to at least \1", done.stdout
    )
    assert len(found) == warnings
    assert all(int(decisions) > window for decisions in found)


def test_a_run_until_flat_ends_when_its_ratings_show_no_gain_and_a_resume_ends_at_once(
    tmp_path: Path,
) -> None:
    # With a learning rate of nearly zero, the network gains exactly nothing.
    config = write_config(tmp_path)
    still = ("--learning-rate", 1e-30, "--last-learning-rate", 1e-30)
    root = tmp_path / "run"
    done = run(
        *("train", "--config", config, "--checkpoint-dir", root, "--iterations", 40),
        *("--until-flat", *still),
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert "gained nothing since iteration 5" in done.stdout
    # The first gain is that of iteration 10; the fourth, of iteration 25, is enough.
    assert [row["iteration"] for row in history_of(root)][-1] == 25
    status = status_of(root)
    assert (status["state"], status["flat_since"]) == ("finished", 5)
    assert (status["doubling_gain"], status["doubling_since"]) == (0.0, 10)
    again = run("train", "--resume", "--checkpoint-dir", root)
    assert again.returncode == 0, again.stderr + again.stdout
    assert [row["iteration"] for row in history_of(root)][-1] == 25
