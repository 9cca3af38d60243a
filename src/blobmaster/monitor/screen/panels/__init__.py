"""The panels of the screen: a function `draw` per file, listed in `registry`."""
