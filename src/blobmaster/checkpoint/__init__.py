"""Checkpoints of Blob: read from a file without torch, or loaded as a network."""
