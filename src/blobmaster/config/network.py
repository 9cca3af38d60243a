"""`[network]`: the shape of the network."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class NetworkSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The shape of the actor and of the critic; the default has about 4.9M parameters in all."""

    width: Annotated[int, Meta(ge=16, le=8192)] = 688
    blocks: Annotated[int, Meta(ge=1, le=64)] = 2
