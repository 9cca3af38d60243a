"""`python -m blobmaster` is `blobmaster`."""

from blobmaster.cli import main

main()
