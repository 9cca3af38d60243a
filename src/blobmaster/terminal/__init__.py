"""Terminal output: capabilities, restored settings, log and progress."""
