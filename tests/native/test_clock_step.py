"""Operation clock-step: how finely a Trial's times are told apart."""

import time
from itertools import pairwise

import pytest

from loadstone.core import native
from loadstone.model import Job
from native.programs import Program

pytestmark = pytest.mark.native


def test_the_clock_moves_by_no_less_than_its_step(sanitized: Program) -> None:
    answer = sanitized.run("clock-step")
    assert answer.failure is None
    assert set(answer.values) == {"clock_step_ns"}
    assert answer.values["clock_step_ns"] >= time.get_clock_info("monotonic").resolution * 1e9


def test_no_two_readings_of_anybody_are_nearer_to_each_other() -> None:
    step_ns = native.run_job(Job(operation="clock-step", options={})).values["clock_step_ns"]
    readings_ns = [time.monotonic_ns() for _ in range(100_000)]
    apart_ns = {later - sooner for sooner, later in pairwise(readings_ns)} - {0}
    assert step_ns <= min(apart_ns)


def test_it_takes_no_option() -> None:
    error = native.run_job(Job(operation="clock-step", options={"file": "x"})).error
    assert error is not None
    assert (error.step, error.path) == ("option", "file")
