"""A game of a person against the network, on a screen or in lines."""
