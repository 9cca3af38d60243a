"""Skips tests of number formats that this machine cannot do."""

from __future__ import annotations

import pytest

from blobmaster.config.network import NetworkSettings
from blobmaster.inference.precision import convert
from blobmaster.model.network import new_network


def skip_unless_possible(number_format: str) -> None:
    """Skip the test, with the reason, if this machine cannot do the format."""
    try:
        convert(new_network(NetworkSettings(width=16, blocks=1), 0), number_format)
    except ValueError as error:
        pytest.skip(str(error))
