"""Messages about runs: the events worth one, and their delivery."""
