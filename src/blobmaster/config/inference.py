"""`[inference]`: where and in which number format networks are evaluated."""

from __future__ import annotations

from typing import Literal

import msgspec

NumberFormat = Literal["fp32", "bf16", "int8"]


class InferenceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the network is evaluated and trained."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    number_format: Literal["auto", NumberFormat] = "auto"
    """What self-play's numbers are made of. `auto` is the fastest here of those that were shown to
    play as well, measured when the run starts, and then kept. Ratings are in fp32."""
