"""Checkpoint files: written with retries, sealed, found, verified, retained and archived."""
