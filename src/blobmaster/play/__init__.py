"""A person plays against the network, on a full screen or line by line."""
