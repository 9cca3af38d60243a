"""`python ml/train.py` is `blobmaster train`."""

import sys

from blobmaster.cli import main

if __name__ == "__main__":
    main(["train", *sys.argv[1:]])
