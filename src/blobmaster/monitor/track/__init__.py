"""Export of a run's history to trackers, from the reader's side: the trainer needs none."""
