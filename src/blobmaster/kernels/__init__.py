"""Compiled functions: numba kernels and their cache, machine instructions, random streams."""
