"""The host's side of an experiment: rounds are split among boots, Messages become Runs."""

from pathlib import Path

import msgspec
import pytest

from loadstone.errors import CannotMeasureError, RunError, UsageError
from loadstone.lab.collect import Boot, Collector
from loadstone.lab.experiment import error_of, split_rounds, whole_devices
from loadstone.lab.protocol import (
    Assignment,
    Failure,
    FileSystem,
    Finished,
    Message,
    RunCreated,
    StepEnded,
    StepStarted,
    StorageReady,
    decode,
    encode,
)
from loadstone.model import Plan, Run, Step
from loadstone.plan.request import Request, make_plan
from loadstone.provision.simulated.profile import find_profile
from loadstone.runs.runner import Silence
from loadstone.workloads import workload
from sample_runs import manifest_of, trial_of


def plan_of(rounds: int, warmups: int = 1) -> Plan:
    plan, _ = make_plan(
        Request(axes=("engine=pread,mmap",), rounds=rounds, warmups=warmups, seed=7)
    )
    return plan


def told_by_a_guest(plan: Plan) -> list[Message]:
    """What a guest says of a Plan in which every Step goes well."""
    metrics = workload(plan.workload).metrics
    manifest = manifest_of(
        plan, id_="in-the-guest", metrics=metrics, facts={"kernel.release": "6.1"}
    )
    told: list[Message] = [StorageReady(place="/s", facts={"storage.profile": "ufs40"})]
    told.append(RunCreated(manifest=manifest, steps=2 * (plan.rounds + plan.warmups)))
    for warmup, count in ((True, plan.warmups), (False, plan.rounds)):
        for number in range(count):
            for case in plan.cases:
                step = Step(case=case, round=number, warmup=warmup)
                trial = trial_of(
                    case,
                    number,
                    {"throughput": 1e9},
                    warmup=warmup,
                    started="2099-01-01T00:00:00.000+00:00",
                )
                told += [StepStarted(step=step), StepEnded(step=step, trial=trial)]
    return told


def collected(plan: Plan, boots: int, results: Path) -> Run:
    facts = {"lab.boots": boots}
    with Collector("lab:6.1", plan, facts, results, Silence()) as collector:
        for boot, share in split_rounds(plan, boots):
            collector.start_boot(boot)
            for message in told_by_a_guest(share):
                collector.receive(message)
        run = collector.run()
    assert run is not None
    return run


@pytest.mark.parametrize(("rounds", "boots"), [(5, 1), (5, 2), (7, 3), (4, 4)])
def test_every_round_is_dealt_to_one_boot(rounds: int, boots: int) -> None:
    shares = split_rounds(plan_of(rounds), boots)
    numbers = [
        boot.first_round + number for boot, share in shares for number in range(share.rounds)
    ]
    assert numbers == list(range(rounds))
    assert len({share.seed for _, share in shares}) == boots


def test_more_boots_than_rounds_is_refused_with_what_to_write() -> None:
    with pytest.raises(UsageError, match="write --rounds 4"):
        split_rounds(plan_of(3), 4)


def test_the_boots_of_a_kernel_become_one_run_with_rounds_numbered_on(tmp_path: Path) -> None:
    run = collected(plan_of(5), 2, tmp_path)
    counted = [trial for trial in run.trials if not trial.warmup]
    case = run.manifest.plan.cases[0].id
    assert [trial.round for trial in counted if trial.case == case] == [0, 1, 2, 3, 4]
    assert [trial.evidence["lab.boot"] for trial in counted if trial.case == case] == [
        0,
        0,
        0,
        1,
        1,
    ]
    warmups = [trial.round for trial in run.trials if trial.warmup and trial.case == case]
    assert warmups == [0, 1]


def test_a_run_of_the_lab_has_the_guests_facts_and_the_labs(tmp_path: Path) -> None:
    run = collected(plan_of(2), 1, tmp_path)
    assert run.manifest.environment.target == "lab:6.1"
    facts = run.manifest.environment.facts
    assert facts["kernel.release"] == "6.1"
    assert facts["storage.profile"] == "ufs40"
    assert facts["lab.boots"] == 1


def test_trials_are_stamped_by_the_hosts_clock(tmp_path: Path) -> None:
    run = collected(plan_of(2), 1, tmp_path)
    assert all(trial.started < "2099" for trial in run.trials)


def test_a_trial_is_on_disk_before_the_guest_is_heard_again(tmp_path: Path) -> None:
    plan = plan_of(2)
    with Collector("lab:6.1", plan, {}, tmp_path, Silence()) as collector:
        collector.start_boot(Boot())
        ended = 0
        for message in told_by_a_guest(plan):
            collector.receive(message)
            ended += isinstance(message, StepEnded)
            lines = [path.read_text() for path in tmp_path.glob("runs/*/trials.jsonl")]
            assert sum(text.count("\n") for text in lines) == ended


def test_a_line_of_somebody_else_is_no_message() -> None:
    assert decode(b"loadstone: hello") is None
    assert decode(b"[" * 100_000) is None
    message = StorageReady(place="/s", facts={"a": 1, "b": None, "c": 1.5, "d": "x"})
    assert decode(encode(message).rstrip()) == message


@pytest.mark.parametrize("line", [b'{"type":"unheard-of"}', b'{"type":"notice","text":"a","x":1}'])
def test_a_message_of_another_loadstone_is_an_error(line: bytes) -> None:
    with pytest.raises(RunError, match="do not change loadstone while it runs"):
        decode(line)


def test_a_guests_error_reaches_the_host_with_its_remedy_and_notes_apart() -> None:
    sent = Finished(
        failure=Failure(what="no room", remedy="free space", exit_code=3, notes=("one is kept",))
    )
    finished = decode(encode(sent).rstrip())
    assert isinstance(finished, Finished)
    assert finished.failure is not None
    error = error_of(finished.failure)
    assert isinstance(error, CannotMeasureError)
    assert (error.what, error.remedy) == ("no room", "free space")
    assert error.__notes__ == ["one is kept"]


def test_what_a_plan_takes_whole_reaches_the_guest_as_it_was_planned() -> None:
    plan, _ = make_plan(Request(what="dm-flush", axes=("segments=1", "devices=2")))
    storage = find_profile("ufs40")
    assignment = Assignment(
        storage=storage,
        file_system=FileSystem(type="ext4"),
        memory_bytes=1 << 30,
        device_bytes=whole_devices(plan, storage),
        plan=plan,
    )
    assert assignment.device_bytes == (8000 * 512,) * 2
    assert msgspec.json.decode(msgspec.json.encode(assignment), type=Assignment) == assignment


def test_a_plan_on_files_takes_no_device_whole() -> None:
    for name in ("ufs40", "zoned", "disk"):
        assert whole_devices(plan_of(1), find_profile(name)) == ()


@pytest.mark.parametrize(
    ("storage", "devices", "complaint"),
    [
        ("zoned", 1, "--storage zoned: dm-flush writes anywhere on a device, and zones"),
        ("disk", 2, "--storage disk: a guest has one such disk, and the Cases take 2 devices"),
        ("disk", 1, None),
    ],
)
def test_storage_that_cannot_be_taken_whole_is_refused_before_a_boot(
    storage: str, devices: int, complaint: str | None
) -> None:
    plan, _ = make_plan(Request(what="dm-flush", axes=(f"devices={devices}",)))
    if complaint is None:
        assert len(whole_devices(plan, find_profile(storage))) == devices
        return
    with pytest.raises(UsageError, match=complaint):
        whole_devices(plan, find_profile(storage))
