"""`[network]`: the size of the network."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class NetworkSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The size of the actor and of the critic; the default has about 4.9M parameters in total."""

    width: Annotated[int, Meta(ge=16, le=8192)] = 632
    """Units of each hidden layer."""

    blocks: Annotated[int, Meta(ge=1, le=64)] = 2
    """Residual blocks of the actor and of the critic."""
