"""The monitor: shows a run from its files alone, from any machine, and never disturbs it."""
