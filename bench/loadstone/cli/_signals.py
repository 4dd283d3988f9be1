"""Signals that ask the program to end: it ends by them, after it has tidied up."""

import os
import signal
import sys
from types import FrameType
from typing import NoReturn


class Stopped(BaseException):
    """A signal that asks the program to end came in."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = signal.Signals(number)


def take_signals() -> None:
    """From now on the first signal that asks for the end raises ``Stopped``."""
    is_first = True

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        nonlocal is_first
        # Impatience must not cut short what takes down the rest.
        if is_first:
            is_first = False
            raise Stopped(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Who started us may want it ignored (nohup, a shell's background job).
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop)


def die_of(number: signal.Signals) -> NoReturn:
    """End as the signal would have: callers tell an interrupted program from one that failed."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    # Only where it is blocked.
    sys.exit(128 + number)
