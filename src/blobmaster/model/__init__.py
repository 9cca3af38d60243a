"""The network: its features, its layers, and the meaning of its outputs."""
