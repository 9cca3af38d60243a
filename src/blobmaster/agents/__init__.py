"""Players: each chooses actions for a batch of states. A file per kind, one registry."""
