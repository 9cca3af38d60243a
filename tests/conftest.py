"""Settings of all tests: property tests that repeat, and signals that child processes hear."""

import signal

from hypothesis import settings

# A kernel's first call compiles it, so no example has a time limit.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")

# A shell starts background jobs with Ctrl+C ignored, and nohup ignores hang-ups. A child process
# inherits an ignored signal, but gets the default for one that has a handler here. So the
# programs under test hear both, and the test run itself still survives a hang-up.
signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)
