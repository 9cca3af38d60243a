"""`python ml/monitor.py` is `blobmaster monitor`."""

import sys

from blobmaster.cli.main import main

if __name__ == "__main__":
    main(["monitor", *sys.argv[1:]])
