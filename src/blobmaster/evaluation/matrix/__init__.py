"""A run's checkpoints and fixed players at tables of each other."""
