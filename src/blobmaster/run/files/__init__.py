"""File-system building blocks: paths, atomic writes, retries, blocks in flight, history."""
