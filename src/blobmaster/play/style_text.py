"""Says in words how a person bids and plays."""

from __future__ import annotations

from typing import Final

from blobmaster.game.styles import (
    DUCK,
    EXACTLY,
    HIGH_FIRST,
    LOW_FIRST,
    TAKE,
    TRAINING_STYLES,
    Style,
)

_CLEAR_BIAS: Final = 0.9
"""Tricks from which on a bid is too low or too high, not only a little."""

_PLAYING: Final = {
    (DUCK, None): "avoid every trick",
    (HIGH_FIRST, None): "play high cards first",
    (LOW_FIRST, None): "play low cards first",
    (TAKE, None): "take your tricks early",
    (TAKE, TAKE): "take every trick",
    (EXACTLY, None): "play for your bid",
    (EXACTLY, TAKE): "go on taking tricks once your bid is made",
}
"""Words for how a style plays, by its aims before and after the bid is reached. None is any aim."""


def style_line(style: Style) -> str:
    """Tell the person in which style they play: `You play like the underbidder, who …`"""
    if style in TRAINING_STYLES:
        how = f"You play like the {style.name}, who {style.meaning}."
    else:
        how = f"You seem to {_bidding(style)} and to {_playing(style)}."
    return f"{how} The networks have noticed, and adapt."


def _bidding(style: Style) -> str:
    if abs(style.bid_bias) > _CLEAR_BIAS:
        return "bid too low" if style.bid_bias < 0 else "bid too high"
    return "bid a little too low" if style.bid_bias < 0 else "bid about right"


def _playing(style: Style) -> str:
    aims = style.until_met, style.once_met
    return _PLAYING.get(aims) or _PLAYING[style.until_met, None]
