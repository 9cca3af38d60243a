"""What all tests share: imports from here, property tests that repeat, Ctrl+C that is heard."""

import signal

from hypothesis import settings

# A kernel's first call compiles it, so no example has a time limit.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")

# A shell starts what it puts in the background with Ctrl+C ignored, and every process that a test
# starts would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
