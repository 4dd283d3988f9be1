"""A Case's knobs are set for its Trials and put back; one that did not stay is told."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from commands import needs_root
from loadstone.model import Case, Finding, Input, Job, Outcome, Status, Value
from loadstone.plan.knobs import with_knobs
from loadstone.provision.journal import Journal
from loadstone.runs.knobs import prepared_with_knobs
from loadstone.targets.local import LocalTarget

_THRESHOLD = Path("/proc/sys/vm/extfrag_threshold")
_NAME = "vm.extfrag_threshold"
_CASE = Case.of("model-load", "pread", {"engine": "pread"})

pytestmark = [
    needs_root,
    pytest.mark.skipif(not _THRESHOLD.exists(), reason=f"this kernel has no {_NAME}"),
]


class _Prepared:
    """Notes the tunable's value when a Job is asked for; a Trial that meddles changes it."""

    path: str | None = None
    input = Input()
    facts: Mapping[str, Value] = {}

    def __init__(self, *, meddles: bool = False) -> None:
        self.seen: list[str] = []
        self._meddles = meddles

    def skip_reason(self, case: Case) -> Finding | None:
        del case
        return None

    def job(self, case: Case) -> Job:
        del case
        self.seen.append(_THRESHOLD.read_text().strip())
        return Job(operation="clock-step", options={})

    def evaluate(self, case: Case, outcome: Outcome) -> Finding:
        del case, outcome
        if self._meddles:
            _THRESHOLD.write_text("777")
        return Finding(status=Status.OK, metrics={"throughput": 1.0})


def _trials(place: Path, prepared: _Prepared, *values: str) -> list[tuple[Status, str | None]]:
    cases = with_knobs([_CASE], {_NAME: list(values)})
    target = LocalTarget(place / "results")
    found = []
    with (
        Journal(place / "results") as journal,
        prepared_with_knobs(prepared, target, journal, cases) as known,
    ):
        for case in cases:
            finding = known.skip_reason(case)
            if finding is None:
                known.job(case)
                finding = known.evaluate(case, Outcome())
            found.append((finding.status, finding.reason))
    target.close()
    return found


def test_each_value_is_there_for_its_case_and_the_old_one_afterwards(place: Path) -> None:
    before, prepared = _THRESHOLD.read_text(), _Prepared()
    assert _trials(place, prepared, "501", "502") == [(Status.OK, None)] * 2
    assert prepared.seen == ["501", "502"]
    assert _THRESHOLD.read_text() == before


def test_a_value_that_the_kernel_refuses_is_a_skip_and_the_others_are_measured(
    place: Path,
) -> None:
    prepared = _Prepared()
    (refused, why), other = _trials(place, prepared, "many", "501")
    assert refused is Status.SKIPPED
    assert f"--knob {_NAME}=many" in str(why)
    assert other == (Status.OK, None)
    assert prepared.seen == ["501"]


def test_a_knob_that_did_not_stay_makes_the_trial_invalid(place: Path) -> None:
    before = _THRESHOLD.read_text()
    ((status, why),) = _trials(place, _Prepared(meddles=True), "501")
    assert (status, why) == (
        Status.INVALID,
        f"{_NAME} was not 501 any more after the Trial, but 777",
    )
    assert _THRESHOLD.read_text() == before
