"""What any screen needs of a terminal: capabilities, restored settings, log, progress."""
