"""Training: the iteration, the learner, the replay buffer, and metrics."""
