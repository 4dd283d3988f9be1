"""Each system call fails once where the core makes a zram device, swaps on it, or removes it.

As in test_broken_calls.py, with a device of its own for each Job: what fails is named or made up
for, and a device that could not be finished is gone.
"""

import contextlib
import errno
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import NamedTuple

import pytest

from commands import needs_root
from loadstone.core import native
from loadstone.model import Job, Outcome
from native.conftest import builds, job
from soak.broken_calls import Call, Result, Tracer, errors_of_calls
from soak.test_broken_calls import ALL, LIBC, tracer
from zrams import needs_loaded_zram, zram_swaps, zrams

__all__ = ["builds", "job", "tracer"]

pytestmark = [
    pytest.mark.soak,
    pytest.mark.native,
    pytest.mark.root,
    needs_root,
    needs_loaded_zram,
    pytest.mark.usefixtures("nothing_is_left"),
]

_BREAKS_OF_A_SAMPLE = 12
_TRIES = 20
_PAGES = 1025
_ERRORS = errors_of_calls()
# By the Job: whether there is a device before, and swap on it, and what there is afterwards.
_STATES = {
    ("zram-device", "inspect"): ((False, False), (False, False)),
    ("zram-device", "make"): ((False, False), (True, False)),
    ("zram-device", "remove"): ((True, True), (False, False)),
    ("zram-swap", "on"): ((True, False), (True, True)),
    ("zram-swap", "off"): ((True, True), (True, False)),
}


class Break(NamedTuple):
    """A call that fails in a Job."""

    operation: str
    action: str
    call: Call
    error: str
    where: str

    def __str__(self) -> str:
        what = f"{self.call.name} number {self.call.number} of {self.operation} {self.action}"
        return f"{self.error} of {what}, in {self.where}"


class Prepared(NamedTuple):
    """A Job, and the device that it is on or is to make."""

    job: Job
    device: str

    @property
    def state(self) -> tuple[bool, bool]:
        """Whether there is the device, and swap on it."""
        return self.device in zrams(), self.device in zram_swaps()


@contextlib.contextmanager
def prepared(operation: str, action: str) -> Iterator[Prepared]:
    """All that the Job needs is there; afterwards there is no device."""
    has_device, has_swap = _STATES[operation, action][0]
    device = _make() if has_device else _next()
    try:
        if has_swap:
            assert _run("zram-swap", action="on", **device).error is None
        options = {} if action == "inspect" else device
        more = {"algorithm": "lz4"} if action == "make" else {}
        yield Prepared(
            _job(operation, action=action, **options, **more),
            f"zram{device['number']} {device['bytes']}",
        )
    finally:
        error = _run("zram-device", action="remove", **device).error
        # Or somebody else has the number.
        assert error is None or error.step == "owner of zram"


def _next() -> dict[str, int]:
    told = _run("zram-device", action="inspect").values
    return {"number": told["number"], "bytes": _PAGES * told["page_bytes"]}


def _make() -> dict[str, int]:
    for _ in range(_TRIES):
        device = _next()
        error = _run("zram-device", action="make", **device).error
        if error is None:
            return device
        assert error.step == "zram number"
    pytest.fail("others make zram devices all the time")


def _job(operation: str, **options: object) -> Job:
    texts = {key: str(value) for key, value in options.items()}
    return Job(operation=operation, options=texts, timeout_s=60)


def _run(operation: str, **options: object) -> Outcome:
    return native.run_job(_job(operation, **options))


def test_what_fails_is_named_and_leaves_no_device(
    tracer: Tracer, soak_seed: int, figures: Counter[str], pytestconfig: pytest.Config
) -> None:
    breaks = [one for what in _STATES for one in _breaks(tracer, *what)]
    if pytestconfig.getoption("--broken-calls") != ALL:
        breaks = Random(soak_seed).sample(breaks, _BREAKS_OF_A_SAMPLE)
    problems = [problem for one in breaks if (problem := _problem(tracer, one, figures))]
    assert not problems, "\n".join([f"{len(problems)} of {len(breaks)}:", *problems])


def _breaks(tracer: Tracer, operation: str, action: str) -> Iterator[Break]:
    """The first call at each place of the program, with each of its errors."""
    with prepared(operation, action) as one:
        sites = tracer.sites(one.job)
    for site, calls in sites.items():
        if site.name in LIBC:
            continue
        assert site.name in _ERRORS, f"{site.name} is new: errors.toml needs its errors"
        for error in _ERRORS[site.name]:
            yield Break(operation, action, calls[0], error, site.where)


def _problem(tracer: Tracer, one: Break, figures: Counter[str]) -> str | None:
    for _ in range(_TRIES):
        with prepared(one.operation, one.action) as ready:
            result = tracer.break_call(ready.job, one.call, one.error)
            state = ready.state
        failure = result.failure
        # Somebody else made a device right then.
        if not (failure and failure.step == "zram number"):
            break
    problem = _judge(one, result, state, figures)
    return f"{one}: {problem}" if problem else None


def _judge(
    one: Break, result: Result, state: tuple[bool, bool], figures: Counter[str]
) -> str | None:
    before, after = _STATES[one.operation, one.action]
    if result.code != 0 or result.answer is None:
        return f"the program ended with {result.code}: {result.said}"
    if result.failure is None:
        figures["made up for by other means"] += 1
        is_right = state == after or (_is_said_to_be_gone(one) and state == before)
        return None if is_right else f"it succeeds, and there are device and swap: {state}"
    figures["errors with step, path and code"] += 1
    if result.failure.code not in _codes_of(one) or not result.failure.step:
        return f"it fails with {result.failure}"
    # Of a removal the first half may be done.
    is_right = state == before or (one.action == "remove" and state == (True, False))
    return None if is_right else f"it fails with {result.failure}; device and swap: {state}"


def _is_said_to_be_gone(one: Break) -> bool:
    """No such device, or no swap area: then there is nothing to do."""
    gone = {"openat": ("ENOENT", "ENODEV"), "swapoff": ("EINVAL",)}
    return one.action in ("remove", "off") and one.error in gone.get(one.call.name, ())


def _codes_of(one: Break) -> set[int]:
    codes = {getattr(errno, one.error)}
    if one.error == "ENOENT":
        codes.add(errno.ENODEV)
    if one.action == "remove" or one.call.name == "close":
        # What is not seen to be a swap area, or was not closed, stays in use.
        codes.add(errno.EBUSY)
    return codes
