"""Text from a run's files made safe to stand in HTML."""

from __future__ import annotations

import html

from blobmaster.monitor.text import words

_LIMIT = 1000


def text(shown: str) -> str:
    """For the content of an element: one line, no control codes, nothing that is markup."""
    return html.escape(words.clean(shown, _LIMIT), quote=False)


def attribute(shown: str) -> str:
    """For the value of an attribute, between double quotes."""
    return html.escape(words.clean(shown, _LIMIT))
