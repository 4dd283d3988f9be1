"""A signal that asks for the end waits until what must not be cut short is done."""

import signal
import threading
from collections.abc import Iterator
from types import FrameType

import pytest

from loadstone.interruption import uninterrupted


class Asked(BaseException):
    pass


@pytest.fixture(autouse=True)
def _handler() -> Iterator[None]:
    def ask(number: int, frame: FrameType | None) -> None:
        del frame
        raise Asked(number)

    before = signal.signal(signal.SIGTERM, ask)
    yield
    signal.signal(signal.SIGTERM, before)


def test_a_signal_waits_for_the_end_and_comes_once() -> None:
    done = []
    with pytest.raises(Asked), uninterrupted():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        done.append("all of it")
    assert done
    with pytest.raises(Asked):
        signal.raise_signal(signal.SIGTERM)


def test_within_another_it_waits_for_the_outer_end() -> None:
    done = []
    with pytest.raises(Asked), uninterrupted():
        with uninterrupted():
            signal.raise_signal(signal.SIGTERM)
        done.append("the rest")
    assert done


def test_an_error_is_kept_beside_the_signal() -> None:
    with pytest.raises(Asked) as found, uninterrupted():
        signal.raise_signal(signal.SIGTERM)
        raise ValueError("of its own")
    assert isinstance(found.value.__context__, ValueError)


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with uninterrupted():
            signal.raise_signal(signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_in_another_thread_nothing_is_touched() -> None:
    seen = []

    def look() -> None:
        with uninterrupted():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]
