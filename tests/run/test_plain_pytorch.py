"""The example: a plain PyTorch loop is watched, paused, killed and resumed to the same weights."""

import os
import subprocess
import sys
from pathlib import Path

import torch
from forked import ForkedProcess
from processes import finish, status_of, wait_for, wait_for_state

from blobmaster.run.checkpoints.store import CheckpointStore
from blobmaster.run.control.requests import send
from blobmaster.run.files.layout import RunLayout

EXAMPLE = Path(__file__).parents[2] / "examples" / "plain_pytorch.py"
ITERATIONS = 40


def start_example(root):
    return ForkedProcess([str(EXAMPLE), str(root), str(ITERATIONS)])


def start_example_anew(root):
    """Start the example in a new Python, which has yet to import torch."""
    command = [sys.executable, str(EXAMPLE), str(root), str(ITERATIONS)]
    one_thread = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=one_thread)


def final_state(root) -> tuple[list[torch.Tensor], int]:
    store = CheckpointStore(RunLayout(root))
    file, meta = store.read(store.newest_valid()[0].path)
    model, optimizer = torch.load(file, weights_only=True)
    moments = [value for part in optimizer["state"].values() for value in part.values()]
    return [*model.values(), *moments], meta.iteration + 1


def test_the_example_stays_under_forty_lines_and_knows_no_blob():
    text = EXAMPLE.read_text()
    assert text.count("\n") < 40
    heavy = {"blobmaster.game", "blobmaster.model", "blobmaster.training.trainer"}
    assert not heavy & set(text.split())


def test_paused_and_killed_the_example_ends_like_the_undisturbed_one(fast_path):
    assert finish(start_example(fast_path / "whole")) == (0, "")
    root = fast_path / "run"
    process = start_example_anew(root)
    wait_for_state(root, "starting")  # torch is being imported
    send(root / "control.signal", "PAUSE")
    assert finish(process)[0] == 0
    paused = status_of(root)
    assert paused.state == "paused"
    assert paused.last_checkpoint.iteration == 1
    assert "plain_pytorch.py" in paused.resume_command
    process = start_example(root)
    wait_for(lambda: len(list(root.rglob("*.pth"))) >= 6, "some checkpoints")
    process.kill()
    finish(process)
    assert 1 < final_state(root)[1] < ITERATIONS
    assert finish(start_example(root)) == (0, "")
    assert status_of(root).state == "finished"
    assert status_of(root).metrics["loss"] == status_of(fast_path / "whole").metrics["loss"]
    (whole, last), (resumed, last_resumed) = final_state(fast_path / "whole"), final_state(root)
    assert last == last_resumed == ITERATIONS
    assert all(map(torch.equal, whole, resumed))
    assert (root / "history.jsonl").read_bytes().count(b"\n") == ITERATIONS
