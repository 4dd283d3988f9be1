"""Exclusive locks on open files (flock), which the kernel drops when their process ends."""

import fcntl
import time

_PAUSE_S = 0.01


def take_lock_within(fd: int, limit_s: float) -> bool:
    """Lock an open file, trying again for so long while another process holds it.

    Returns:
        False where another held it all the time, or the file system has no locks.
    """
    end_s = time.monotonic() + limit_s
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end_s:
                return False
            time.sleep(_PAUSE_S)
        except OSError:
            return False
        else:
            return True
