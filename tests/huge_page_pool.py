"""The pool of huge pages is the machine's: one test process at a time reserves or takes some."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

_NR_HUGEPAGES = Path("/proc/sys/vm/nr_hugepages")


@contextlib.contextmanager
def untouched() -> Iterator[None]:
    """Meanwhile no other test process reserves or takes any: it waits."""
    with _NR_HUGEPAGES.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def reserved(count: int) -> Iterator[None]:
    """Reserve ``count`` more than there are now, and give them back."""
    if os.geteuid() != 0:
        pytest.skip("reserving huge pages needs root: run pytest as root")
    with untouched():
        before = int(_NR_HUGEPAGES.read_text())
        _NR_HUGEPAGES.write_text(str(before + count))
        try:
            if int(_NR_HUGEPAGES.read_text()) < before + count:
                pytest.skip(f"memory is too fragmented for {count} huge pages: reboot")
            yield
        finally:
            _NR_HUGEPAGES.write_text(str(before))
