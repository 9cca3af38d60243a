"""`[inference]`: the device and the number format in which networks are evaluated."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from blobmaster.config.flag import Flag

NumberFormat = Literal["fp32", "bf16", "int8"]


class InferenceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The device of the network, and the number format of self-play."""

    device: Annotated[Literal["auto", "cpu", "cuda"], Flag("--device")] = "auto"
    """Device on which the network is evaluated and trained. `auto` takes a CUDA GPU if there is
    one."""

    number_format: Literal["auto", NumberFormat] = "auto"
    """Number format of the network in self-play. `auto` measures the formats that were shown to
    play as well as fp32 when the run starts, takes the fastest, and keeps it for the whole run.
    Ratings always use fp32."""
