"""Signals at random times to a command, to its worker, to its Job, or to its process group."""

import os
import signal
import subprocess
import time
from random import Random
from typing import NamedTuple

import psutil

_PAUSE_S = 0.002
_LIMIT_S = 600
_WORKER = "loadstone.core.worker"
_SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
_SIGNAL_WEIGHTS = (6, 2, 2)
_VICTIMS = ("process", "group", "worker", "job")
_VICTIM_WEIGHTS = (5, 2, 1, 2)


class Kill(NamedTuple):
    """A signal, whom it is for, and how long after the start of the command."""

    number: signal.Signals
    victim: str
    after_s: float

    @property
    def ends_command(self) -> bool:
        """Whether it goes to the command itself, not only to what works for it."""
        return self.victim in ("process", "group")


class Ended(NamedTuple):
    """How a command ended, and whether the signal found its victim before that."""

    code: int
    err: str
    was_hit: bool


def draw(rng: Random, length_s: float) -> Kill:
    """A kill somewhere in a command that takes ``length_s`` undisturbed."""
    (number,) = rng.choices(_SIGNALS, _SIGNAL_WEIGHTS)
    (victim,) = rng.choices(_VICTIMS, _VICTIM_WEIGHTS)
    return Kill(number, victim, rng.uniform(0, length_s))


def deliver(process: "subprocess.Popen[bytes]", kill: Kill) -> Ended:
    """Send the signal when its time has come and its victim is there; wait for the end.

    The command has to lead its process group.
    """
    end_s = time.monotonic() + kill.after_s
    was_hit = False
    while process.poll() is None and not was_hit:
        if time.monotonic() >= end_s:
            was_hit = _hit(process, kill)
        time.sleep(_PAUSE_S)
    try:
        _, err = process.communicate(timeout=_LIMIT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    return Ended(process.returncode, err.decode(errors="replace"), was_hit)


def _hit(process: "subprocess.Popen[bytes]", kill: Kill) -> bool:
    if kill.victim == "process":
        process.send_signal(kill.number)
    elif kill.victim == "group":
        # It has not been waited for, so that nobody else has its number.
        os.killpg(process.pid, kill.number)
    else:
        return _hit_below(process, kill)
    return True


def _hit_below(process: "subprocess.Popen[bytes]", kill: Kill) -> bool:
    """Whether the command has such a process, which psutil tells from a later one of its number."""
    try:
        workers = [
            child for child in psutil.Process(process.pid).children() if _WORKER in child.cmdline()
        ]
        victims = workers if kill.victim == "worker" else _children(workers)
        for victim in victims[:1]:
            victim.send_signal(kill.number)
    except psutil.Error:
        return False
    return bool(victims)


def _children(workers: list[psutil.Process]) -> list[psutil.Process]:
    return [child for worker in workers for child in worker.children()]
