"""Giving up a Job from another thread than the one that waits for it."""

import threading

from loadstone.errors import InterruptedRunError


class CancelToken:
    """A wish of another thread, heeded once: what tidies up afterwards are Jobs too."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """From another thread: whoever waits shall raise."""
        self._event.set()

    def raise_if_cancelled(self, what: str, within_s: float = 0.0) -> None:
        """Raise if it is wished for, or comes to be within a time.

        Args:
            what: is given up, as in ``model-load was given up``.

        Raises:
            InterruptedRunError: it was.
        """
        if self._event.wait(within_s):
            self._event.clear()
            raise InterruptedRunError(f"{what} was given up")
