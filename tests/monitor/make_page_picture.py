"""Draws docs/monitor-page.webp: the page of the recorded run.

`PYTHONPATH=tests/shared:tests/monitor/serve python tests/monitor/make_page_picture.py FOLDER`.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from pathlib import Path

from browsers import Browser
from recorded_run import replay
from serving import serving

from blobmaster.run.files.layout import RunLayout

HOST = "atlas"
"""The recording's machine; the replay has to run on this one."""


def draw(folder: Path) -> None:
    """Save the picture."""
    with (
        tempfile.TemporaryDirectory() as root,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        contextlib.closing(Browser(Path(profile))) as browser,
    ):
        replay(RunLayout(Path(root)))
        with serving(RunLayout(Path(root))) as server:
            page = browser.page(server.url, width=1000, height=760)
            page.wait("document.querySelectorAll('figure').length > 4")
            page.value(f"document.querySelector('.kicker').innerText = 'BlobMaster run on {HOST}'")
            page.picture(folder / "monitor-page.webp", whole=False)


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
