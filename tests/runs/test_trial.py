"""How one Trial ends, and how the Run goes on after it."""

import os
from pathlib import Path

import pytest

from fake_phone import Phone
from loadstone.core.evidence import inherent_ns
from loadstone.errors import TargetLostError
from loadstone.model import Case, Conditions, Finding, Job, Outcome, Span, Status, Step, Trial
from loadstone.runs.conditions import resolve_conditions
from loadstone.runs.trial import NextAction, run_trial

STEP = Step(case=Case.of("w", "l", {}), round=2, warmup=True)
GOOD = Finding(status=Status.OK, metrics={"ready_ns": 5.0}, evidence={"elapsed_ns": 5.0})


class Prepared:
    """A workload that finds what a test wants it to find."""

    def __init__(self, finding: Finding = GOOD, skip: Finding | None = None) -> None:
        self._finding = finding
        self._skip = skip

    def skip_reason(self, case: Case) -> Finding | None:
        del case
        return self._skip

    def job(self, case: Case) -> Job:
        return Job(operation=case.workload, options={})

    def evaluate(self, case: Case, outcome: Outcome) -> Finding:
        del case, outcome
        return self._finding


class Answering(Phone):
    """A phone that answers its Jobs with one Outcome, or is gone."""

    answer: Outcome | TargetLostError = Outcome(
        spans=(Span(name="s", lane=0, start_ns=0, end_ns=5),)
    )

    def execute(self, job: Job) -> Outcome:
        if job.operation != "w":
            return super().execute(job)
        if isinstance(self.answer, TargetLostError):
            raise self.answer
        return self.answer


@pytest.fixture
def phone(tmp_path: Path) -> Answering:
    return Answering(tmp_path / "phone")


def carry_out(phone: Answering, prepared: Prepared) -> tuple[Trial, NextAction]:
    conditions = resolve_conditions(Conditions(cool_below_c=90), phone)  # type: ignore[arg-type]  # a fake has what is used
    return run_trial(STEP, phone, prepared, conditions, lambda _: None)  # type: ignore[arg-type]  # likewise


def test_a_good_trial_has_its_place_figures_evidence_and_spans(phone: Answering) -> None:
    trial, action = carry_out(phone, Prepared())
    assert action is NextAction.CONTINUE
    assert (trial.case, trial.round, trial.warmup) == (STEP.case.id, 2, True)
    assert (trial.status, trial.metrics) == (Status.OK, {"ready_ns": 5.0})
    assert trial.evidence["elapsed_ns"] == 5
    assert trial.evidence["heat.waited_ns"] < 5e9
    assert trial.evidence["heat.battery_after_mc"] == 31_200
    assert [span.name for span in trial.spans] == ["s"]
    assert trial.overhead_ns > 0


def test_a_case_that_is_skipped_executes_nothing(phone: Answering) -> None:
    phone.answer = TargetLostError("executed")
    skip = Finding(status=Status.SKIPPED, reason="no such engine", remedy="take another")
    trial, action = carry_out(phone, Prepared(skip=skip))
    assert (trial.status, trial.reason, trial.remedy) == (
        Status.SKIPPED,
        "no such engine",
        "take another",
    )
    assert action is NextAction.CONTINUE


def test_a_finding_that_ends_the_run_stops_it(phone: Answering) -> None:
    broken = Finding(status=Status.FAILED, reason="read-only", remedy="fsck", ends_run=True)
    trial, action = carry_out(phone, Prepared(broken))
    assert (trial.status, trial.remedy, action) == (Status.FAILED, "fsck", NextAction.STOP)


def test_a_target_that_is_lost_under_a_job_is_waited_for(phone: Answering) -> None:
    phone.answer = Outcome(crash="went away", target_lost=True)
    trial, action = carry_out(phone, Prepared())
    assert (trial.status, trial.reason, action) == (
        Status.FAILED,
        "went away",
        NextAction.WAIT_FOR_TARGET,
    )
    assert trial.remedy == f"{phone.lost_remedy}; the Run goes on when it is back"


def test_a_target_that_is_found_lost_says_so_with_its_own_remedy(phone: Answering) -> None:
    phone.answer = TargetLostError("no such device", remedy="wait for its reboot")
    trial, action = carry_out(phone, Prepared())
    assert (trial.reason, trial.remedy) == (
        "no such device",
        "wait for its reboot; the Run goes on when it is back",
    )
    assert action is NextAction.WAIT_FOR_TARGET


def test_what_a_trial_cannot_do_without_is_not_overhead() -> None:
    finding = Finding(status=Status.OK, evidence={"elapsed_ns": 100.0, "verify_ns": 10.0})
    outcome = Outcome(
        spans=(
            Span(name="read", lane=0, start_ns=0, end_ns=100),
            Span(name="release", lane=0, start_ns=200, end_ns=201),
        )
    )
    assert inherent_ns(finding.evidence, outcome.spans) == 111


@pytest.mark.parametrize("is_this_machine", [True, False])
def test_root_is_not_told_to_run_as_root(phone: Answering, is_this_machine: bool) -> None:
    """A right that root lacks here is one that a container takes; of a phone's root nothing is."""
    refused = Finding(status=Status.SKIPPED, reason="refused", remedy="run as root, or leave it")
    phone.is_this_machine = is_this_machine
    trial, _ = carry_out(phone, Prepared(skip=refused))
    is_root_here = is_this_machine and os.geteuid() == 0
    assert ("run as root" in str(trial.remedy)) == (not is_root_here)
    assert str(trial.remedy).endswith(", or leave it")
