"""What a Run does when its Target goes away, and when it is one of several."""

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from loadstone.analysis.stopping import rounds_made
from loadstone.errors import InterruptedRunError, LoadstoneError, RunError, TargetError
from loadstone.model import Conditions, Input, Job, Outcome, Plan, Run, Status, StopRule
from loadstone.runs.resuming import missing_steps
from loadstone.runs.runner import Silence, resume_run, run_plan, run_side_by_side
from loadstone.runs.store import load
from loadstone.targets import Say, connect
from loadstone.targets.access import Access
from loadstone.targets.local import LocalTarget
from loadstone.workloads import make_cases, workload

MIB = 1 << 20


def plan(rounds: int = 3, engines: tuple[str, ...] = ("pread", "sendfile")) -> Plan:
    chosen = workload("model-load")
    cases, _ = make_cases(chosen, [{"engine": engine, "cache": "as-is"} for engine in engines])
    return Plan(
        name="p",
        workload=chosen.name,
        cases=cases,
        rounds=rounds,
        warmups=0,
        seed=1,
        input=Input(size_bytes=MIB),
    )


class Unplugged(LocalTarget):
    """A Target that goes away at some of its timed Jobs, and may come back."""

    def __init__(self, results: Path, lost_at: tuple[int, ...], comes_back: bool = True) -> None:
        super().__init__(results)
        self._lost_at = lost_at
        self._comes_back = comes_back
        self.timed = 0
        self.returns = 0

    def execute(self, job: Job) -> Outcome:
        if job.operation == "model-load":
            self.timed += 1
            if self.timed in self._lost_at:
                return Outcome(crash="adb:X went away: device not found", target_lost=True)
        return super().execute(job)

    def await_return(self, say: Say) -> None:
        if not self._comes_back:
            raise TargetError("adb:X did not come back within 1 s; plug it in")
        say("adb:X is back")
        self.returns += 1


class Listener(Silence):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def results(place: Path) -> Path:
    return place / "results"


def test_a_target_that_went_away_fails_one_trial_and_the_run_goes_on(results: Path) -> None:
    target, listener = Unplugged(results, lost_at=(2, 5)), Listener()
    run = run_plan(plan(), target, results, listener)
    target.close()
    failed = [trial for trial in run.trials if trial.status is Status.FAILED]
    assert [trial.reason for trial in failed] == ["adb:X went away: device not found"] * 2
    assert len(run.trials) == 6
    assert sum(trial.status is Status.OK for trial in run.trials) == 4
    assert target.returns == 2
    assert "adb:X is back" in listener.said


def test_what_was_prepared_is_made_anew_after_a_return(results: Path) -> None:
    target, listener = Unplugged(results, lost_at=(1,)), Listener()
    run_plan(plan(rounds=1), target, results, listener)
    target.close()
    assert len([said for said in listener.said if said.startswith("making ")]) == 2
    assert [path.name for path in results.iterdir()] == ["runs"]


def test_one_that_stays_away_ends_the_run_which_can_be_resumed(results: Path) -> None:
    target = Unplugged(results, lost_at=(2,), comes_back=False)
    with pytest.raises(TargetError, match="did not come back") as caught:
        run_plan(plan(), target, results, Silence())
    target.close()
    (path,) = (results / "runs").iterdir()
    assert any(f"loadstone resume {path.name}" in note for note in caught.value.__notes__)
    assert len(load(path).trials) == 2
    with connect("local", results) as back:
        run = resume_run(load(path), back, results, Silence())
    assert len(run.trials) == 6


def test_a_run_on_a_device_named_to_be_erased_does_not_go_on_by_itself(results: Path) -> None:
    """After a reboot its name may be another disk's."""
    wanted = plan()
    erased = Input(size_bytes=MIB, devices=("/dev/sdx",), erase=("/dev/sdx",))
    target = Unplugged(results, lost_at=(1,))
    with pytest.raises(RunError, match="may be another device by now"):
        run_plan(
            Plan(
                name="p",
                workload=wanted.workload,
                cases=wanted.cases,
                rounds=2,
                warmups=0,
                seed=1,
                input=erased,
                conditions=Conditions(),
            ),
            target,
            results,
            Silence(),
        )
    target.close()


@pytest.fixture
def two(results: Path) -> Iterator[tuple[LocalTarget, LocalTarget]]:
    first, second = LocalTarget(results), LocalTarget(results)
    yield first, second
    first.close()
    second.close()


def test_two_targets_carry_out_one_plan_a_run_each(
    results: Path, two: tuple[LocalTarget, LocalTarget]
) -> None:
    listeners = Listener(), Listener()
    ended = run_side_by_side(plan(), two, results, listeners)
    assert all(isinstance(run, Run) for run in ended)
    ids = {run.id for run in ended if isinstance(run, Run)}
    assert len(ids) == 2
    for run in ended:
        assert isinstance(run, Run)
        assert [trial.status for trial in run.trials] == [Status.OK] * 6
    # One of them is not "another loadstone" to the other.
    assert not [said for one in listeners for said in one.said if "another loadstone" in said]
    assert [path.name for path in results.iterdir()] == ["runs"]


def test_each_of_two_targets_adds_rounds_of_its_own(
    results: Path, two: tuple[LocalTarget, LocalTarget]
) -> None:
    rule = StopRule(within=0.5, most_rounds=40)
    wanted = msgspec.structs.replace(plan(rounds=10), until=rule)
    listeners = Listener(), Listener()
    for run, listener in zip(
        run_side_by_side(wanted, two, results, listeners), listeners, strict=True
    ):
        assert isinstance(run, Run)
        assert missing_steps(run.manifest, run.trials) == []
        assert f"after {rounds_made(run.trials)} rounds" in listener.said[-1]


def test_a_target_that_went_away_amid_added_rounds_comes_back_to_them(results: Path) -> None:
    wanted = msgspec.structs.replace(plan(rounds=10), until=StopRule(within=0.001, most_rounds=12))
    target, listener = Unplugged(results, lost_at=(22,)), Listener()
    run = run_plan(wanted, target, results, listener)
    target.close()
    assert target.returns == 1
    assert rounds_made(run.trials) == 12
    assert len(run.trials) == 24
    assert listener.said[-1].endswith("ended after 12 rounds, the most there may be")


def test_one_that_fails_does_not_end_the_other(results: Path) -> None:
    good, bad = LocalTarget(results), Unplugged(results, lost_at=(1,), comes_back=False)
    ended = run_side_by_side(plan(), (good, bad), results, (Silence(), Silence()))
    good.close()
    bad.close()
    assert isinstance(ended[0], Run)
    assert isinstance(ended[1], LoadstoneError)


def test_a_job_that_another_thread_gives_up_raises_and_the_next_is_carried_out(
    results: Path,
) -> None:
    with connect("local", results, Access()) as target:
        endless = {"effect": "memcpy", "count": "10000", "batches": "1000"}
        timer = threading.Timer(0.5, target.interrupt)
        timer.start()
        with pytest.raises(InterruptedRunError):
            target.execute(Job(operation="calibrate", options=endless))
        timer.join()
        assert target.execute(Job(operation="probe", options={})).crash is None
