"""`python -m blobmaster` is `blobmaster`."""

from blobmaster.cli.main import main

main()
