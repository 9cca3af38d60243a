"""Escapes text from a run's files for HTML."""

from __future__ import annotations

import html

from blobmaster.monitor.text import fmt

_LIMIT = 1000


def text(shown: str) -> str:
    """Escape text for an element's content: one line without control codes or markup."""
    return html.escape(fmt.clean(shown, _LIMIT), quote=False)


def attribute(shown: str) -> str:
    """Escape text for an attribute's value in double quotes."""
    return html.escape(fmt.clean(shown, _LIMIT))
