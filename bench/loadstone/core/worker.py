"""The process that executes Jobs for the local Target.

It imports the core once, then forks a child for every Job: each Trial has a fresh address
space, and a SIGBUS, an out-of-memory kill or a hang ends that child alone. Jobs come in and
Outcomes go out on the given descriptors as msgpack, each behind its length (4 bytes, little
endian).
"""

import ctypes
import errno
import os
import select
import signal
import struct
import sys
import time
from pathlib import Path
from typing import IO, TypeVar

import msgspec

from loadstone.core import native
from loadstone.cpu_list import parse_cpu_list
from loadstone.model import NO_ANSWER, CoreError, Job, Outcome

CANNOT_START = "start a process for it"
"""The step of an error where a limit left no room for a Job's process."""

_PR_SET_PDEATHSIG = 1
_EXIT_LIMIT_S = 5.0
_PAUSE_S = 0.05
_LENGTH = struct.Struct("<I")
_Message = TypeVar("_Message")


def send(stream: IO[bytes], message: msgspec.Struct) -> None:
    """Write one message behind its length."""
    payload = msgspec.msgpack.encode(message)
    stream.write(_LENGTH.pack(len(payload)) + payload)
    stream.flush()


def receive(stream: IO[bytes], kind: type[_Message]) -> _Message | None:
    """Read one message; None at the end of the stream, also in the middle of a message."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    payload = stream.read(length)
    return msgspec.msgpack.decode(payload, type=kind) if len(payload) == length else None


def main() -> None:
    """Serve Jobs from standard input until it ends; Outcomes go to standard output."""
    die_with_parent()
    _die_of_interrupts()
    jobs, outcomes = sys.stdin.buffer, sys.stdout.buffer
    while (job := receive(jobs, Job)) is not None:
        outcome = execute(job)
        try:
            send(outcomes, outcome)
        except BrokenPipeError:
            # The reader was killed; an ordinary exit would try to flush again.
            os._exit(1)


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent is gone, also by SIGKILL."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _die_of_interrupts() -> None:
    """Have SIGINT end this process and its Jobs as any signal does, not as an exception in them.

    Where who started us ignores it, that stays.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def execute(job: Job) -> Outcome:
    """Carry out a Job in a child of this process, for no longer than its time limit."""
    try:
        reader, writer = os.pipe()
    except OSError as error:
        return _cannot_start(error)
    try:
        child = os.fork()
    except OSError as error:
        os.close(reader)
        os.close(writer)
        return _cannot_start(error)
    if child == 0:
        os.close(reader)
        _run_child(job, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        has_answered = bool(select.select([stream], [], [], job.timeout_s)[0])
        outcome = receive(stream, Outcome) if has_answered else None
    if not has_answered:
        return Outcome(crash=_kill(child, job.timeout_s))
    _, status = os.waitpid(child, 0)
    return outcome or Outcome(crash=describe_exit(os.waitstatus_to_exitcode(status)))


def _cannot_start(error: OSError) -> Outcome:
    return Outcome(error=CoreError(code=error.errno or 0, step=CANNOT_START, path=""))


def _kill(child: int, limit_s: float) -> str:
    """Kill a child that takes too long; the words for its Outcome.

    One that waits in the kernel for a device lives until that answers; it is reaped with this
    process.
    """
    os.kill(child, signal.SIGKILL)
    end_s = time.monotonic() + _EXIT_LIMIT_S
    while time.monotonic() < end_s:
        if os.waitpid(child, os.WNOHANG) != (0, 0):
            return f"{NO_ANSWER} within {limit_s:g} s; killed"
        time.sleep(_PAUSE_S)
    return (
        f"{NO_ANSWER} within {limit_s:g} s; killed, but it still waits in the kernel for a device"
    )


def _run_child(job: Job, writer: int) -> None:
    status = 1
    try:
        die_with_parent()
        _prefer_as_oom_victim()
        with os.fdopen(writer, "wb") as stream:
            send(stream, _run_pinned(job))
        status = 0
    except BrokenPipeError:
        # The reader was killed: there is nobody to answer.
        pass
    except Exception:
        sys.excepthook(*sys.exc_info())
        raise
    finally:
        os._exit(status)


def _run_pinned(job: Job) -> Outcome:
    if job.cpus is not None:
        try:
            os.sched_setaffinity(0, parse_cpu_list(job.cpus))
        except OSError as error:
            code = error.errno or 0
            return Outcome(error=CoreError(code=code, step="sched_setaffinity", path=job.cpus))
    try:
        return native.run_job(job)
    except MemoryError:
        return Outcome(error=CoreError(code=errno.ENOMEM, step=CANNOT_START, path=""))


def _prefer_as_oom_victim() -> None:
    Path("/proc/self/oom_score_adj").write_text("1000")


def describe_exit(code: int) -> str:
    """How a process ended, from its exit code: negative is the number of a signal."""
    if code == -signal.SIGKILL:
        return "killed by SIGKILL (out of memory, or another process)"
    if code < 0:
        return f"killed by {_signal_name(-code)}"
    return f"ended with exit code {code}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


if __name__ == "__main__":
    main()
