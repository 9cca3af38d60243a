"""A process that ends before, in or after any single I/O step loses nothing."""

import shutil
from pathlib import Path

import pytest
from broken_os import BrokenOs, Stopped
from small_life import Life, assert_whole, files

from blobmaster.run.checkpoints.store import CheckpointStore, RunIdentity
from blobmaster.run.files import atomic
from blobmaster.run.files.layout import RunLayout

ITERATIONS = 7
OTHER = RunIdentity(
    run_id="other", project="Other", architecture=2, parameters=100_000,
    start_date="20251114", seed=2,
)  # fmt: skip


def steps_of(monkeypatch, life, *args, **kwargs) -> int:
    """Return the number of I/O steps of an undisturbed run."""
    whole = BrokenOs()
    monkeypatch.setattr(atomic, "os", whole)
    life.live(*args, **kwargs)
    monkeypatch.undo()
    return len(whole.steps)


def stop_at(monkeypatch, number, where, life, *args, **kwargs) -> None:
    broken = BrokenOs(number, where)
    monkeypatch.setattr(atomic, "os", broken)
    with pytest.raises(Stopped):
        life.live(*args, **kwargs)
    monkeypatch.setattr(atomic, "os", BrokenOs())


@pytest.mark.parametrize("where", ["before", "middle", "after"])
def test_a_run_stopped_at_any_step_resumes_to_the_undisturbed_end(fast_path, monkeypatch, where):
    steps = steps_of(monkeypatch, Life(fast_path / "whole"), ITERATIONS)
    undisturbed = files(fast_path / "whole")
    assert steps > 150
    for number in range(steps):
        root = fast_path / "run"
        life = Life(root)
        stop_at(monkeypatch, number, where, life, ITERATIONS)
        assert_whole(root)
        newest, skipped = CheckpointStore(RunLayout(root)).newest_valid()
        assert not skipped
        assert (newest.name.iteration + 1 if newest else 0) >= life.committed
        Life(root).live(ITERATIONS)
        assert files(root) == undisturbed, f"stopped {where} step {number}"
        assert not strays(root)
        shutil.rmtree(root)


@pytest.mark.parametrize("where", ["before", "after"])
def test_a_fresh_start_stopped_at_any_step_keeps_the_earlier_run(fast_path, monkeypatch, where):
    earlier = fast_path / "earlier"
    Life(earlier).live(ITERATIONS)
    (earlier / "train.log").write_text("a log")
    (earlier / "notes.txt").write_text("a user's")
    before = contents(earlier)
    shutil.copytree(earlier, fast_path / "copy")
    steps = steps_of(monkeypatch, Life(fast_path / "copy", identity=OTHER, fresh=True), 1)
    for number in range(steps):
        root = fast_path / "run"
        shutil.copytree(earlier, root)
        stop_at(monkeypatch, number, where, Life(root, identity=OTHER, fresh=True), 1)
        Life(root, identity=OTHER, fresh=True).live(1)
        after = contents(root)
        assert not before - after, f"lost when stopped {where} step {number}"
        assert (root / "notes.txt").read_text() == "a user's"
        shutil.rmtree(root)


@pytest.mark.parametrize("where", ["before", "after"])
def test_a_resume_from_an_older_iteration_stopped_at_any_step_keeps_the_newer(
    fast_path, monkeypatch, where
):
    earlier = fast_path / "earlier"
    Life(earlier).live(12)
    older = Path("permanent") / "20251113-Victim-v1-4.9M-iter005-elo1004.pth"
    permanent = {
        path.read_bytes() for path in (earlier / "permanent").iterdir() if path.name != older.name
    }
    shutil.copytree(earlier, fast_path / "copy")
    copy = fast_path / "copy"
    steps = steps_of(monkeypatch, Life(copy), 6, resume=copy / older)
    for number in range(steps):
        root = fast_path / "run"
        shutil.copytree(earlier, root)
        stop_at(monkeypatch, number, where, Life(root), 6, resume=root / older)
        Life(root).live(6, resume=root / older)
        assert permanent <= {path.read_bytes() for path in root.rglob("*.pth")}
        newest, _ = CheckpointStore(RunLayout(root)).newest_valid()
        assert newest is not None
        assert newest.name.iteration == 5
        assert (root / "history.jsonl").read_bytes().count(b"\n") == 6
        shutil.rmtree(root)


def contents(root: Path) -> set[bytes]:
    """Return the bytes of all files except those that name the current process."""
    return {
        path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.name not in {"run.lock", "run.lock.json"}
    }


def strays(root: Path) -> list[Path]:
    return [path for path in root.rglob(".*") if path.suffix == ".tmp"]
