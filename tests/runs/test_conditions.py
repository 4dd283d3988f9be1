"""What was asked to hold for every Trial holds, or the Trial says that it did not."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from fake_phone import BATTERY, CPU, THERMAL, Phone, phone_texts
from loadstone.analysis.compare import compare
from loadstone.analysis.summary import summarise
from loadstone.errors import CannotMeasureError, RunError, UsageError
from loadstone.model import Conditions, Finding, Job, Outcome, Plan, Run, Status
from loadstone.plan.request import Request, make_plan
from loadstone.runs import runner, store
from loadstone.targets.local import LocalTarget
from runs.cooling import conditions_on

JOB = Job(operation="model-load", options={})


GOOD = Finding(status=Status.OK, evidence={"elapsed_ns": 1.0})


LIMIT = f"{CPU}/cpufreq/policy4/scaling_max_freq"


def test_facts_tell_clusters_heat_clock_and_where_jobs_are_pinned(phone: Phone) -> None:
    facts = conditions_on(phone, pin="big").facts
    assert (facts["cpu.pinned"], facts["clock.step_ns"]) == ("4-7", 52)
    assert str(facts["cpu.clusters"]).startswith("0-3, up to 1.80 GHz")
    assert facts["battery.temperature_mc"] == 31_200
    assert conditions_on(phone).facts["cpu.pinned"] == "no"


def executed(change: Callable[[], None] = lambda: None) -> Callable[[Job], Outcome]:
    """An ``execute`` during which something happens to the phone."""

    def execute(job: Job) -> Outcome:
        change()
        return Outcome(values={"pinned": int(job.cpus is not None)})

    return execute


def test_every_job_gets_the_cpus_that_were_asked_for(phone: Phone) -> None:
    jobs: list[Job] = []

    def execute(job: Job) -> Outcome:
        jobs.append(job)
        return Outcome()

    conditions_on(phone, pin="little").measure(execute, JOB)
    conditions_on(phone).measure(execute, JOB)
    assert jobs == [msgspec.structs.replace(JOB, cpus="0-3"), JOB]


def test_cpus_that_cannot_be_had_end_the_run_before_it_begins(phone: Phone) -> None:
    with pytest.raises(UsageError, match="--pin 9: CPU 9 is not there"):
        conditions_on(phone, pin="9")


def test_a_good_trial_stays_good_and_has_its_evidence(phone: Phone) -> None:
    measured = conditions_on(phone).measure(executed(), JOB)
    found = measured.applied_to(GOOD)
    assert measured.outcome.values == {"pinned": 0}
    assert found.status is Status.OK
    assert found.evidence["elapsed_ns"] == 1
    assert found.evidence["heat.battery_after_mc"] == 31_200


def test_a_throttled_trial_is_invalid_with_reason_and_remedy(phone: Phone) -> None:
    conditions = conditions_on(phone)
    found = conditions.measure(executed(lambda: phone.put(LIMIT, "1900800\n")), JOB).applied_to(
        GOOD
    )
    assert found.status is Status.INVALID
    assert found.reason == (
        "throttled: CPU 4-7 was limited to 1.90 GHz after the Trial, 2.84 GHz when the Run began"
    )
    assert found.remedy is not None
    assert found.remedy.startswith("--cool-below 28C")
    assert found.evidence["cpu.limit_after_percent"] == pytest.approx(66.9, abs=0.1)


def test_a_trial_that_failed_stays_a_failure_in_any_heat(phone: Phone) -> None:
    conditions = conditions_on(phone)
    measured = conditions.measure(executed(lambda: phone.put(LIMIT, "1900800\n")), JOB)
    failure = Finding(status=Status.FAILED, reason="wrong data", remedy="none", ends_run=True)
    found = measured.applied_to(failure)
    assert (found.status, found.reason, found.ends_run) == (Status.FAILED, "wrong data", True)


def test_a_trial_whose_cpus_went_offline_is_invalid(phone: Phone) -> None:
    conditions = conditions_on(phone, pin="big")
    goes_offline = executed(lambda: phone.put(f"{CPU}/online", "0-5,7\n"))
    found = conditions.measure(goes_offline, JOB).applied_to(GOOD)
    assert found.status is Status.INVALID
    assert found.reason == "not on the CPUs asked for: CPU 6 went offline"
    assert conditions_on(phone).measure(executed(), JOB).applied_to(GOOD).status is Status.OK


def test_nothing_is_read_around_trials_where_nothing_can_be_read(tmp_path: Path) -> None:
    bare = Phone(tmp_path, {})
    conditions = conditions_on(bare)
    before = bare.round_trips
    assert conditions.measure(executed(), JOB).applied_to(GOOD) == GOOD
    assert bare.round_trips == before


def test_sensors_that_fall_silent_make_no_trial_invalid(phone: Phone) -> None:
    conditions = conditions_on(phone)

    def falls_silent() -> None:
        for path in phone_texts():
            phone.take_away(path)

    found = conditions.measure(executed(falls_silent), JOB).applied_to(GOOD)
    assert found.status is Status.OK
    assert "heat.battery_after_mc" not in found.evidence


class Laptop(LocalTarget):
    """This machine with a phone's sensors; one file changes when the third Trial has ended."""

    def __init__(self, results: Path, phone: Phone, change: tuple[str, str]) -> None:
        super().__init__(results)
        self.cpus: list[str | None] = []
        self._phone = phone
        self._change = change

    def read_texts(self, paths: Sequence[str]) -> Mapping[str, str]:
        ours = [path for path in paths if path.startswith((THERMAL, BATTERY, f"{CPU}/cpufreq"))]
        others = [path for path in paths if path not in ours]
        return {**self._phone.read_texts(ours), **super().read_texts(others)}

    def execute(self, job: Job) -> Outcome:
        outcome = super().execute(job)
        if job.operation == "calibrate":
            self.cpus.append(job.cpus)
            if len(self.cpus) == 3:
                self._phone.put(*self._change)
        return outcome


@pytest.fixture
def laptop(tmp_path: Path, phone: Phone) -> Iterator[Laptop]:
    target = Laptop(tmp_path / "results", phone, (LIMIT, "1900800\n"))
    yield target
    target.close()


def a_plan(rounds: int = 4, **conditions: object) -> Plan:
    request = Request(
        what="calibration", axes=("effect=syscall",), rounds=rounds, warmups=0, seed=1
    )
    plan, _ = make_plan(request)
    return msgspec.structs.replace(plan, conditions=msgspec.convert(conditions, Conditions))


def carry_out(plan: Plan, target: Laptop, tmp_path: Path) -> Run:
    # The policies of a phone are looked for where this machine has CPUs: 0 at least.
    return runner.run_plan(plan, target, tmp_path / "results", runner.Silence())


@pytest.mark.native
def test_throttled_trials_are_kept_and_left_out_of_the_figures(
    laptop: Laptop, tmp_path: Path
) -> None:
    laptop._change = (f"{CPU}/cpufreq/policy0/scaling_max_freq", "600000\n")
    run = carry_out(a_plan(), laptop, tmp_path)
    statuses = [trial.status for trial in run.trials]
    assert statuses == [Status.OK, Status.OK, Status.INVALID, Status.INVALID]
    (summary,) = summarise(run)
    assert (summary.trials, summary.invalid) == (2, 2)
    assert "limited to 0.60 GHz after the Trial" in (run.trials[2].reason or "")
    assert "limited to 0.60 GHz before the Trial" in (run.trials[3].reason or "")
    assert run.trials[3].evidence["heat.battery_before_mc"] == 31_200


@pytest.mark.native
def test_jobs_of_trials_are_pinned_and_a_comparison_tells_where(
    laptop: Laptop, tmp_path: Path
) -> None:
    pinned = carry_out(a_plan(pin="0"), laptop, tmp_path)
    free = carry_out(a_plan(), laptop, tmp_path)
    assert laptop.cpus == ["0"] * 4 + [None] * 4
    assert "cpu.pinned: 0 in BASE, no in NEW" in compare(pinned, free).warnings


@pytest.mark.native
def test_a_run_that_stays_too_hot_is_kept_and_resumed_under_its_conditions(
    laptop: Laptop, phone: Phone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loadstone.runs.cool_down._LIMIT_S", 0.0)
    laptop._change = (f"{BATTERY}/temp", "412\n")
    plan = a_plan(cool_below_c=35, pin="0")
    with pytest.raises(CannotMeasureError, match=r"battery 41.2 °C still") as caught:
        carry_out(plan, laptop, tmp_path)
    assert "go on with: loadstone resume" in caught.value.__notes__[0]
    (path,) = (tmp_path / "results/runs").iterdir()
    run = store.load(path)
    assert len(run.trials) == 3
    assert all("heat.waited_ns" in trial.evidence for trial in run.trials)
    with pytest.raises(CannotMeasureError, match=r"battery 41.2 °C still"):
        runner.resume_run(run, laptop, tmp_path / "results", runner.Silence())
    phone.put(f"{BATTERY}/temp", "340\n")
    resumed = runner.resume_run(run, laptop, tmp_path / "results", runner.Silence())
    assert [trial.status for trial in resumed.trials] == [Status.OK] * 4
    assert laptop.cpus == ["0"] * 4


@pytest.mark.native
def test_a_trial_begins_when_the_wait_for_it_has_ended(
    laptop: Laptop, phone: Phone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its start, from which overhead is counted too, is later than the last heat."""
    monkeypatch.setattr("loadstone.runs.cool_down._POLL_S", 0.01)
    cooled: list[str] = []

    class Waited(runner.Silence):
        def say(self, text: str) -> None:
            assert "battery 41.2 °C" in text
            phone.put(f"{BATTERY}/temp", "300\n")
            cooled.append(datetime.now(UTC).isoformat(timespec="milliseconds"))

    laptop._change = (f"{BATTERY}/temp", "412\n")
    plan = a_plan(cool_below_c=35)
    run = runner.run_plan(plan, laptop, tmp_path / "results", Waited())
    assert len(cooled) == 1
    assert run.trials[2].started <= cooled[0] <= run.trials[3].started
    assert run.trials[3].evidence["heat.waited_ns"] >= 0.01e9


@pytest.mark.native
def test_a_run_is_not_resumed_on_other_cpus(laptop: Laptop, tmp_path: Path) -> None:
    run = carry_out(a_plan(rounds=3, pin="0"), laptop, tmp_path)
    facts = {**run.manifest.environment.facts, "cpu.pinned": "0-3"}
    environment = msgspec.structs.replace(run.manifest.environment, facts=facts)
    plan = msgspec.structs.replace(run.manifest.plan, rounds=4)
    manifest = msgspec.structs.replace(run.manifest, environment=environment, plan=plan)
    other = msgspec.structs.replace(run, manifest=manifest)
    with pytest.raises(RunError, match=r"cpu.pinned was 0-3, now it is 0"):
        runner.resume_run(other, laptop, tmp_path / "results", runner.Silence())
