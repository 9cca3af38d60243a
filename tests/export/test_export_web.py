"""`blobmaster export --web`: what it writes, what it refuses, and the joining of modules."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from saved_networks import save_network

from blobmaster.checkpoint.network import load_trained
from blobmaster.cli.main import main
from blobmaster.config.network import NetworkSettings
from blobmaster.export.inlining import inlined
from blobmaster.export.network_file import network_file
from blobmaster.export.web_page import web_page
from blobmaster.model.network import new_network


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_network(tmp_path_factory.mktemp("network"))


def export(*arguments: object) -> int:
    with pytest.raises(SystemExit) as left:
        main(["export", *map(str, arguments)])
    return left.value.code


def test_a_page_is_written_again_over_a_page_and_over_nothing_else(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    page = tmp_path / "blob.html"
    assert export(checkpoint, "--web", page) == 0
    assert export(checkpoint, "--web", page) == 0
    (tmp_path / "notes.html").write_text("<!DOCTYPE html>a user's")
    network = tmp_path / "player.json"
    assert export(checkpoint, "--web", network) == 0
    assert export(checkpoint, "--web", network) == 0
    capsys.readouterr()
    before = checkpoint.read_bytes()
    for other in (checkpoint, tmp_path / "notes.html", network.rename(tmp_path / "player.html")):
        assert export(checkpoint, "--web", other) == 2
    assert checkpoint.read_bytes() == before
    assert capsys.readouterr().err.count("holds something else") == 3


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["--web", "{tmp}/nowhere/blob.html"], "there is no folder"),
        (["--web", "{tmp}"], "not a regular file"),
        (["--web", "{tmp}/a.html", "-o", "{tmp}/b.onnx"], "export to one after the other"),
        (["--web-level", "{checkpoint}"], "name the HTML file with --web"),
        (["--web", "{tmp}/a.html", "--web-level", "{tmp}/none.pth"], "none.pth: No such file"),
        (["--web", "{tmp}/a.json", "--web-level", "{checkpoint}"], "name an .html file"),
        (["--web", ""], "the path is empty"),
        (["--web", "{tmp}/a.html", "--web-level", "{checkpoint}"], "is there twice"),
    ],
)
def test_bad_input_is_answered_in_a_line_and_writes_nothing(
    checkpoint: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    answer: str,
):
    given = [text.format(tmp=tmp_path, checkpoint=checkpoint) for text in arguments]
    assert export(checkpoint, *given) == 2
    said = capsys.readouterr().err
    assert answer in said
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_network_that_fp16_cannot_hold_is_refused(checkpoint: Path):
    trained = load_trained(checkpoint, torch.device("cpu"))
    for value in (70000.0, float("nan")):
        with torch.no_grad():
            trained.network.actor.head.bias[0] = value
        with pytest.raises(ValueError, match="not finite in fp16"):
            network_file(trained)


def test_a_page_holds_its_networks_and_forbids_everything_else(checkpoint: Path):
    network = network_file(load_trained(checkpoint, torch.device("cpu")))
    page = web_page([network, {**network, "run_id": "</script>"}])
    held = re.findall(r'<script type="application/json" class="network">(.*?)</script>', page)
    assert [json.loads(text)["run_id"] for text in held] == ["made", "</script>"]
    weights = np.frombuffer(base64.b64decode(json.loads(held[0])["weights"]), "<f2")
    assert len(weights) == sum(p.numel() for p in _actor(checkpoint).parameters())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "http:" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "https:" not in page


def _actor(checkpoint: Path) -> torch.nn.Module:
    return load_trained(checkpoint, torch.device("cpu")).network.actor


def test_the_page_of_the_default_network_is_at_most_8_mb(checkpoint: Path):
    trained = load_trained(checkpoint, torch.device("cpu"))
    default = replace(trained, network=new_network(NetworkSettings(), 1))
    assert len(web_page([network_file(default)]).encode()) <= 8_000_000


def test_modules_are_joined_in_the_order_of_their_imports(tmp_path: Path):
    (tmp_path / "a.js").write_text('import { b, B } from "./b.js";\nexport const a = b + B;\n')
    (tmp_path / "b.js").write_text("export function b() {}\nexport class B {}\n")
    joined = inlined(tmp_path / "a.js")
    assert joined.index("function b()") < joined.index("const a =")
    assert "const { b, B } = b_module;" in joined
    assert "return { b, B };" in joined


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        ('import b from "./b.js";\n', "cannot be inlined: import b"),
        ("export default 1;\n", "cannot be inlined: export default"),
        ('import { a } from "./a.js";\n', "imports itself"),
        ('import { none } from "./b.js";\n', "imports none, which"),
    ],
)
def test_a_module_of_another_form_is_refused(tmp_path: Path, source: str, answer: str):
    (tmp_path / "a.js").write_text(source)
    (tmp_path / "b.js").write_text("")
    with pytest.raises(ValueError, match=answer):
        inlined(tmp_path / "a.js")
