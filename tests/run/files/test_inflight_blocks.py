"""Finished blocks are loaded intact and for their own weights only, or not at all."""

import random

import pytest

from blobmaster.run.files.inflight import InflightStore
from blobmaster.run.files.layout import RunLayout


@pytest.fixture
def store(tmp_path):
    return InflightStore(RunLayout(tmp_path))


def block_file(tmp_path, iteration: int, index: int):
    return RunLayout(tmp_path).block(iteration, index)


def test_blocks_come_back_as_they_were_put(store):
    blocks = {index: bytes([index]) * 1000 * index for index in (0, 3, 11)}
    for index, payload in blocks.items():
        store.put(7, index, payload, "weights 7")
    assert store.get_all(7, "weights 7") == blocks
    assert store.get_all(8, "weights 7") == {}


def test_blocks_of_other_weights_are_played_again(store, tmp_path):
    store.put(7, 0, b"old", "weights 6")
    store.put(7, 1, b"new", "weights 7")
    assert store.get_all(7, "weights 7") == {1: b"new"}
    assert not block_file(tmp_path, 7, 0).exists()


def test_a_block_under_another_blocks_name_is_refused(store, tmp_path):
    store.put(7, 0, b"zero", "key")
    block_file(tmp_path, 7, 0).rename(block_file(tmp_path, 7, 1))
    assert store.get_all(7, "key") == {}


def test_no_damage_gets_through(store, tmp_path):
    store.put(0, 0, b"payload" * 20, "key")
    path = block_file(tmp_path, 0, 0)
    whole, luck = path.read_bytes(), random.Random(5)
    damaged = [whole[:cut] for cut in range(len(whole))] + [whole + b"\0"]
    for at in range(len(whole)):
        flipped = bytearray(whole)
        flipped[at] ^= 1 << luck.randrange(8)
        damaged.append(bytes(flipped))
    for data in damaged:
        path.write_bytes(data)
        assert store.get_all(0, "key") == {}


def test_clearing_keeps_later_iterations_and_strangers(store, tmp_path):
    for iteration in (0, 1, 2):
        store.put(iteration, 0, b"", "key")
    notes = tmp_path / "inflight" / "iter001" / "notes.txt"
    notes.write_text("a user's")
    store.clear(before_iteration=2)
    assert notes.read_text() == "a user's"
    assert sorted(path.name for path in (tmp_path / "inflight").iterdir()) == ["iter001", "iter003"]
    store.clear()
    assert [path.name for path in (tmp_path / "inflight").iterdir()] == ["iter001"]
