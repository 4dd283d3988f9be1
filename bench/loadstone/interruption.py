"""What must not be cut short by a signal that asks the program to end."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

_ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Have signals that a function of Python's would handle wait until the end of this.

    Such a function may raise, and it would do so in the midst of what takes something down. It is
    called at the end, for the first signal that came. In other threads than the main one nothing
    has to be done: functions are called there alone.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []

    def wait(number: int, frame: FrameType | None) -> None:
        del frame
        waiting.append(number)

    handlers = {number: signal.getsignal(number) for number in _ASKING}
    taken = {number: handler for number, handler in handlers.items() if callable(handler)}
    for number in taken:
        signal.signal(number, wait)
    try:
        yield
    finally:
        for number, handler in taken.items():
            signal.signal(number, handler)
        if waiting:
            signal.raise_signal(waiting[0])
