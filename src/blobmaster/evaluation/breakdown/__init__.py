"""An evaluation in parts: by cards dealt, number of players and seat."""
