"""Sessions in this process: what a session does to its run directory."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import msgspec
import pytest
from processes import wait_for
from victim import IDENTITY, load, read_state, write_state

from blobmaster.run.checkpoints.store import CheckpointStore, RunIdentity
from blobmaster.run.errors import RunDirectoryError, RunHeldError, WriteAbandonedError
from blobmaster.run.files.history import read_rows
from blobmaster.run.files.layout import CheckpointName, RunLayout
from blobmaster.run.session import RunSession
from blobmaster.run.status.schema import read_status

OTHER = msgspec.structs.replace(IDENTITY, run_id="other")


def train(root, upto: int, *, identity=IDENTITY, fresh=False, resume=None, **options):
    """Train in this process; return the folder that an earlier run was moved to."""
    with RunSession.open(root, command="test") as session:
        newest = None if fresh else session.store.newest_valid()[0]
        path = resume or (newest and newest.path)
        meta = session.store.read(path)[1] if path else None
        moved = session.begin(
            identity, upto, meta, "test --resume", checkpoint=path or None, **options
        )
        for iteration in range(session.first_iteration, upto):
            write = partial(write_state, b"%d" % iteration, 0)
            session.commit(iteration, write, metrics={"loss": iteration}, elo=1000.0)
        session.finish()
    return moved


@pytest.mark.parametrize("end", ["finish", "paused", "fail"])
def test_a_run_that_has_ended_works_on_no_step_but_a_failed_one_tells_where_it_was(fast_path, end):
    with RunSession.open(fast_path, command="test") as session:
        session.begin(IDENTITY, 2, None, "")
        session.step("learning", total=20, unit="batches")
        session.commit(0, partial(write_state, b"", 0), metrics={})
        session.fail("of itself") if end == "fail" else getattr(session, end)()
    step = read_status(RunLayout(fast_path).status).step
    assert (step and step.name) == ("learning" if end == "fail" else None)


def commit_once(session, write, *, settled: bool) -> None:
    session.begin(IDENTITY, 2, None, "")
    session.commit(0, write, metrics={})
    if settled:
        session.wait_for_commit()


def paths(root) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_thirty_iterations_leave_six_permanent_and_the_newest_four_others(fast_path):
    train(fast_path, 30)
    names = {CheckpointName.parse(path.name) for path in (fast_path / "permanent").iterdir()}
    assert sorted(name.iteration + 1 for name in names) == [5, 10, 15, 20, 25, 30]
    assert {name.elo for name in names} == {1000}
    names = {CheckpointName.parse(path.name) for path in (fast_path / "cache").iterdir()}
    assert sorted(name.iteration + 1 for name in names) == [26, 27, 28, 29]
    assert {name.elo for name in names} == {None}


def test_files_are_readable_by_whom_the_umask_lets(fast_path):
    before = os.umask(0o027)
    try:
        train(fast_path / "run", 1)
    finally:
        os.umask(before)
    modes = {
        path.name: oct(path.stat().st_mode & 0o777) for path in (fast_path / "run").rglob("*.*")
    }
    assert set(modes.values()) <= {"0o640", "0o750"}, modes


def test_a_fresh_start_moves_the_earlier_run_aside_whole_and_nothing_else(fast_path):
    train(fast_path, 6)
    (fast_path / "notes.txt").write_text("a user's")
    before = {path for path in paths(fast_path) if path not in {"notes.txt", "run.lock"}}
    moved = train(fast_path, 1, identity=OTHER, fresh=True)
    assert moved == fast_path / "archive" / "victim"
    assert paths(moved) == before
    assert read_status(moved / "status.json").state == "finished"
    assert (fast_path / "notes.txt").read_text() == "a user's"
    again = train(fast_path, 1, fresh=True)
    assert again == fast_path / "archive" / "other"
    assert train(fast_path, 1, fresh=True) == fast_path / "archive" / "victim-2"


def test_an_archived_run_can_be_resumed_where_it_lies(fast_path):
    train(fast_path, 3)
    moved = train(fast_path, 1, identity=OTHER, fresh=True)
    train(moved, 4)
    assert [row.iteration for row in read_rows(moved / "history.jsonl").rows] == [1, 2, 3, 4]


def test_a_matrix_goes_to_the_archive_with_its_run(fast_path):
    train(fast_path, 1)
    (fast_path / "matrix.json").write_text("measured")
    train(fast_path, 2, resume=next(fast_path.glob("*/*iter001*")))
    assert (fast_path / "matrix.json").read_text() == "measured"
    moved = train(fast_path, 1, identity=OTHER, fresh=True)
    assert not (fast_path / "matrix.json").exists()
    assert (moved / "matrix.json").read_text() == "measured"


def test_a_resume_from_an_older_iteration_moves_what_lies_after_it_aside(fast_path):
    train(fast_path, 9)
    older = next(fast_path.glob("permanent/*iter005*"))
    train(fast_path, 6, resume=older)
    aside = fast_path / "archive" / "victim-after-iter005"
    assert len(list(aside.rglob("*.pth"))) == 4
    assert [row.iteration for row in read_rows(fast_path / "history.jsonl").rows] == [
        1,
        2,
        3,
        4,
        5,
        6,
    ]
    newest, _ = CheckpointStore(RunLayout(fast_path)).newest_valid()
    assert newest.name.iteration == 5


def test_a_resume_from_a_file_elsewhere_goes_on_as_the_same_run(fast_path):
    train(fast_path / "a", 3)
    train(fast_path / "b", 2, identity=OTHER)
    file = next((fast_path / "a").glob("cache/*iter003*"))
    moved = train(fast_path / "b", 4, identity=OTHER, resume=file)
    assert moved == fast_path / "b" / "archive" / "other"
    assert read_status(fast_path / "b" / "status.json").run_id == "victim"
    assert iterations(fast_path / "b") == [1, 2, 3, 4]


def iterations(root) -> list[int]:
    return [row.iteration for row in read_rows(root / "history.jsonl").rows]


def test_a_copy_of_a_checkpoint_far_from_its_run_brings_its_own_rows(fast_path):
    train(fast_path / "a", 3)
    file = next((fast_path / "a").glob("cache/*iter003*"))
    (fast_path / "backup").mkdir()
    copy = file.rename(fast_path / "backup" / file.name)
    train(fast_path / "b", 4, resume=copy)
    assert iterations(fast_path / "b") == [3, 4]
    train(fast_path / "a", 4, resume=copy)
    assert iterations(fast_path / "a") == [1, 2, 3, 4]
    assert not (fast_path / "a" / "archive").exists()


def test_later_checkpoints_keep_their_history_in_the_archive_and_a_resume_takes_it(fast_path):
    train(fast_path, 12)
    first = (fast_path / "history.jsonl").read_bytes()
    train(fast_path, 8, resume=next(fast_path.glob("permanent/*iter005*")))
    second = (fast_path / "history.jsonl").read_bytes()
    aside = fast_path / "archive" / "victim-after-iter005"
    assert (aside / "history.jsonl").read_bytes() == first
    train(fast_path, 13, resume=next(aside.glob("cache/*iter011*")))
    rows = (fast_path / "history.jsonl").read_bytes().splitlines(keepends=True)
    assert rows[:11] == first.splitlines(keepends=True)[:11]
    assert iterations(fast_path) == list(range(1, 14))
    # The iterations 6 to 8 of the second way are not those that lead to iteration 11.
    other = fast_path / "archive" / "victim-after-iter005-2"
    assert (other / "history.jsonl").read_bytes() == second
    assert sorted(path.name[-11:-4] for path in other.rglob("*.pth")) == [
        "iter006",
        "iter007",
        "iter008",
    ]
    kept = [entry.name.iteration + 1 for entry in CheckpointStore(RunLayout(fast_path)).entries()]
    assert kept == [5, 12, 13]


def test_a_checkpoint_that_is_a_link_is_resumed_and_one_without_its_file_is_named(fast_path):
    root = fast_path / "run"
    train(root, 3)
    newest = next(root.glob("cache/*iter003*"))
    newest.rename(fast_path / "elsewhere.pth")
    newest.symlink_to(fast_path / "elsewhere.pth")
    store = CheckpointStore(RunLayout(root))
    assert store.newest_valid()[0].path == newest
    (fast_path / "elsewhere.pth").unlink()
    entry, skipped = store.newest_valid()
    assert entry.name.iteration == 1
    assert [path for path, _ in skipped] == [newest]
    assert "No such file" in skipped[0][1]


def test_a_session_that_begins_no_run_leaves_the_earlier_status_as_it_was(fast_path):
    train(fast_path, 2)
    before = (fast_path / "status.json").read_bytes()
    with pytest.raises(ValueError, match="mistyped"), RunSession.open(fast_path, command="test"):
        raise ValueError("a mistyped path")
    assert (fast_path / "status.json").read_bytes() == before


def test_a_session_that_begins_no_run_in_an_empty_directory_leaves_no_status(fast_path):
    with RunSession.open(fast_path, command="test"):
        pass
    assert paths(fast_path) == {"run.lock"}


def test_a_session_that_cannot_open_leaves_the_directory_free_and_as_it_was(fast_path):
    train(fast_path, 2)
    before = (fast_path / "status.json").read_bytes()
    with ThreadPoolExecutor(1) as pool:  # only the main thread may install signal handlers
        opening = pool.submit(RunSession.open, fast_path, command="test")
    assert isinstance(opening.exception(), ValueError)
    assert (fast_path / "status.json").read_bytes() == before
    with RunSession.open(fast_path, command="test"):
        pass


def test_a_signal_that_the_loop_handles_itself_ends_nothing(fast_path):
    handled = []
    before = signal.signal(signal.SIGCHLD, lambda *_: handled.append(True))
    try:
        with RunSession.open(fast_path, command="test") as session:
            session.begin(IDENTITY, 1, None, "")
            subprocess.run(["true"], check=True)
            assert handled
            # The ticker takes signals in their order, so it has seen the first when it acts on
            # the second.
            os.kill(os.getpid(), signal.SIGUSR1)
            wait_for(session.should_stop.is_set, "the signal")
            assert session.exit_status == 128 + signal.SIGUSR1
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_iterations_that_are_not_saved_have_their_history_with_the_next_commit(fast_path):
    with RunSession.open(fast_path, command="test") as session:
        session.begin(IDENTITY, 3, None, "")
        session.complete(0, {"loss": 3})
        session.complete(1, {"loss": 2})
        assert not (fast_path / "history.jsonl").exists()
        session.commit(2, partial(write_state, b"", 0), metrics={"loss": 1})
        session.finish()
    assert [row.metrics["loss"] for row in read_rows(fast_path / "history.jsonl").rows] == [3, 2, 1]
    assert len(session.store.entries()) == 1


def test_the_start_of_a_run_can_be_committed_and_goes_with_the_first_iteration(fast_path):
    with RunSession.open(fast_path, command="test") as session:
        session.begin(IDENTITY, 2, None, "")
        session.commit_start(partial(write_state, b"start", 0))
        session.paused()
    state, meta = load(session.store)
    assert state == b"start"
    assert meta.iteration == -1
    train(fast_path, 2)
    assert [entry.name.iteration for entry in session.store.entries()] == [0, 1]


@pytest.mark.parametrize("settled", [True, False])
def test_a_failed_save_is_told_in_one_line(fast_path, settled):
    def diverge(file) -> None:
        raise FloatingPointError("loss is\nnot finite")

    session = RunSession.open(fast_path, command="test")
    with pytest.raises(FloatingPointError), session:
        commit_once(session, diverge, settled=settled)
    assert session.exit_status == 1
    status = read_status(fast_path / "status.json")
    assert (status.state, status.error) == ("failed", "FloatingPointError: loss is not finite")


def test_giving_up_ends_the_block_like_a_pause(fast_path):
    with RunSession.open(fast_path, command="test") as session:
        session.begin(IDENTITY, 2, None, "")
        raise WriteAbandonedError("no room")
    assert session.exit_status == 0
    assert read_status(fast_path / "status.json").state == "paused"


def test_a_directory_that_cannot_be_made_is_one_line(fast_path):
    (fast_path / "file").write_text("in the way")
    with pytest.raises(RunDirectoryError, match="cannot create"):
        RunSession.open(fast_path / "file" / "run", command="test")


def test_a_held_directory_is_refused_and_the_holder_goes_on(fast_path):
    with RunSession.open(fast_path, command="first"):
        with pytest.raises(RunHeldError, match=f"process {os.getpid()} on"):
            RunSession.open(fast_path, command="second")
        assert read_status(fast_path / "status.json").state == "starting"


def test_strays_of_a_dead_session_are_removed_and_foreign_files_are_not(fast_path):
    train(fast_path, 2)
    ours = [".status.json.tmp", "cache/.20251113-Victim-v1-4.9M-iter003.pth.tmp"]
    foreign = [".mine.tmp", "cache/.mine.pth.tmp", "cache/20251113.pth"]
    for name in ours + foreign:
        (fast_path / name).write_text("half")
    train(fast_path, 3)
    assert not paths(fast_path) & set(ours)
    assert paths(fast_path) >= set(foreign)


def test_a_run_is_named_by_what_can_be_in_a_file_name():
    with pytest.raises(ValueError, match="plain file name"):
        msgspec.structs.replace(IDENTITY, run_id="../outside")
    with pytest.raises(ValueError, match="could be named"):
        RunIdentity(run_id="a", project="two words", architecture=1, parameters=1, seed=0)


def test_importing_the_run_layer_loads_nothing_heavy():
    heavy = "torch", "numpy", "numba", "ray", "textual", "rich", "pydantic"
    code = f"import sys, blobmaster.run.session; print([m for m in {heavy} if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_saving_goes_on_while_the_loop_works(fast_path):
    working = threading.Event()

    def slow(file) -> None:
        assert working.wait(60)
        write_state(b"slow", 0, file)

    with RunSession.open(fast_path, command="test") as session:
        session.begin(IDENTITY, 2, None, "")
        session.commit(0, slow, metrics={})
        assert not session.store.entries()
        working.set()  # reached while the save is in progress
        assert session.wait_for_commit()
        assert read_state(session.store.read(session.store.entries()[0].path)[0]) == b"slow"
        session.paused()


@pytest.mark.parametrize("advised", [None, "test --resume --learning-rate 1e-4"])
def test_the_command_that_resumes_is_the_session_s_own_until_its_first_commit(fast_path, advised):
    train(fast_path, 1)
    may_write = threading.Event()

    def write(file) -> None:
        assert may_write.wait(60)
        write_state(b"", 0, file)

    with RunSession.open(fast_path, command="test") as session:
        newest = session.store.newest_valid()[0]
        meta = session.store.read(newest.path)[1]
        session.begin(IDENTITY, 3, meta, "test --resume", until_commit="test --resume --more")
        session.commit(1, write, metrics={})
        assert session.resume_command == "test --resume --more"
        if advised is not None:  # and a commit in progress leaves a failure's own as it is
            session.fail("diverged", resume_command=advised)
        may_write.set()
        session.wait_for_commit()
    assert read_status(RunLayout(fast_path).status).resume_command == (advised or "test --resume")
