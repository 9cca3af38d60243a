"""Checkpoint names: every written name parses, and only such names parse."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blobmaster.run.files.layout import CheckpointName

names = st.builds(
    CheckpointName,
    start_date=st.from_regex(r"[0-9]{8}", fullmatch=True),
    project=st.text(string.ascii_letters + string.digits + "_", min_size=1),
    architecture=st.integers(0, 99),
    millions=st.floats(0, 10_000).map(lambda millions: f"{millions:.1f}"),
    iteration=st.integers(0, 99_999),
    elo=st.none() | st.integers(0, 99_999),
)


@given(names)
def test_a_name_is_read_as_it_was_made(name):
    assert CheckpointName.parse(name.format()) == name


@given(st.text())
def test_what_is_read_is_exactly_what_would_be_written(text):
    for candidate in (text, f"20251113-Blobmaster-v1-4.9M-iter{text}.pth"):
        parsed = CheckpointName.parse(candidate)
        assert parsed is None or parsed.format() == candidate


def test_the_documented_names():
    permanent = CheckpointName.parse("20251113-Blobmaster-v1-4.9M-iter005-elo0980.pth")
    assert (permanent.iteration, permanent.elo, permanent.millions) == (4, 980, "4.9")
    assert CheckpointName.parse("20251113-Blobmaster-v1-4.9M-iter007.pth").elo is None


@pytest.mark.parametrize(
    "name",
    [
        "20251113-Blobmaster-v1-4.9M-iter5.pth",
        "20251113-Blobmaster-v1-4.9M-iter0005.pth",
        "20251113-Blobmaster-v01-4.9M-iter005.pth",
        "20251113-Blobmaster-v1-4.9M-iter005.pth.bak",
        "../20251113-Blobmaster-v1-4.9M-iter005.pth",
        "20251113-Blobmaster-v1-4.9M-iter005-elo98.pth",
        "20251113-Blobmaster-v1-4.9M-iter٠٠٥.pth",
        ".20251113-Blobmaster-v1-4.9M-iter005.pth.tmp",
    ],
)
def test_other_names_are_nobodys(name):
    assert CheckpointName.parse(name) is None
