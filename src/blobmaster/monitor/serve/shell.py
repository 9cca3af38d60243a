"""The page without its content: elements for the parts, and the files that it loads."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from blobmaster.monitor.report.markup import attribute, text
from blobmaster.monitor.report.style import CSS
from blobmaster.monitor.serve.parts import Part

_HERE: Final = Path(__file__).parent
_LEVELS: Final = (("info", "all"), ("warning", "warnings and errors"), ("error", "errors"))


def assets() -> dict[str, tuple[str, bytes]]:
    """Return the files that the page loads, by path: content type and bytes."""
    style = CSS.encode() + (_HERE / "page.css").read_bytes()
    return {
        "/page.js": ("text/javascript; charset=utf-8", (_HERE / "page.js").read_bytes()),
        "/page.css": ("text/css; charset=utf-8", style),
        "/icon.svg": ("image/svg+xml", _ICON),
    }


def shell(
    parts: Iterable[Part], *, run: str, interval: float, control: str | None, has_list: bool
) -> bytes:
    """Return the page.

    Args:
        parts: the parts that the page shows.
        run: the run's id in links; empty for the first page.
        interval: seconds between two readings, after which the page expects news.
        control: the secret that requests to the trainer need; None on a page that sends none.
        has_list: True if there is a list of runs to go back to.
    """
    about = f'data-run="{attribute(run)}" data-interval="{interval:g}"'
    if control is not None:
        about += f' data-control="{attribute(control)}"'
    back = '<nav><a href="/">← all runs</a></nav>' if has_list and run else ""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<title>BlobMaster</title><link rel="icon" href="/icon.svg">'
        '<link rel="stylesheet" href="/page.css"><script src="/page.js" defer></script></head>'
        f"<body {about}><noscript>This page needs JavaScript; the same view as text is "
        "<code>blobmaster monitor --once</code>.</noscript>"
        f'{back}<p id="contact" role="alert" hidden></p><main>{"".join(map(_section, parts))}'
        "</main>"
        '<dialog><form method="dialog"><p></p><button value="no" autofocus>No</button> '
        '<button value="yes" class="danger">Yes</button></form></dialog></body></html>\n'
    ).encode()


def _section(part: Part) -> str:
    element = "ol" if part.id == "log" else "div"
    live = ' aria-live="polite"' if part.id == "notices" else ""
    body = f'<{element} id="{part.id}" data-part{live}></{element}>'
    if not part.title:
        return f'<section class="of-{part.id}" hidden>{body}</section>'
    heading = f"<h2>{text(part.title)}{_levels() if part.id == 'log' else ''}</h2>"
    return f'<section class="of-{part.id} panel" hidden>{heading}{body}</section>'


def _levels() -> str:
    options = "".join(f'<option value="{level}">{label}</option>' for level, label in _LEVELS)
    return f' <select id="levels" aria-label="lines of the log that are shown">{options}</select>'


_ICON: Final = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" '
    b'rx="3" fill="#1f63c4"/><path d="M3 12l3-5 3 3 4-7" fill="none" stroke="#fff" '
    b'stroke-width="2" stroke-linejoin="round" stroke-linecap="round"/></svg>'
)
