"""A damaged, foreign or hostile checkpoint is refused with one line, or loads what was saved."""

import io
import os
import pickle
import random
import zipfile
from functools import partial

import msgspec
import pytest
import torch
from victim import IDENTITY, write_state

from blobmaster.run.checkpoints import seal
from blobmaster.run.checkpoints.store import SCHEMA, CheckpointMeta, CheckpointStore
from blobmaster.run.errors import CheckpointError
from blobmaster.run.files.layout import RunLayout

META = CheckpointMeta(
    identity=IDENTITY, iteration=4, elo=980.4, elapsed_seconds=3.0, saved_at=4.0,
    config={"simulations": 35}, extra={},
)  # fmt: skip


@pytest.fixture
def path(fast_path):
    """A real checkpoint: a small network with its optimizer, as `torch.save` writes it."""
    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Linear(20, 30), torch.nn.Linear(30, 20))
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 20)).sum().backward()
    optimizer.step()
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "note": "♠"}
    store = CheckpointStore(RunLayout(fast_path))
    place = store.path_of(META, permanent=True)
    store.save(place, META, partial(torch.save, state))
    return place


def tensors(file) -> list[torch.Tensor]:
    state = torch.load(file, weights_only=True)
    moments = [value for part in state["optimizer"]["state"].values() for value in part.values()]
    return [*state["model"].values(), *moments]


def refused_or_equal(path, data: bytes, original: bytes) -> bool:
    """Return True if the file is refused, as it must be unless it is the original."""
    path.write_bytes(data)
    if data != original:
        with pytest.raises(CheckpointError) as refusal:
            CheckpointStore.read(path)
        return str(path) in str(refusal.value) and "\n" not in str(refusal.value)
    file, meta = CheckpointStore.read(path)
    assert meta == META
    assert file.read() == original
    return False


def test_torch_reads_a_sealed_checkpoint_unchanged(path):
    file, meta = CheckpointStore.read(path)
    assert meta == META
    assert all(map(torch.equal, tensors(file), tensors(path)))
    assert path.name == "20251113-Victim-v1-4.9M-iter005-elo0980.pth"
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.comment.startswith(b'{"schema":1,')


def test_what_it_says_of_itself_is_read_without_reading_it_all(path):
    entry = CheckpointStore(RunLayout(path.parent.parent)).entries()[0]
    assert entry.meta() == META
    assert entry.permanent


def test_no_flipped_byte_of_the_directory_or_the_seal_gets_through(path):
    original = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        headers = [info.header_offset for info in archive.infolist()]
        start = archive.start_dir
    places = [at for header in headers for at in range(header, header + 64)]
    for at in [*places, *range(start, len(original))]:
        damaged = bytearray(original)
        damaged[at] ^= 0xFF
        assert refused_or_equal(path, bytes(damaged), original)


def test_no_flipped_bit_gets_through(path):
    original, luck = path.read_bytes(), random.Random(3)
    for _ in range(10_000):
        damaged = bytearray(original)
        damaged[luck.randrange(len(original))] ^= 1 << luck.randrange(8)
        assert refused_or_equal(path, bytes(damaged), original)


def test_no_zeroed_page_or_cut_gets_through(path):
    original = path.read_bytes()
    for at in range(0, len(original), 4096):
        page = original[at : at + 4096]
        damaged = original[:at] + bytes(len(page)) + original[at + 4096 :]
        assert refused_or_equal(path, damaged, original)
    for percent in range(100):
        assert refused_or_equal(path, original[: len(original) * percent // 100], original)
    assert refused_or_equal(path, original + b"\0", original)
    assert not refused_or_equal(path, original, original)


def test_resume_steps_back_to_the_newest_valid_one_and_says_why(fast_path):
    store = CheckpointStore(RunLayout(fast_path))
    for iteration in range(3):
        meta = CheckpointMeta(
            identity=IDENTITY, iteration=iteration, elo=None, elapsed_seconds=0.0, saved_at=0.0,
            config={}, extra={},
        )  # fmt: skip
        state = partial(write_state, b"%d" % iteration, 10)
        store.save(store.path_of(meta, permanent=False), meta, state)
    newest = store.entries()[-1].path
    newest.write_bytes(newest.read_bytes()[:-1])
    entry, skipped = store.newest_valid()
    assert entry.name.iteration == 1
    assert skipped[0][0] == newest
    assert "damaged" in skipped[0][1]


def sealed(path, members: dict[str, bytes], compression=zipfile.ZIP_STORED) -> None:
    """Return a file with a valid seal, as an attacker could make."""

    def write(file) -> None:
        with zipfile.ZipFile(file, "w", compression) as archive:
            for name, data in members.items():
                archive.writestr(name, data)

    with path.open("wb") as file:
        seal.write_sealed(file, write, msgspec.json.encode(META))


def test_a_zip_bomb_is_refused(path):
    sealed(path, {"bomb": bytes(50_000_000)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(CheckpointError, match="compressed"):
        CheckpointStore.read(path)


@pytest.mark.parametrize("name", ["/etc/passwd", "../../outside", "a/../../b"])
def test_a_part_with_a_path_outside_is_refused(path, name):
    sealed(path, {name: b"data"})
    with pytest.raises(CheckpointError, match="outside"):
        CheckpointStore.read(path)


def test_pickled_code_is_not_run(path, tmp_path):
    class Touch:
        def __reduce__(self):
            return (open, (str(tmp_path / "executed"), "w"))

    path.write_bytes(pickle.dumps(Touch()))
    with pytest.raises(CheckpointError, match="no checkpoint"):
        CheckpointStore.read(path)
    file = io.BytesIO()
    torch.save(Touch(), file)
    with zipfile.ZipFile(file) as archive:
        sealed(path, {info.filename: archive.read(info) for info in archive.infolist()})
    verified, _ = CheckpointStore.read(path)
    with pytest.raises(pickle.UnpicklingError):
        torch.load(verified, weights_only=True)
    assert not (tmp_path / "executed").exists()


def test_a_link_to_a_fifo_under_a_checkpoints_name_blocks_nobody(path):
    os.mkfifo(path.parent / "fifo")
    path.unlink()
    path.symlink_to("fifo")
    store = CheckpointStore(RunLayout(path.parents[1]))
    (entry,) = store.entries()
    with pytest.raises(CheckpointError, match="is not a regular file"):
        entry.meta()
    with pytest.raises(CheckpointError, match="is not a regular file"):
        store.read(path)


def test_a_foreign_file_of_any_size_is_refused_unread(path):
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(CheckpointError, match="no checkpoint"):
        CheckpointStore.read(path)


def test_a_newer_schema_is_refused_with_what_to_do(path):
    with path.open("wb") as file:
        newer = msgspec.json.encode(msgspec.structs.replace(META, schema=SCHEMA + 1))
        seal.write_sealed(file, partial(write_state, b"", 0), newer)
    with pytest.raises(CheckpointError, match="schema 2, this version reads 1"):
        CheckpointStore.read(path)


def test_a_writer_that_makes_no_archive_is_refused_before_anything_is_replaced(path):
    store, before = CheckpointStore(RunLayout(path.parent.parent)), path.read_bytes()
    with pytest.raises(ValueError, match="zip archive"):
        store.save(path, META, lambda file: file.write(b"not an archive") and None)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
