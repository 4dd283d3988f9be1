"""Commands are run right before the Trials of their Cases, and what fails is told as it should."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from loadstone.errors import TrialFailedError
from loadstone.model import Case, Finding, Input, Job, Outcome, Status, Value
from loadstone.plan.knobs import with_knobs
from loadstone.provision.journal import Journal
from loadstone.runs.knobs import prepared_with_knobs, tell_commands
from loadstone.targets.local import LocalTarget

_CASE = Case.of("model-load", "pread", {"engine": "pread"})


class _Prepared:
    """Notes each Job in the same file as the commands."""

    path: str | None = None
    input = Input()
    facts: Mapping[str, Value] = {}

    def __init__(self, log: Path) -> None:
        self._log = log

    def skip_reason(self, case: Case) -> Finding | None:
        del case
        return None

    def job(self, case: Case) -> Job:
        del case
        with self._log.open("a") as log:
            log.write("job\n")
        return Job(operation="clock-step", options={})

    def evaluate(self, case: Case, outcome: Outcome) -> Finding:
        del case, outcome
        return Finding(status=Status.OK)


def _trials(place: Path, *commands: str, rounds: int = 1) -> list[Finding]:
    cases = with_knobs([_CASE], {"k": [f"[{command}]" for command in commands]})
    target = LocalTarget(place / "results")
    found = []
    with (
        Journal(place / "results") as journal,
        prepared_with_knobs(_Prepared(place / "log"), target, journal, cases) as known,
    ):
        for case in cases * rounds:
            finding = known.skip_reason(case)
            if finding is None:
                known.job(case)
                finding = known.evaluate(case, Outcome())
            found.append(finding)
    target.close()
    return found


@pytest.fixture(autouse=True)
def in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_each_is_tried_once_and_run_before_its_trials_and_the_first_at_the_end(
    tmp_path: Path,
) -> None:
    found = _trials(tmp_path, "echo a >> log", "echo b >> log", rounds=2)
    assert {finding.status for finding in found} == {Status.OK}
    assert (tmp_path / "log").read_text().split() == [
        *("a", "b"),
        *("a", "job", "b", "job") * 2,
        "a",
    ]


def test_one_that_fails_when_it_is_tried_is_a_skip_and_the_others_are_measured(
    tmp_path: Path,
) -> None:
    good, bad = _trials(tmp_path, "true", "echo why >&2; exit 3")
    assert good.status is Status.OK
    assert bad.status is Status.SKIPPED
    assert bad.reason == "--knob k=[echo why >&2; exit 3]: ended with exit code 3: why"
    assert bad.remedy == "try it by hand in sh; it has to end with 0 within 60 s"


def test_where_the_first_fails_no_other_is_run_as_nothing_could_put_it_back(
    tmp_path: Path,
) -> None:
    first, second = _trials(tmp_path, "echo a >> log; exit 3", "echo b >> log")
    assert (first.status, second.status) == (Status.SKIPPED, Status.SKIPPED)
    assert str(second.reason).startswith("not run, as the first command, which is to be run after")
    assert str(second.reason).endswith(f"failed: {first.reason}")
    assert (tmp_path / "log").read_text() == "a\n"
    assert not list(tmp_path.glob("results/journal/*"))


def test_one_that_fails_later_fails_its_trial(tmp_path: Path) -> None:
    once = "[ ! -e once ] || { rm once; echo why >&2; exit 3; }; touch once"
    with pytest.raises(TrialFailedError) as caught:
        _trials(tmp_path, once)
    assert caught.value.what.endswith(": ended with exit code 3: why")
    assert caught.value.remedy


def test_what_will_be_run_is_said_with_where_and_as_whom(tmp_path: Path) -> None:
    target = LocalTarget(tmp_path / "results")
    said: list[str] = []
    tell_commands(with_knobs([_CASE], {"k": ["[a]", "[b]"]}), target, said.append)
    assert said[0] == f"this runs shell commands, on local as {target.user_name()}:"
    assert [line.strip() for line in said if "k:" in line] == ["k: a", "k: b", "k: a"]
    del said[:]
    tell_commands(with_knobs([_CASE], {"vm.swappiness": ["60"]}), target, said.append)
    assert said == []
