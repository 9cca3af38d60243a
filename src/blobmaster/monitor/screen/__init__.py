"""The full-screen monitor: panels, widgets, charts and key bindings."""
