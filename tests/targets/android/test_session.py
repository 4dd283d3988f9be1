"""A session with a program that answers line by line, as the agent does, or does not."""

import sys
import threading
from collections.abc import Callable

import pytest

from loadstone.targets.android.session import Session, SessionEndedError

# Says hello, then every line back; ends at one that says so.
_ECHO = """
import sys
print("hello", flush=True)
for line in sys.stdin:
    if line == "end\\n":
        sys.exit("one\\ntwo\\nthree\\nno memory")
    if line != "wait\\n":
        print(line, end="", flush=True)
"""


def session_of(code: str, is_there: Callable[[], bool] = lambda: True) -> Session:
    return Session([sys.executable, "-c", code], is_there)


def test_each_line_is_answered_by_one() -> None:
    session = session_of(_ECHO)
    try:
        assert session.hello == b"hello"
        long = b"x" * 300_000
        assert [session.ask(line + b"\n", 60) for line in (b"a", long, b"")] == [b"a", long, b""]
    finally:
        session.close()


def test_one_that_ends_is_told_by_its_exit_code_and_last_words() -> None:
    session = session_of(_ECHO)
    try:
        with pytest.raises(SessionEndedError) as caught:
            session.ask(b"end\n", 60)
        assert (caught.value.code, str(caught.value)) == (1, "two; three; no memory")
    finally:
        session.close()


def test_one_that_ends_before_its_first_line_is_no_session() -> None:
    with pytest.raises(SessionEndedError, match="exit code 126") as caught:
        session_of("import sys; sys.exit(126)")
    assert caught.value.code == 126


def test_one_that_does_not_answer_in_time_is_told() -> None:
    session = session_of(_ECHO)
    try:
        with pytest.raises(SessionEndedError, match="no answer in time") as caught:
            session.ask(b"wait\n", 0.2)
        assert caught.value.code is None
    finally:
        session.close()


def test_while_it_works_the_device_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [True]
    session = session_of(_ECHO, is_there=lambda: answers[0])
    answers[0] = False
    monkeypatch.setattr("loadstone.targets.android.session._POLL_S", 0.05)
    try:
        with pytest.raises(SessionEndedError, match="adb's server does not list it any more"):
            session.ask(b"wait\n", 60)
    finally:
        session.close()


def test_one_that_is_killed_from_another_thread_ends_at_once() -> None:
    session = session_of(_ECHO)
    killer = threading.Timer(0.1, session.kill)
    killer.start()
    try:
        with pytest.raises(SessionEndedError) as caught:
            session.ask(b"wait\n", 60)
        assert caught.value.code == -9
    finally:
        killer.join()
        session.close()
