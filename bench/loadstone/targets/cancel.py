"""Cancelling a Job from another thread than the one that waits for it."""

import threading

from loadstone.errors import InterruptedRunError


class CancelToken:
    """One cancellation: raised once in the waiting thread, as its cleaning up runs Jobs too."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """From another thread: make whoever waits raise."""
        self._event.set()

    def raise_if_cancelled(self, what: str, within_s: float = 0.0) -> None:
        """Raise if it is cancelled, or becomes so within a time.

        Args:
            what: is cancelled, as in ``model-load was cancelled``.

        Raises:
            InterruptedRunError: it was.
        """
        if self._event.wait(within_s):
            self._event.clear()
            raise InterruptedRunError(
                f"{what} was cancelled", remedy="`loadstone resume` finishes the run"
            )
