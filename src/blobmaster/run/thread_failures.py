"""Logs and shows the errors that end threads beside the training loop."""

import logging
import threading

from blobmaster.run.status.publisher import StatusPublisher

THREAD_FAILED = "thread-failed"
"""Kind of the alert for a thread beside the loop that ended by an error."""

log = logging.getLogger(__name__)


class ThreadFailures:
    """Reports such errors from its construction until `close`; the loop goes on without them."""

    def __init__(self, publisher: StatusPublisher) -> None:
        self._publisher = publisher
        self._hook_before = threading.excepthook
        threading.excepthook = self._report

    def close(self) -> None:
        """Leave the errors to the hook that was there before."""
        threading.excepthook = self._hook_before

    def _report(self, failure: threading.ExceptHookArgs) -> None:
        if issubclass(failure.exc_type, SystemExit):
            return
        name = "" if failure.thread is None else f" {failure.thread.name}"
        reason = " ".join(f"{failure.exc_type.__name__}: {failure.exc_value}".split())
        message = f"the thread{name} has failed, and the run continues without it: {reason}"
        trace = failure.exc_value and (failure.exc_type, failure.exc_value, failure.exc_traceback)
        log.error("%s", message, exc_info=trace)
        self._publisher.raise_alert(THREAD_FAILED, "error", message)
