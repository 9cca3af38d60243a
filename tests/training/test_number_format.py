"""The number format of a run: chosen once, logged, kept, and part of the block key."""

from __future__ import annotations

from pathlib import Path

import pytest
from number_formats import skip_unless_possible
from trainer import (
    TINY,
    PausePoint,
    blocks_in_flight,
    digest_of,
    kill,
    newest,
    run,
    start_paused,
    wait_until,
    write_config,
)

from blobmaster.checkpoint.file import read_checkpoint
from blobmaster.run.files.layout import RunLayout

SETTING = 'number_format = "fp32"'


def tiny(number_format: str) -> str:
    return TINY.replace(SETTING, f'number_format = "{number_format}"')


def format_of(root: Path) -> str:
    return read_checkpoint(newest(root)).config.inference.number_format


def test_the_format_that_was_chosen_is_logged_and_kept(tmp_path: Path) -> None:
    root = tmp_path / "run"
    config = write_config(tmp_path, tiny("auto"))
    done = run("train", "--config", config, "--iterations", 1, "--checkpoint-dir", root)
    assert done.returncode == 0, done.stderr
    chosen = format_of(root)
    assert chosen != "auto"
    assert f"self-play's network is in {chosen}: fp32 " in RunLayout(root).log.read_text()
    resumed = run("train", "--resume", "--iterations", 2, "--checkpoint-dir", root)
    assert resumed.returncode == 0, resumed.stderr
    assert "self-play's network" not in resumed.stdout
    assert "number_format" not in resumed.stdout
    assert format_of(root) == chosen


def test_several_blocks_per_worker_change_no_bit(tmp_path: Path) -> None:
    ends = []
    for turns in (1, 2):
        root = tmp_path / str(turns)
        config = write_config(tmp_path, tiny("fp32").replace("[run]", f"[run]\nturns = {turns}"))
        done = run(
            "train", "--config", config, "--iterations", 1, "--workers", 1,
            "--checkpoint-dir", root,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert f"{turns} blocks of" in RunLayout(root).log.read_text()
        ends.append(digest_of(newest(root)))
    assert ends[0] == ends[1]


@pytest.mark.parametrize("number_format", ["bf16", "int8"])
def test_two_halves_in_a_low_precision_format_equal_the_whole_to_the_bit(
    tmp_path: Path, number_format: str
) -> None:
    skip_unless_possible(number_format)
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    config = write_config(tmp_path, tiny(number_format))
    start = ("train", "--config", config, "--checkpoint-dir")
    for arguments in (
        (*start, whole, "--iterations", 2),
        (*start, halves, "--iterations", 1, "--workers", 1),
        ("train", "--resume", "--iterations", 2, "--checkpoint-dir", halves),
    ):
        done = run(*arguments)
        assert done.returncode == 0, done.stderr
    assert digest_of(newest(halves)) == digest_of(newest(whole))


def test_blocks_in_flight_are_played_again_in_another_format(tmp_path: Path) -> None:
    root = tmp_path / "run"
    trainer = start_paused(
        PausePoint("learning", units=0), tmp_path / "never",
        "train", "--config", write_config(tmp_path), "--iterations", 1, "--checkpoint-dir", root,
    )  # fmt: skip
    wait_until(lambda: len(blocks_in_flight(root, iteration=0)) == 3, trainer)
    kill(trainer)
    other = write_config(tmp_path, tiny("bf16"))
    resumed = run("train", "--resume", "--config", other, "--checkpoint-dir", root)
    assert resumed.returncode == 0, resumed.stderr
    assert "inference.number_format fp32 -> bf16" in resumed.stdout
    assert resumed.stdout.count("is played again") == 3
    assert "were played before" not in resumed.stdout
