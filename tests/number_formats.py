"""Which number formats this machine can do."""

from __future__ import annotations

import pytest

from blobmaster.net.formats import packed
from blobmaster.net.model import new_network
from blobmaster.net.settings import NetworkSettings


def skip_unless_possible(number_format: str) -> None:
    """Skip the test, with the reason, where the format cannot be."""
    try:
        packed(new_network(NetworkSettings(width=16, blocks=1), 0), number_format)
    except ValueError as error:
        pytest.skip(str(error))
