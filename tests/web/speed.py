"""Measure the modules with the default network in Chromium: loading, a decision, a card's advice.

`PYTHONPATH=tests/shared python tests/web/speed.py` prints each at full speed, and on a core that
Chromium slows down by 6, like a cheap phone.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import torch
from browsers import Browser
from saved_networks import save_network

from blobmaster.checkpoint.network import load_trained
from blobmaster.config.network import NetworkSettings
from blobmaster.export.inlining import inlined
from blobmaster.export.network_file import network_file
from blobmaster.export.web_page import web_page
from blobmaster.model.network import new_network

SCRIPT = Path(__file__).with_name("speed_in_browser.js")
SLOWER = 6


def main() -> None:
    """Print the figures."""
    folder = Path(tempfile.mkdtemp())
    trained = load_trained(save_network(folder), torch.device("cpu"))
    network = network_file(replace(trained, network=new_network(NetworkSettings(), 1)))
    print(f"the page with the default network: {len(web_page([network]).encode()) / 1e6:.2f} MB")
    page = folder / "speed.html"
    page.write_text(
        "<!DOCTYPE html><meta charset='utf-8'><title>Speed</title>"
        f"<script type='application/json' id='network'>{json.dumps(network)}</script>"
        f"<script type='module'>{inlined(SCRIPT)}</script>",
        "utf-8",
    )
    with closing(Browser(folder / "profile")) as browser:
        shown = browser.page(page.as_uri())
        for rate in (1, SLOWER):
            shown.call("Emulation.setCPUThrottlingRate", rate=rate)
            found = shown.value("globalThis.measure()")
            print(
                f"1/{rate} of the speed: " + ", ".join(f"{k} {v:.1f} ms" for k, v in found.items())
            )
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
