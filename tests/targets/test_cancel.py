"""A Job is cancelled once, from another thread, and what cleans up after it is not."""

import threading
import time

import pytest

from loadstone.errors import InterruptedRunError
from loadstone.targets.cancel import CancelToken


def test_a_cancellation_is_raised_once() -> None:
    token = CancelToken()
    token.raise_if_cancelled("nothing")
    token.cancel()
    with pytest.raises(InterruptedRunError, match="model-load was cancelled; `loadstone resume`"):
        token.raise_if_cancelled("model-load")
    token.raise_if_cancelled("cleaning up")


def test_who_waits_is_woken_by_it() -> None:
    token = CancelToken()
    waker = threading.Timer(0.05, token.cancel)
    waker.start()
    start_s = time.monotonic()
    with pytest.raises(InterruptedRunError):
        token.raise_if_cancelled("waiting", within_s=60)
    assert time.monotonic() - start_s < 30
    waker.join()
