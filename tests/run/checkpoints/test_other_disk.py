"""Folders of a run on another filesystem: what moves to the archive is copied, or refused."""

import contextlib
import shutil
from pathlib import Path

import pytest
from broken_os import BrokenOs, Stopped
from small_life import Life, assert_whole
from test_stopped_at_every_step import OTHER, contents, steps_of, stop_at, strays
from victim import IDENTITY

from blobmaster.run.checkpoints import moving
from blobmaster.run.checkpoints.store import CheckpointStore
from blobmaster.run.errors import RunDirectoryError
from blobmaster.run.files import atomic
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.opening import prepare_directory

LINKED = [("permanent",), ("archive",), ("permanent", "cache", "inflight", "archive")]
MIDDLE = "middle"
"""Half of a write is done, any other step is not: it would end as the next one begins."""
OLDER = Path("permanent") / "20251113-Victim-v1-4.9M-iter005-elo1004.pth"


@pytest.fixture
def other_disk(fast_path, tmp_path):
    """A folder on another filesystem than `fast_path`."""
    if tmp_path.stat().st_dev == fast_path.stat().st_dev:
        pytest.skip("there is only one filesystem here")
    return tmp_path


def make_run(root: Path, other_disk: Path, linked: tuple[str, ...], iterations: int) -> None:
    """Train a run in `root`, with some of its folders on the other disk."""
    root.mkdir()
    link_folders(root, other_disk, linked)
    Life(root).live(iterations)
    (root / "train.log").write_text("a log")
    (root / "notes.txt").write_text("a user's")


def link_folders(root: Path, other_disk: Path, linked: tuple[str, ...]) -> None:
    for name in linked:
        place = other_disk / root.name / name
        place.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(place)


def copy_run(made: Path, other_disk: Path, linked: tuple[str, ...]) -> Path:
    """Return a copy of a run, with folders of its own on the other disk."""
    root = made.with_name("run")
    root.mkdir()
    link_folders(root, other_disk, linked)
    shutil.copytree(made, root, dirs_exist_ok=True)
    return root


def remove_run(root: Path, other_disk: Path) -> None:
    shutil.rmtree(root)
    shutil.rmtree(other_disk / root.name, ignore_errors=True)


def all_bytes(root: Path) -> set[bytes]:
    """Return `contents`, also of the folders behind links."""
    found = contents(root)
    for folder in root.iterdir():
        if folder.is_symlink():
            found |= contents(folder.resolve())
    return found


def archived(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "archive").iterdir())


@pytest.mark.parametrize("linked", LINKED, ids="+".join)
def test_a_fresh_start_across_disks_stopped_at_any_step_keeps_the_earlier_run(
    fast_path, other_disk, monkeypatch, linked
):
    made = fast_path / "made"
    make_run(made, other_disk, linked, 7)
    before = all_bytes(made)
    root = copy_run(made, other_disk, linked)
    steps = steps_of(monkeypatch, Life(root, identity=OTHER, fresh=True), 1)
    for number in range(steps):
        remove_run(root, other_disk)
        root = copy_run(made, other_disk, linked)
        stop_at(monkeypatch, number, MIDDLE, Life(root, identity=OTHER, fresh=True), 1)
        assert_whole(root)
        if (newest := CheckpointStore(RunLayout(root)).newest_valid()[0]) is not None:
            assert newest.name.iteration in {6, 0}, "neither the old run nor the new one"
        Life(root, identity=OTHER, fresh=True).live(1)
        assert not before - all_bytes(root), f"lost when stopped in step {number}"
        assert (root / "notes.txt").read_text() == "a user's"
        assert all((root / name).is_symlink() for name in linked)
        moved = CheckpointStore(RunLayout(root / "archive" / "victim")).entries()
        assert [entry.name.iteration for entry in moved] == [2, 3, 4, 5, 6]
        left = [entry.name.prefix for entry in CheckpointStore(RunLayout(root)).entries()]
        assert left == ["20251114-Other-v2-0.1M"]
        assert not strays(root)
        assert not list((root / "archive").glob(".*"))


@pytest.mark.parametrize("linked", LINKED, ids="+".join)
def test_a_resume_from_an_older_iteration_across_disks_moves_the_later_ones_once(
    fast_path, other_disk, monkeypatch, linked
):
    made = fast_path / "made"
    make_run(made, other_disk, linked, 12)
    root = copy_run(made, other_disk, linked)
    steps = steps_of(monkeypatch, Life(root), 6, resume=root / OLDER)
    for number in range(steps):
        remove_run(root, other_disk)
        root = copy_run(made, other_disk, linked)
        stop_at(monkeypatch, number, MIDDLE, Life(root), 6, resume=root / OLDER)
        newest, _ = CheckpointStore(RunLayout(root)).newest_valid()
        assert newest.name.iteration in {11, 4, 5}, "neither the old state nor the new one"
        Life(root).live(6, resume=root / OLDER)
        newest, _ = CheckpointStore(RunLayout(root)).newest_valid()
        assert newest.name.iteration == 5
        later = [CheckpointStore(RunLayout(root / "archive" / name)) for name in archived(root)]
        iterations = [e.name.iteration for store in later for e in store.entries()]
        assert set(iterations) >= {7, 8, 9, 10, 11}, f"lost when stopped in step {number}"
        assert archived(root)[0] == "victim-after-iter005"


@pytest.mark.parametrize("resumed", [True, False])
def test_a_move_that_the_disk_refuses_again_and_again_makes_one_folder(
    fast_path, other_disk, monkeypatch, resumed
):
    root = fast_path / "made"
    make_run(root, other_disk, ("permanent",), 12)
    layout = RunLayout(root)
    meta = CheckpointStore(layout).read(root / OLDER)[1] if resumed else None
    broken = RefusesRenames(root / "archive", times=5)
    monkeypatch.setattr(atomic, "os", broken)
    moved, tries = None, 0
    while broken.left > 0:
        tries += 1
        with contextlib.suppress(PermissionError):
            moved = prepare_directory(layout, IDENTITY, meta)
    moved = moved or prepare_directory(layout, IDENTITY, meta)
    assert tries == 5
    assert archived(root) == ["victim-after-iter005" if resumed else "victim"]
    assert moved == (None if resumed else root / "archive" / "victim")


class RefusesRenames(BrokenOs):
    """Fails the first renames into a folder."""

    def __init__(self, folder: Path, times: int) -> None:
        super().__init__()
        self._folder = folder
        self.left = times

    def replace(self, source, target):
        if self._folder in Path(target).parents:
            self.left -= 1
            if self.left >= 0:
                raise PermissionError(1, "Operation not permitted")
        super().replace(source, target)


def test_an_archive_without_room_refuses_before_anything_moves(fast_path, other_disk, monkeypatch):
    root = fast_path / "made"
    make_run(root, other_disk, ("permanent",), 12)
    before = sorted(root.rglob("*"))
    full = type("Usage", (), {"free": 10})
    monkeypatch.setattr(moving.psutil, "disk_usage", lambda _: full)
    with pytest.raises(RunDirectoryError, match=r"10 free: free some space.*nothing was moved"):
        moving.stage(RunLayout(root), all_of(root), root / "archive" / "run")
    assert sorted(root.rglob("*")) == sorted([*before, root / "archive"])


def test_a_folder_that_cannot_be_emptied_refuses_before_anything_moves(
    fast_path, other_disk, monkeypatch
):
    root = fast_path / "made"
    make_run(root, other_disk, ("permanent",), 12)
    monkeypatch.setattr(moving.os, "access", lambda path, _: path.name != "permanent")
    with pytest.raises(RunDirectoryError, match="permanent, which is not writable"):
        moving.stage(RunLayout(root), all_of(root), root / "archive" / "run")
    assert not list((root / "archive").iterdir())


def all_of(root: Path) -> list[moving.Move]:
    return [moving.Move(root / name, name) for name in ("permanent", "cache", "history.jsonl")]


def test_a_copy_with_other_bytes_than_the_original_is_not_used(fast_path, other_disk, monkeypatch):
    source, target = fast_path / "a", other_disk / "a"
    source.write_bytes(b"weights")
    monkeypatch.setattr(atomic, "_digest", lambda _: b"another")
    with pytest.raises(OSError, match="differs from it: check the disk"):
        atomic.move(source, target)
    assert source.read_bytes() == b"weights"
    assert not list(other_disk.iterdir())


def test_a_moved_relative_link_still_leads_to_its_file(fast_path):
    (fast_path / "file").write_text("weights")
    (fast_path / "link").symlink_to("file")
    (fast_path / "folder").mkdir()
    atomic.move(fast_path / "link", fast_path / "folder" / "link")
    assert (fast_path / "folder" / "link").read_text() == "weights"
    assert not (fast_path / "link").is_symlink()


def test_a_stopped_process_leaves_no_half_copy(fast_path, other_disk, monkeypatch):
    source, target = fast_path / "a", other_disk / "a"
    source.write_bytes(b"weights" * 1000)
    number = 0
    while source.exists():
        monkeypatch.setattr(atomic, "os", BrokenOs(number, "middle"))
        with contextlib.suppress(Stopped):
            atomic.move(source, target)
        whole = [path for path in (source, target) if path.exists()]
        assert all(path.read_bytes() == b"weights" * 1000 for path in whole)
        number += 1
    assert number > 5
    assert target.read_bytes() == b"weights" * 1000
