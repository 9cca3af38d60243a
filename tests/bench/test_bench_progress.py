"""The benchmark says which part it measures and how many are done."""

from __future__ import annotations

import json
from pkgutil import resolve_name

import pytest
from click.testing import CliRunner

from blobmaster.bench import command
from blobmaster.bench.parts import PARTS
from blobmaster.cli.bench import bench


def test_each_part_is_named_and_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("blobmaster.terminal.console.LINE_SECONDS", 0.0)
    figures = {"setting": "none", "value": 1.0}
    monkeypatch.setattr(command, "PARTS", {"first": "", "second": ""})
    monkeypatch.setattr(command, "measure", lambda _: figures)
    assert command.run_bench([], as_json=True) == 0
    seen = capsys.readouterr()
    assert json.loads(seen.out) == {"first": figures, "second": figures}
    assert seen.err.splitlines() == [
        *("measuring first …", "1 of 2 parts", "measuring second …", "2 of 2 parts"),
    ]


def test_the_help_names_every_part_and_each_can_be_measured():
    shown = " ".join(CliRunner().invoke(bench, ["--help"]).output.split())
    assert ", ".join(PARTS) in shown
    assert all(callable(resolve_name(where)) for where in PARTS.values())
