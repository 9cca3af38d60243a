"""status.json: its fields, who writes it, and what is sampled for it."""
