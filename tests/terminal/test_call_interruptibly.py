"""Ctrl+C ends a wait for another thread, whichever thread the kernel gives the signal to."""

import signal
import threading

import pytest

from blobmaster.terminal.console import call_interruptibly


def test_a_signal_that_another_thread_receives_interrupts_the_call():
    release = threading.Event()
    released: list[bool] = []

    def work() -> None:
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)
        released.append(release.wait(30))

    with pytest.raises(KeyboardInterrupt):
        call_interruptibly(work)
    assert released == []
    release.set()


def test_results_and_errors_pass_through():
    def refuse() -> None:
        raise TimeoutError("the function's own")

    assert call_interruptibly(lambda: 7) == 7
    with pytest.raises(TimeoutError, match="the function's own"):
        call_interruptibly(refuse)
