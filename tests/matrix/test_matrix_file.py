"""`matrix.json`: what was written is read; what is damaged or foreign is refused."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from made_up_matrix import made_up_matrix

from blobmaster.matrix.file import FIRST_BYTES, MatrixFileError, read, write
from blobmaster.matrix.heat_map import heat_table


def test_what_was_written_is_read(tmp_path: Path):
    path = tmp_path / "matrix.json"
    assert read(path) is None
    assert write(path, made_up_matrix()) is None
    assert path.read_bytes().startswith(FIRST_BYTES.encode())
    assert read(path) == made_up_matrix()
    assert write(path, made_up_matrix(seed=9)) is None
    assert read(path).seed == 9
    assert [file.name for file in tmp_path.iterdir()] == ["matrix.json"]


def test_a_file_of_the_user_is_not_replaced(tmp_path: Path):
    path = tmp_path / "matrix.json"
    path.write_text("[[1, 2], [3, 4]]")
    assert "holds something else" in write(path, made_up_matrix())
    assert path.read_text() == "[[1, 2], [3, 4]]"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("}]", "}"),
        ("--matrix", "--else"),
        ('"lead"', '"leads"'),
        ('"value":1.5', '"value":1e999'),
        ('"value":1.5', '"value":"1.5"'),
        ('"value":1.5', '"value":NaN'),
        ('"others":"random"', '"others":"nobody"'),
        ("random", "ran\\u001bdom"),
        ("random", "r" * 201),
        ("heuristic", "random"),
    ],
)
def test_a_damaged_file_is_refused_in_one_line(tmp_path: Path, old: str, new: str):
    path = tmp_path / "matrix.json"
    write(path, made_up_matrix())
    whole = path.read_text()
    path.write_text(whole.replace(old, new))
    assert path.read_text() != whole
    with pytest.raises(MatrixFileError, match=re.escape(f"{path} is damaged or no matrix")) as told:
        read(path)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[" * 100_000, b"{" + b" " * 3_000_000])
def test_any_other_file_is_refused(tmp_path: Path, content: bytes):
    path = tmp_path / "matrix.json"
    path.write_bytes(content)
    with pytest.raises(MatrixFileError):
        read(path)


def test_a_fifo_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "matrix.json")
    with pytest.raises(MatrixFileError):
        read(tmp_path / "matrix.json")


def test_a_pair_that_was_not_played_has_an_empty_cell():
    matrix = made_up_matrix()
    table = heat_table(type(matrix)(**{**_fields(matrix), "cells": matrix.cells[:1]}))
    assert table.count("—") == 1
    assert table.count("·") == 2


def _fields(matrix: object) -> dict[str, object]:
    return {name: getattr(matrix, name) for name in matrix.__struct_fields__}


def test_the_format_is_plain_json(tmp_path: Path):
    write(tmp_path / "matrix.json", made_up_matrix())
    found = json.loads((tmp_path / "matrix.json").read_text())
    assert found["players"] == ["random", "heuristic"]
    assert found["cells"][0]["lead"] == {"value": 1.5, "low": 1.25, "high": 1.75}
