"""Draws docs/monitor-page.webp: the page of the recorded run.

`PYTHONPATH=tests/shared:tests/monitor/serve python tests/monitor/make_page_picture.py FOLDER`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from browser import open_browser
from recorded_run import replay
from serving import serving

from blobmaster.run.files.layout import RunLayout

HOST = "atlas"
"""The recording's machine; the replay has to run on this one."""


def draw(folder: Path) -> None:
    """Save the picture."""
    with tempfile.TemporaryDirectory() as root, open_browser() as browser:
        replay(RunLayout(Path(root)))
        with serving(RunLayout(Path(root))) as server:
            page = browser.new_page(server.url)
            page.wait_for("document.querySelectorAll('figure').length > 4")
            page.resize(1000, 760)
            page.run(f"document.querySelector('.kicker').innerText = 'BlobMaster run on {HOST}'")
            page.screenshot(folder / "monitor-page.webp")


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
