"""Self-play: deals, lanes, decisions by lookahead or search, the pool of workers."""
