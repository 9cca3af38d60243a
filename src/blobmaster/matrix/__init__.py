"""The matrix of a run, as a file and as a heat map: for who makes it and who only shows it."""
