"""What all tests share: this folder is importable, and property tests are repeatable."""

from hypothesis import settings

# A kernel's first call compiles it, so no example has a time limit.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")
