"""File-system building blocks: paths, atomic writes, reserved space, blocks in flight, history."""
