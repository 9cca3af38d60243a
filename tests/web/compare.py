"""Compare the networks of checkpoints in Node with Python, over 2,000 rounds and 5,000 positions.

`PYTHONPATH=tests/shared python tests/web/compare.py CHECKPOINT...` prints a line for each.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from golden import large

from blobmaster.checkpoint.network import load_trained

ROUNDS, POSITIONS = 2000, 5000


def main(checkpoints: list[Path]) -> None:
    """Print what the comparison finds."""
    for path in checkpoints:
        trained = load_trained(path, torch.device("cpu"))
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(large(ROUNDS, POSITIONS, [trained]), file)
            file.flush()
            command = ["node", Path(__file__).with_name("golden_in_node.mjs"), file.name]
            found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        network = found["networks"][0]
        print(
            f"{path.name}: problems {found['problems']}, largest difference of a logit "
            f"{network['difference']:.1g}, same choice in {network['same']} of {POSITIONS}"
        )


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
