"""`python ml/train.py` is `blobmaster train`."""

import sys

from blobmaster.cli.main import main

if __name__ == "__main__":
    main(["train", *sys.argv[1:]])
