"""Rule players of several styles: they bid too low or too high, duck, grab tricks, or err."""
