"""What every Workload makes of an Outcome."""

import errno

from loadstone.core.explain import Rule
from loadstone.model import NO_ANSWER, CoreError, Outcome, Status
from loadstone.workloads.outcomes import evidence_of, failure, measured

RULE = Rule(
    step="read",
    codes=frozenset({errno.EINVAL}),
    status=Status.SKIPPED,
    meaning="{size} is no size",
    remedy="--set size to another",
)


def test_a_job_that_ended_well_is_no_failure() -> None:
    assert failure(Outcome(values={"bytes": 1}), {}, (RULE,)) is None


def test_a_crash_is_a_failure_and_one_without_an_answer_ends_the_run() -> None:
    for crash, ends_run in (("killed by SIGSEGV", False), (f"{NO_ANSWER} within 3 s", True)):
        finding = failure(Outcome(crash=crash), {}, (RULE,))
        assert finding is not None
        assert (finding.status, finding.reason, finding.ends_run) == (
            Status.FAILED,
            crash,
            ends_run,
        )
        assert finding.remedy


def test_an_error_is_explained_by_the_workloads_rules() -> None:
    error = CoreError(code=errno.EINVAL, step="read", path="/m")
    finding = failure(Outcome(error=error), {"size": 3}, (RULE,))
    assert finding is not None
    assert (finding.status, finding.remedy) == (Status.SKIPPED, "--set size to another")
    assert (finding.reason or "").startswith("3 is no size: read /m: Invalid argument")


def test_evidence_is_what_the_core_counted_and_what_the_kernel_did() -> None:
    path = "/sys/dev/block/7:0/stat"
    outcome = Outcome(values={"bytes": 9}, before={path: "1 0 8"}, after={path: "3 0 16"})
    assert evidence_of(outcome) == {"bytes": 9.0, "block.read_ios": 2.0, "block.read_bytes": 4096.0}


def test_what_did_not_meet_its_conditions_is_invalid_and_keeps_its_figures() -> None:
    finding = measured({"cost": 1.0}, {"bytes": 2.0}, ("not cold", "stop it"), ("a note",))
    assert (finding.status, finding.reason, finding.remedy) == (
        Status.INVALID,
        "not cold",
        "stop it",
    )
    assert (finding.metrics, finding.evidence, finding.notes) == (
        {"cost": 1.0},
        {"bytes": 2.0},
        ("a note",),
    )
    assert measured({}, {}).status is Status.OK
