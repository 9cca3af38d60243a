"""Rounds small enough to solve: best responses, equilibria, NashConv."""
