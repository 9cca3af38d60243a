"""Search over determinizations: trees, worlds from a belief, ISMCTS, solved endgames."""
