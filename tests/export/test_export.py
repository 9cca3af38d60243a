"""An exported actor equals torch's, documents its tensors and runs without BlobMaster."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from positions import RandomRound, cards
from saved_networks import save_network

from blobmaster.agents.network import NetworkAgent
from blobmaster.checkpoint.network import load_trained
from blobmaster.cli.main import main
from blobmaster.config.network import NetworkSettings
from blobmaster.export.command import ExportError, check_model
from blobmaster.export.metadata import action_table
from blobmaster.export.onnx_graph import actor_model
from blobmaster.game.cards import SUITS
from blobmaster.game.rules import ACTION_COUNT, new_round
from blobmaster.model.features import FEATURES, INDEX, encode_rows
from blobmaster.model.heads import action_output
from blobmaster.model.network import new_network

CPU = torch.device("cpu")
DOCUMENT = Path(__file__).parents[2] / "docs" / "onnx.md"
EXAMPLE = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)[1]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_network(tmp_path_factory.mktemp("network"))


@pytest.fixture(scope="module")
def model(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    assert export(checkpoint, path) == 0
    return path


def export(checkpoint: Path, output: Path) -> int:
    with pytest.raises(SystemExit) as left:
        main(["export", str(checkpoint), "-o", str(output)])
    return left.value.code


def test_outputs_equal_torchs_for_real_positions_in_batches_of_any_size(
    checkpoint: Path, model: Path
):
    states = RandomRound(1, 5, 7).choices
    rows, slots = np.zeros((len(states), FEATURES), np.float32), np.zeros((len(states), SUITS), int)
    encode_rows(states, rows, slots)
    with torch.inference_mode():
        wanted = load_trained(checkpoint, CPU).network.actor(torch.from_numpy(rows)).numpy()
    session = onnxruntime.InferenceSession(model)
    for count in (1, 2, len(states)):
        actions, tricks, bids = session.run(None, {"observation": rows[:count]})
        assert actions.shape == (count, ACTION_COUNT)
        assert tricks.shape == (count, 8, 18)
        assert bids.shape == (count, 18)
        found = np.concatenate([actions, tricks.reshape(count, -1), bids], axis=1)
        np.testing.assert_allclose(found, wanted[:count], atol=1e-4)


def test_the_default_network_is_within_the_tolerance():
    actor = new_network(NetworkSettings(), 1).eval().actor
    checked = check_model(actor_model(actor, {}).SerializeToString(), actor)
    assert checked.difference <= 1e-4
    assert checked.milliseconds > 0


def test_the_metadata_names_the_origin_and_the_meaning_of_the_tensors(model: Path):
    onnx.checker.check_model(onnx.load(model), full_check=True)
    said = onnxruntime.InferenceSession(model).get_modelmeta().custom_metadata_map
    assert (said["run_id"], said["iteration"], said["elo"]) == ("made", "5", "1234")
    assert json.loads(said["observation_index"]) == {
        name: [group.start, group.stop] for name, group in INDEX.items()
    }
    assert json.loads(said["action_table"]) == action_table()


def test_the_action_table_names_every_logit_in_the_order_of_the_rules():
    slots = np.array([2, 0, 3, 1])
    table = action_table()
    assert len(table) == ACTION_COUNT
    for name, number in (("Q♥", cards("Q♥")[0]), ("2♠", cards("2♠")[0]), ("A♦", cards("A♦")[0])):
        slot = slots["♠♥♣♦".index(name[1])]
        assert table[action_output(number, slots)] == f"slot {slot} {name[0]}"
    assert table[action_output(52, slots)] == "bid 0"
    assert table[action_output(69, slots)] == "bid 17"


def test_the_documents_example_needs_no_blobmaster_and_bids_as_the_network(
    checkpoint: Path, model: Path
):
    told = "import sys\nsys.modules['blobmaster'] = None\n" + EXAMPLE
    ran = subprocess.run(
        [sys.executable, "-c", told],
        cwd=model.parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.stderr == ""
    hands = np.array([cards("A♠ T♠ K♥"), cards("2♠ 3♠ 4♠"), cards("2♥ 3♥ 4♥"), cards("2♣ 3♣ 4♣")])
    state = new_round(4, 3, 0, 3, hands)
    agent = NetworkAgent(load_trained(checkpoint, CPU).network.parts, 1, CPU)
    bid = agent.choose(state[None], np.zeros((1, 1), np.uint64))[0] - 52
    assert ran.stdout == f"bid {bid}\n"
    given: dict[str, object] = {}
    code = EXAMPLE.replace('"model.onnx"', repr(str(model))).replace("print(", "str(")
    exec(code, given)
    row, slots = np.zeros(FEATURES, np.float32), np.zeros(SUITS, int)
    encode_rows(state[None], row[None], slots[None])
    np.testing.assert_array_equal(given["row"][0], row)


def test_a_model_that_differs_from_torch_is_not_written(tmp_path: Path):
    actor, other = (new_network(NetworkSettings(width=16, blocks=1), seed).actor for seed in (1, 2))
    with pytest.raises(ExportError, match="nothing was written"):
        check_model(actor_model(other, {}).SerializeToString(), actor)


def test_nan_weights_are_not_exported():
    actor = new_network(NetworkSettings(width=16, blocks=1), 1).actor
    with torch.no_grad():
        actor.head.bias[0] = float("nan")
    with pytest.raises(ExportError, match="nothing was written"):
        check_model(actor_model(actor, {}).SerializeToString(), actor)


def test_a_failed_write_is_reported_in_one_line_and_leaves_nothing(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert export(checkpoint, tmp_path / "nowhere" / "model.onnx") == 2
    assert export(tmp_path / "none.pth", tmp_path / "model.onnx") == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert "there is no folder" in said[0]
    assert "none.pth: No such file" in said[1]
    assert list(tmp_path.iterdir()) == []


def test_an_export_replaces_an_earlier_model_and_nothing_else(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    output = tmp_path / "model.onnx"
    assert export(checkpoint, output) == 0
    assert export(checkpoint, output) == 0
    (tmp_path / "notes.txt").write_text("a user's")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "device").symlink_to("/dev/null")  # a failing test replaces only the link
    capsys.readouterr()
    before = checkpoint.read_bytes()
    for other in (checkpoint, tmp_path / "notes.txt", tmp_path / "device", tmp_path / "fifo"):
        assert export(checkpoint, other) == 2
    assert checkpoint.read_bytes() == before
    assert (tmp_path / "notes.txt").read_text() == "a user's"
    assert (tmp_path / "device").is_char_device()
    said = capsys.readouterr().err
    assert said.count("holds something else") == 2
    assert said.count("not a regular file") == 2


def test_a_missing_extra_is_reported_with_the_command_to_install_it(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    for name in [name for name in sys.modules if name.startswith("blobmaster.export")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert export(checkpoint, tmp_path / "model.onnx") == 2
    said = capsys.readouterr().err
    assert said == "blobmaster: export needs onnxruntime: run `pip install onnx onnxruntime`\n"
