"""The benchmark says which part it measures and how many are done."""

from __future__ import annotations

import json

import pytest

from blobmaster.bench import command


def test_each_part_is_named_and_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("blobmaster.terminal.console.LINE_SECONDS", 0.0)
    figures = {"setting": "none", "value": 1.0}
    monkeypatch.setattr(command, "PARTS", {"first": lambda: figures, "second": lambda: figures})
    assert command.run_bench([], as_json=True) == 0
    seen = capsys.readouterr()
    assert json.loads(seen.out) == {"first": figures, "second": figures}
    assert seen.err.splitlines() == [
        *("measuring first …", "1 of 2 parts", "measuring second …", "2 of 2 parts"),
    ]
