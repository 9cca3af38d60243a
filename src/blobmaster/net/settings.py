"""The network's settings, apart from the network so that checking them loads no torch."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

NumberFormat = Literal["fp32", "bf16", "int8"]


class NetworkSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The shape of the actor and of the critic; the default has about 4.9M parameters in all."""

    width: Annotated[int, Meta(ge=16, le=8192)] = 688
    blocks: Annotated[int, Meta(ge=1, le=64)] = 2


class InferenceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the network is evaluated and trained."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    number_format: Literal["auto", NumberFormat] = "auto"
    """What self-play's numbers are made of. `auto` is the fastest here of those that were shown to
    play as well, measured when the run starts, and then kept. Ratings are in fp32."""
