"""Mistakes on the command line: each gets one line that says what to do, and exit status 2."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import msgspec
import pytest
import torch
from saved_networks import save_network
from trainer import (
    assert_refused,
    digest_of,
    newest,
    run,
    start,
    status_of,
    wait_until,
    write_config,
)

from blobmaster.cli.evaluate import evaluate
from blobmaster.cli.main import main
from blobmaster.run.checkpoints.store import CheckpointStore
from blobmaster.run.errors import CheckpointError
from blobmaster.run.files.layout import RunLayout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "--itertions", "3"], ["--itertions", "--iterations"]),
        (["train", "--iterations", "0"], ["--iterations", "run.iterations", ">= 1"]),
        (["train", "--learning-rate", "nan"], ["--learning-rate", "nan", "finite"]),
        (["train", "--promotion-threshold", "2"], ["--promotion-threshold", "<= 1"]),
        (["train", "--iterations", "many"], ["--iterations", "many"]),
        (["train", "--workers", "-1"], ["--workers", "run.workers", ">= 0"]),
        (["train", "--device", "tpu"], ["--device", "cuda"]),
        (["train", "--device", "cuda"], ["CUDA", "--device cpu"]),
        (["train", "--init-from", "x.pth", "--resume"], ["--init-from", "leave out one"]),
        (
            ["train", "--training-on", "games", "--init-from", "no.pth"],
            ["no.pth", "check the path"],
        ),
        (["train", "--config", "nowhere.toml"], ["nowhere.toml", "No such file", "check the path"]),
        (["train", "--resume"], ["no whole checkpoint", "blobmaster train"]),
        (["train", "--resume", "nowhere.pth"], ["nowhere.pth", "check the path"]),
        (["train", "--resume", "."], ["is a folder", "--resume --checkpoint-dir ."]),
        (["evaluate", "."], ["without a run's checkpoints", "name a checkpoint file"]),
        (["train", "--checkpoint-dir", ""], ["--checkpoint-dir", "empty"]),
        (["train", "--config", ""], ["--config", "empty"]),
        (["train", "--resume", ""], ["--resume", "empty"]),
        (["monitor", "--status-file", ""], ["--status-file", "empty"]),
        (["evaluate", ""], ["empty"]),
        (["train", "--search", "many"], ["--search", "3x35"]),
        (["train", "--search", "0x35"], ["--search", "search.worlds", ">= 1"]),
        (["train", "--search", "100x100"], ["--search", "search.worlds", "<= 64"]),
        (["train", "--search", "3x35", "--decide-by", "lookahead"], ["leave out one"]),
        (["train", "--search", "3x35", "--enable-curriculum"], ["curriculum", "leave out"]),
        (
            ["train", "--training-on", "games", "--decide-by", "search"],
            ["games are played for the win", "lookahead"],
        ),
        (["train", "--training-on", "games", "--search", "3x35"], ["played for the win"]),
        (["fly"], ["fly"]),
        (["monitor", "--refresh-interval", "0"], ["--refresh-interval"]),
        (["checkpoints", "list"], ["no checkpoint", "name a run directory"]),
        (["checkpoints", "list", "nowhere"], ["no checkpoint in nowhere"]),
        (["checkpoints", "verify", "."], ["no checkpoint in .", "name a run directory"]),
        (["settings", "nowhere"], ["nowhere", "check the path"]),
        (["play", "nowhere.pth"], ["nowhere.pth", "check the path"]),
        (["evaluate", "nowhere.pth"], ["nowhere.pth", "check the path"]),
        (["evaluate", "x.pth", "--deals", "0"], ["--deals is 0: choose at least 10 (see"]),
        (["evaluate", "x.pth", "--cards", "99"], ["--cards is 99: choose at most 17 (see"]),
        (
            ["evaluate", "x.pth", "--cards", "17", "--players", "8"],
            ["8 players × 17 cards", "lower --players or --cards"],
        ),
        (["evaluate", "x.pth", "--against"], ["--against", "see blobmaster evaluate --help"]),
        (["settings", "."], ["no whole checkpoint"]),
        (["settings", "--json", "--toml"], ["--json and --toml", "leave out all but one"]),
        (["bench", "luck"], ["luck", "selfplay"]),
    ],
)
def test_a_wrong_command_line_is_refused_in_one_line(
    tmp_path: Path, arguments: list[str], words: list[str]
) -> None:
    assert_refused(run(*arguments, cwd=tmp_path), *words)
    assert [path.name for path in tmp_path.rglob("*.pth")] == []


@pytest.mark.parametrize("said", ["Unable to allocate 2.9 TiB for an array", ""])
def test_a_lack_of_memory_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], said: str
):
    def fail(*_: object, **__: object) -> int:
        raise MemoryError(said)

    monkeypatch.setattr("blobmaster.evaluation.exact.command.run_ground_truth", fail)
    with pytest.raises(SystemExit) as left:
        main(["ground-truth"])
    assert left.value.code == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("blobmaster: not enough memory")
    assert said in lines[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[rating]\ndeals = 2000000\n", ["rating.deals", "<= 1000000"]),
        ("[rating]\nbootstrap = 100000\n", ["rating.bootstrap", "<= 10000"]),
        ("[search]\nworld = 3\n", ["there is no setting `world`", "search"]),
        ("[serch]\nworlds = 3\n", ["there is no setting `serch`", "did you mean `search`?"]),
        ("[run]\niteration = 5\n", ["`iteration` in `run`: did you mean `iterations`?"]),
        ("[run]\nwidth = 5\n", ["`width` in `run`: it belongs to `network`"]),
        ("[learning]\nlearning_rate = nan\n", ["learning.learning_rate is nan", "finite"]),
        ("[learning]\nlearning_rate = inf\n", ["learning.learning_rate is inf", "finite"]),
        ("[self_play]\nopponent_mix = {ducker = nan}\n", ["self_play.opponent_mix.ducker is nan"]),
        (
            "[self_play]\nopponent_mix = {foo = 1.0}\n",
            ["self_play.opponent_mix: there is no 'foo'; choose among noisy-self, underbidder"],
        ),
        ('[search]\nroot = "best"\n', ["search.root: there is no 'best'; choose among puct"]),
        ("[rounds]\nplayers = 4\n", ["rounds.players: expected a table, got `int`"]),
        ("worlds = 3\n", ["`worlds`", "table"]),
        ("[search]\nworlds = 0\n", ["search.worlds", ">= 1"]),
        ("[learning]\nbatch = 10000000000000\n", ["learning.batch", "<= 262144"]),
        ("[self_play]\nrounds = 10000000000000\n", ["self_play.rounds", "<= 100000000"]),
        ('[search]\nworlds = "three"\n', ["search.worlds", "int"]),
        (
            "[rounds]\nplayers = {8 = 1.0}\nmost_cards = {8 = {7 = 1.0}}\n",
            ["8 players × 7 cards", "1 to 6"],
        ),
        ("[rounds]\nplayers = {2 = 1.0}\n", ["3 to 8 players"]),
        ("[rounds]\nplayers = {4 = 0.5}\n", ["sum to 1"]),
        ("[search\n", ["is not TOML"]),
    ],
)
def test_a_wrong_settings_file_is_refused_in_one_line(
    tmp_path: Path, text: str, words: list[str]
) -> None:
    config = write_config(tmp_path, text)
    root = tmp_path / "run"
    assert_refused(run("train", "--config", config, "--checkpoint-dir", root), *words)
    assert not root.exists()


@pytest.mark.parametrize(
    "words",
    [
        ["evaluate", "DIR"],
        ["evaluate", "CHECKPOINT", "--against", "DIR"],
        ["play", "DIR"],
        ["export", "DIR"],
        ["ground-truth", "DIR"],
        ["train", "--training-on", "games", "--init-from", "DIR"],
    ],
    ids=" ".join,
)
def test_a_run_directory_in_place_of_a_checkpoint_is_answered_with_its_newest_whole_one(
    tmp_path: Path, words: list[str]
) -> None:
    root = tmp_path / "run"
    root.mkdir()
    checkpoint = save_network(root)
    damaged = checkpoint.with_name(checkpoint.name.replace("iter005", "iter010"))
    damaged.write_bytes(checkpoint.read_bytes()[:-9])
    named = {"DIR": root, "CHECKPOINT": checkpoint}
    done = run(*(named.get(word, word) for word in words), cwd=tmp_path)
    assert_refused(done, f"{root} is a folder", f"newest whole one is {checkpoint}")


@pytest.mark.parametrize("words", [["settings"], ["evaluate"], ["play"]], ids=" ".join)
def test_a_run_with_damaged_checkpoints_only_is_said_to_be_one(
    tmp_path: Path, words: list[str]
) -> None:
    checkpoint = save_network(tmp_path)
    checkpoint.write_bytes(checkpoint.read_bytes()[:-9])
    assert_refused(run(*words, tmp_path), f"{tmp_path}", "damaged", "only")


def test_a_missing_opponent_is_refused_before_torch_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(request: object) -> int:
        pytest.fail(f"torch would be loaded for {request}")

    monkeypatch.setattr("blobmaster.evaluation.command.run_evaluation", load)
    words = [str(save_network(tmp_path)), "--against", str(tmp_path / "nowhere.pth:3x35")]
    with pytest.raises(CheckpointError, match=r"nowhere\.pth: No such file .*: check the path"):
        evaluate(words, standalone_mode=False)


def test_a_foreign_file_is_refused_as_a_checkpoint(tmp_path: Path) -> None:
    foreign = tmp_path / "holiday.pth"
    foreign.write_bytes(b"a picture of the sea" * 1000)
    root = tmp_path / "run"
    assert_refused(run("train", "--resume", foreign, "--checkpoint-dir", root), "holiday.pth")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({}, "does not hold the state of a run", id="no replay buffer"),
        pytest.param(
            {"learner": {"network": torch.zeros(1 << 20)}},
            "does not hold the state of a run",
            id="a tensor for a network",
        ),
        pytest.param(
            {"config": {"network": {"width": 8192, "blocks": 64}}},
            "does not hold the network",
            id="70 GB in a file of 2 MB",
        ),
    ],
)
def test_a_checkpoint_that_no_trainer_wrote_is_not_resumed(
    tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    checkpoint = save_network(tmp_path, **changes)
    done = run("train", "--resume", "--device", "cpu", "--checkpoint-dir", tmp_path)
    assert_refused(done, str(checkpoint), words)


def test_a_file_where_the_run_directory_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("mine")
    for more in ("--fast", "--resume", "--auto-resume"):
        assert_refused(run("train", more, "--checkpoint-dir", tmp_path / "run"), "Not a directory")
    assert (tmp_path / "run").read_text() == "mine"


def test_a_monitor_without_a_run_says_so_without_a_traceback(tmp_path: Path) -> None:
    done = run("monitor", "--once", "--checkpoint-dir", tmp_path / "nothing")
    assert done.returncode == 12
    assert "nothing" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_trainer_is_refused_with_the_first_ones_pid(tmp_path: Path) -> None:
    root = tmp_path / "run"
    config = write_config(tmp_path)
    arguments = ("train", "--config", config, "--checkpoint-dir", root, "--iterations")
    first = start(*arguments, 300)
    wait_until(lambda: status_of(root).get("iteration", 0) >= 2, first)
    assert_refused(run(*arguments, 5), str(first.pid))
    RunLayout(root).control.write_text("PAUSE\n")
    output, _ = first.communicate()
    assert first.returncode == 0, output


def test_a_resume_cannot_change_fixed_settings(tmp_path: Path) -> None:
    root = tmp_path / "run"
    config = write_config(tmp_path)
    done = run("train", "--config", config, "--iterations", 1, "--checkpoint-dir", root)
    assert done.returncode == 0, done.stderr
    before = digest_of(newest(root))
    resume = ("train", "--resume", "--iterations", 2, "--checkpoint-dir", root)
    assert_refused(run(*resume, "--seed", 8), "run.seed is 7", "start a new run")
    assert_refused(run(*resume, "--fast"), "network.width")
    assert digest_of(newest(root)) == before
    assert json.loads(RunLayout(root).status.read_text())["state"] == "finished"


def test_a_damaged_newest_checkpoint_is_skipped_and_named(tmp_path: Path) -> None:
    root = tmp_path / "run"
    config = write_config(tmp_path)
    done = run("train", "--config", config, "--iterations", 3, "--checkpoint-dir", root)
    assert done.returncode == 0, done.stderr
    damaged = newest(root)
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    resumed = run("train", "--resume", "--checkpoint-dir", root)
    assert resumed.returncode == 0, resumed.stderr
    assert f"skipped {damaged}: is damaged" in resumed.stdout
    assert resumed.stdout.count(f"{damaged}: ") == 1
    assert "iter002" in resumed.stdout
    assert status_of(root)["state"] == "finished"


def test_a_checkpoint_of_another_version_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    root = tmp_path / "run"
    config = write_config(tmp_path)
    done = run("train", "--config", config, "--iterations", 3, "--checkpoint-dir", root)
    assert done.returncode == 0, done.stderr
    oldest = CheckpointStore(RunLayout(root)).entries()[0]
    content, meta = CheckpointStore.read(oldest.path)
    state = torch.load(content, weights_only=True)
    identity = msgspec.structs.replace(meta.identity, architecture=99)
    changed_files = {
        "schema 99": (meta, state | {"schema": 99}),
        "architecture 99": (msgspec.structs.replace(meta, identity=identity), state),
    }
    before = {path: path.stat() for path in root.rglob("*.*")}
    for word, (description, inside) in changed_files.items():
        foreign = tmp_path / "foreign.pth"
        CheckpointStore(RunLayout(root)).save(
            foreign, description, functools.partial(torch.save, inside)
        )
        resume = ("train", "--resume", foreign, "--iterations", 9, "--checkpoint-dir", root)
        assert_refused(run(*resume), "foreign.pth", word, "the version that made it")
    after = {path: path.stat() for path in root.rglob("*.*")}
    assert {path: found.st_size for path, found in after.items()} == {
        path: found.st_size for path, found in before.items()
    }
    assert status_of(root)["state"] == "finished"


def test_a_full_disk_under_the_log_causes_no_traceback(tmp_path: Path) -> None:
    root = tmp_path / "run"
    root.mkdir()
    RunLayout(root).log.symlink_to("/dev/full")
    config = write_config(tmp_path)
    done = run("train", "--config", config, "--iterations", 1, "--checkpoint-dir", root)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
