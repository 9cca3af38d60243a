"""The network of a checkpoint loads from its file alone, or one line says why not."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import BinaryIO

import pytest
import torch
from positions import RandomRound
from saved_networks import SMALL, learner_state, save_network

from blobmaster.checkpoint.network import load_trained
from blobmaster.inference.evaluator import NetworkEvaluator
from blobmaster.run.checkpoints.store import CheckpointStore
from blobmaster.run.errors import CheckpointError
from blobmaster.run.files.layout import RunLayout

CPU = torch.device("cpu")


def test_the_loaded_network_has_the_ema_weights(tmp_path: Path):
    learner = learner_state()
    learner["average"] = {name: value + 1.0 for name, value in learner["average"].items()}
    trained = load_trained(save_network(tmp_path, learner=learner), CPU)
    for name, value in trained.network.state_dict().items():
        assert torch.equal(value, learner["average"][name])
    assert not trained.network.training
    assert trained.config == SMALL
    assert trained.meta.elo == 1234.0


def test_loading_changes_no_global_random_state(tmp_path: Path):
    path = save_network(tmp_path)
    before = torch.random.get_rng_state()
    trained = load_trained(path, CPU)
    assert (torch.random.get_rng_state() == before).all()
    states = RandomRound(0, 4, 5).choices
    priors = NetworkEvaluator(trained.network.parts, len(states), CPU).priors(states)
    assert priors.sum(axis=1) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"project": "Otherblob"}, ["Otherblob", "name another"]),
        ({"architecture": 99}, ["architecture 99", "version"]),
        ({"schema": 99}, ["schema 99", "version"]),
        ({"learner": {}}, ["does not hold the network"]),
        ({"learner": {"average": {}}}, ["does not hold the network"]),
        ({"learner": None}, ["does not hold the network"]),
        ({"config": {"network": {"width": 64}}}, ["does not hold the network"]),
        ({"config": {"network": {"breadth": 64}}}, ["breadth", "version"]),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused_in_one_line(tmp_path: Path, changes, words):
    path = save_network(tmp_path, **changes)
    with pytest.raises(CheckpointError) as refused:
        load_trained(path, CPU)
    message = str(refused.value)
    assert len(message.splitlines()) == 1
    assert str(path) in message
    assert all(word in message for word in words)


@pytest.mark.parametrize(
    "average",
    [
        pytest.param({1: torch.zeros(1)}, id="no names"),
        pytest.param(5, id="no mapping"),
        pytest.param(dict.fromkeys(learner_state()["average"], "x"), id="no tensors"),
    ],
)
def test_weights_of_the_wrong_types_are_refused_in_one_line(tmp_path: Path, average: object):
    path = save_network(tmp_path, learner={**learner_state(), "average": average})
    with pytest.raises(CheckpointError, match="does not hold the network"):
        load_trained(path, CPU)


@pytest.mark.parametrize(
    "pickled",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x80\x02}q", id="cut"),
        pytest.param(b"\x80\x02.", id="empty stack"),
        pytest.param(b"\x80\x02K\x01Q.", id="storage of a number"),
        pytest.param(b"\x80\x02X\x02\x00\x00\x00\xff\xff.", id="text that is not UTF-8"),
        pytest.param(b"\x80\x02cposix\nsystem\nX\x01\x00\x00\x00:\x85R.", id="a command"),
    ],
)
def test_a_hostile_pickle_under_a_whole_seal_is_refused_in_one_line(tmp_path: Path, pickled: bytes):
    path = save_network(tmp_path)
    _, meta = CheckpointStore.read(path)

    def write(file: BinaryIO) -> None:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("archive/data.pkl", pickled)
            archive.writestr("archive/version", "3\n")
            archive.writestr("archive/padding", bytes(1 << 20))  # room for the network described
        file.write(content.getvalue())

    CheckpointStore(RunLayout(tmp_path)).save(path, meta, write)
    with pytest.raises(CheckpointError, match="does not hold the network"):
        load_trained(path, CPU)


def test_a_network_that_is_larger_than_its_file_is_refused_before_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = save_network(tmp_path, config={"network": {"width": 8192, "blocks": 64}})  # 69 GB

    def make(*_: object, **__: object) -> None:
        pytest.fail("the network was made")

    monkeypatch.setattr("blobmaster.checkpoint.network.new_network", make)
    with pytest.raises(CheckpointError, match="does not hold the network"):
        load_trained(path, CPU)


def test_a_flipped_bit_is_detected_anywhere_in_the_file(tmp_path: Path):
    path = save_network(tmp_path)
    whole = bytearray(path.read_bytes())
    for place in range(0, len(whole), len(whole) // 7):
        whole[place] ^= 1
        path.write_bytes(whole)
        with pytest.raises(CheckpointError):
            load_trained(path, CPU)
        whole[place] ^= 1
    path.write_bytes(whole)
    load_trained(path, CPU)


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(CheckpointError, match=r"nowhere\.pth: No such file"):
        load_trained(tmp_path / "nowhere.pth", CPU)
