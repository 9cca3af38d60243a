"""BlobMaster trains a player of the card game Blob by self-play, in runs that can be trusted."""

import os

# OpenMP threads that spin while they wait are fast on an idle machine and ruinous on a busy one: a
# learning step of the small network took 730 ms beside two busy processes, and 10 ms with this.
# libgomp reads it when torch loads it.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
