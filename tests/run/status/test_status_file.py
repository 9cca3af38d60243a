"""status.json: every written file is read back, and any other as far as it can be used."""

import math
import os
import subprocess
import sys
import textwrap
import time
from datetime import datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blobmaster.run.control.process import this_process
from blobmaster.run.errors import FileUnusableError, StatusError, StatusMissingError
from blobmaster.run.files import atomic
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.files.plain_json import plain_json
from blobmaster.run.files.read import read_regular
from blobmaster.run.status.publisher import StatusPublisher
from blobmaster.run.status.schema import Status, Step, decode, encode, read_status
from blobmaster.run.status.step_progress import StepProgress

STATUS = Status(
    run_id="a run", seq=3, state="running", pid=1, process_started_at=1.5, boot_id="b", host="h",
    heartbeat_at=2.5, timestamp=2.5, timestamp_iso="1970-01-01T00:00:02.500+00:00",
    session_started_at=1.0,
    iteration=4, total_iterations=500, eta_hours=None,
    step=Step(name="rating", done=1, total=2, unit="deals", rate=None, seconds_left=None,
              started_at=0.0),
    metrics={"elo": 980.5, "phase": "rounds"},
)  # fmt: skip


def test_what_is_written_is_read(fast_path):
    atomic.replace(fast_path / "status.json", encode(STATUS))
    assert read_status(fast_path / "status.json") == STATUS


def test_metrics_stand_beside_the_core_fields_and_cannot_take_their_names():
    status = msgspec.structs.replace(STATUS, metrics={"elo": 1.0, "iteration": 99})
    raw = msgspec.json.decode(encode(status))
    assert raw["elo"] == 1.0
    assert raw["iteration"] == 4
    assert "metrics" not in raw


def test_what_is_no_finite_number_becomes_null():
    class Scalar:
        def __float__(self) -> float:
            return 0.5

    metrics = {"loss": math.nan, "elo": -math.inf, "x": object(), "y": Scalar(), "z": [math.inf]}
    read = decode(encode(msgspec.structs.replace(STATUS, metrics=metrics)))
    assert read.metrics == {"loss": None, "elo": None, "x": None, "y": 0.5, "z": [None]}


json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.text(), json, max_size=4))
def test_any_metrics_can_be_written_and_read(metrics):
    decode(encode(msgspec.structs.replace(STATUS, metrics=metrics)))


@settings(max_examples=2000)
@given(st.data())
def test_a_damaged_file_is_read_or_refused_with_one_line(data):
    whole = encode(STATUS)
    cut = data.draw(st.integers(0, len(whole)))
    junk = data.draw(st.binary(max_size=8))
    try:
        decode(whole[:cut] + junk + whole[cut + len(junk) :])
    except StatusError as error:
        assert "\n" not in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not valid JSON"),
        (b'{"state": ', "half copied"),
        (b"[1, 2]", "not written by a training run"),
        (b'"running"', "not written by a training run"),
        (b"[" * 500_000, "not valid JSON"),
        (encode(msgspec.structs.replace(STATUS, schema=2)), "schema 2, this version reads 1"),
    ],
)
def test_a_foreign_file_is_refused_with_one_line(fast_path, content, says):
    (fast_path / "status.json").write_bytes(content)
    with pytest.raises(StatusError, match=says):
        read_status(fast_path / "status.json")


def test_a_missing_file_is_told_from_a_bad_one(fast_path):
    with pytest.raises(StatusMissingError, match="has a run begun there"):
        read_status(fast_path / "status.json")


def test_fifos_folders_devices_and_huge_files_are_refused_at_once(fast_path):
    os.mkfifo(fast_path / "fifo")
    with (fast_path / "huge").open("wb") as file:
        file.truncate(1 << 30)
    (fast_path / "link").symlink_to("/dev/zero")
    for name in ("fifo", "huge", "link", "."):
        with pytest.raises(StatusError):
            read_status(fast_path / name)


def test_a_folder_in_a_files_place_is_refused_with_one_line(fast_path):
    (fast_path / "status.json").mkdir()
    (fast_path / "file").touch()
    with pytest.raises(FileUnusableError, match=r"not a regular file; check the path$"):
        read_regular(fast_path / "status.json", 100)
    with pytest.raises(FileUnusableError, match="Not a directory"):
        read_regular(fast_path / "file" / "status.json", 100)


READER = """
import sys, threading, time
from pathlib import Path
from blobmaster.run.status.publisher import StatusPublisher
from blobmaster.run.status.schema import read_status

path, seen, errors = Path(sys.argv[1]), set(), []

def read():
    while not path.with_name("stop").exists():
        try:
            status = read_status(path)
            assert len(status.metrics["filler"]) == status.seq % 5000
            seen.add(status.seq)
        except Exception as error:
            errors.append(error)

threads = [threading.Thread(target=read) for _ in range(25)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(seen), errors[:3])
sys.exit(1 if errors else 0)
"""


def test_a_hundred_readers_see_nothing_but_whole_files(fast_path):
    path = fast_path / "status.json"

    def write(seq: int) -> None:
        metrics = {"filler": "x" * (seq % 5000)}
        status = msgspec.structs.replace(STATUS, seq=seq, metrics=metrics)
        atomic.replace(path, encode(status), atomic.Sync.NOTHING)

    write(0)
    command = [sys.executable, "-c", textwrap.dedent(READER), str(path)]
    readers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for seq in range(1, 1500):
        write(seq)
    (fast_path / "stop").touch()
    for reader in readers:
        said, _ = reader.communicate(timeout=60)
        assert reader.returncode == 0, said


def test_the_timestamp_is_a_number_and_its_iso_form_has_another_name(fast_path):
    layout = RunLayout(fast_path)
    before = time.time()
    progress = StepProgress(time.monotonic(), before)
    StatusPublisher(layout, this_process(), progress, lambda: None).write()
    written = msgspec.json.decode(layout.status.read_bytes())
    assert before <= written["timestamp"] <= time.time()
    iso = datetime.fromisoformat(written["timestamp_iso"])
    assert iso.timestamp() == pytest.approx(written["timestamp"], abs=1e-3)


def test_a_status_with_an_iso_timestamp_is_read_as_its_writer_meant_it():
    old = msgspec.json.decode(encode(STATUS)) | {"timestamp": "2026-01-01T00:00:00.250+00:00"}
    del old["timestamp_iso"]
    read = decode(msgspec.json.encode(old))
    assert read.timestamp == 1767225600.25
    assert read.seq == STATUS.seq
    assert decode(b'{"timestamp": "yesterday"}').timestamp is None


@given(st.dictionaries(st.sampled_from([*msgspec.json.decode(encode(STATUS)), "loss"]), json))
def test_a_field_that_cannot_be_used_is_unknown_and_the_others_are_kept(odd):
    odd.pop("schema", None)
    whole = msgspec.json.decode(encode(STATUS))
    read = decode(msgspec.json.encode(plain_json(whole | odd)))
    for name in whole.keys() - odd.keys() - {"timestamp_iso"}:
        expected = STATUS.metrics.get(name) if name in STATUS.metrics else getattr(STATUS, name)
        assert (
            read.metrics.get(name) if name in STATUS.metrics else getattr(read, name)
        ) == expected
