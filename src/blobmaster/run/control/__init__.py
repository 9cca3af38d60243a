"""Requests and signals to a run, its lock, and the identity of its process."""
