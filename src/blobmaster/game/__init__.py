"""The rules of Blob: cards, rounds, scoring, games, and the records of played rounds."""
