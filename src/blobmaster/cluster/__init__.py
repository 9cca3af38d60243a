"""Blocks on a cluster: Ray actors play them, bit for bit as threads do."""
