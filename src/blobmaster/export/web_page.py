"""The web page: rules, features, networks and their play in one HTML file."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from blobmaster.export.inlining import inlined

FIRST_LINES: Final = "<!DOCTYPE html>\n<!-- made by blobmaster export -->\n"
"""First lines of every page; a file without them is no page and is never replaced."""

WEB: Final = Path(__file__).parent / "web"
"""The JavaScript modules: a link to `web/` of the repository, a folder in an installed package."""


def web_page(networks: Sequence[dict[str, Any]]) -> str:
    """Return the page.

    Args:
        networks: the contents of network files; the first plays unless another is chosen.
    """
    page = WEB / "page"
    parts = {
        "style": _without_end((page / "style.css").read_text("utf-8")),
        "script": _without_end(inlined(page / "main.js")),
        "networks": "\n".join(_network_element(network) for network in networks),
    }
    parts["policy"] = _policy(parts["style"], parts["script"])
    # Not `str.format`: the template is HTML, and a part may hold braces.
    html = (page / "page.html").read_text("utf-8")
    for name in ("policy", "style", "networks", "script"):
        html = html.replace(f"<!--{name}-->", parts[name])
    return FIRST_LINES + html


def _policy(style: str, script: str) -> str:
    """Return a content security policy: these two texts run, and nothing is loaded or sent."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _network_element(network: dict[str, Any]) -> str:
    # "<" only stands in a text, where JSON has an escape for it: nothing can end the element early.
    content = json.dumps(network, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json" class="network">{content}</script>'


def _without_end(text: str) -> str:
    """Return a text for a script or style element, which must not hold the element's end."""
    if "</" in text:
        raise ValueError("a script or style for a page must not hold '</'")
    return text
