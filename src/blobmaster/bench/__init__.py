"""Benchmarks: the speed of self-play, search, learning, files and the monitor."""
