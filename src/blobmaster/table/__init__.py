"""A person's seat among networks: the game as data, its words, its screen and its saved file."""
