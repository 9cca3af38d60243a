"""Checkpoint files: written, sealed, found, verified, retained and archived."""
