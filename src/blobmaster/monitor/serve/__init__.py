"""The monitor as a live page in the browser."""
