"""Self-play on a cluster: blocks are played by Ray actors, bit for bit as on threads."""
