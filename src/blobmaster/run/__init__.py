"""The files of a training run, for any training loop: checkpoints, status, control, history."""
