"""What a Run lacks is told by its Plan, and only what began it may add that."""

import msgspec
import pytest

from loadstone.core import native
from loadstone.errors import RunError
from loadstone.model import Case, Environment, Input, Run, Status, Value
from loadstone.plan.order import order
from loadstone.runs.resuming import (
    check_known,
    check_nothing_to_erase,
    check_same,
    missing_steps,
    skipped_cases,
)
from loadstone.workloads import make_cases, workload
from sample_runs import manifest_of, plan_of, run_of, trial_of

FACTS: dict[str, Value] = {"kernel.release": "6.1", "cpu.model": "A CPU", "file.bytes": 4096}
CASES, _ = make_cases(workload("model-load"), [{"engine": "pread"}, {"engine": "mmap"}])
PLAN = plan_of(CASES, rounds=2, warmups=1)


def a_run(done: int = 0, /, **changes: object) -> Run:
    """A Run whose first Steps ended well; ``changes`` are of its manifest."""
    manifest = manifest_of(PLAN, facts=FACTS)
    manifest = msgspec.structs.replace(manifest, core=native.source_hash())
    trials = [
        trial_of(step.case, step.round, {}, warmup=step.warmup) for step in list(order(PLAN))[:done]
    ]
    return run_of(msgspec.structs.replace(manifest, **changes), trials)


@pytest.mark.parametrize("done", range(7))
def test_the_steps_that_are_missing_come_in_the_order_of_the_plan(done: int) -> None:
    run = a_run(done)
    assert missing_steps(run.manifest, run.trials) == list(order(PLAN))[done:]


def test_of_a_case_that_was_skipped_nothing_is_missing() -> None:
    skipped = trial_of(CASES[0], 0, {}, status=Status.SKIPPED)
    run = run_of(a_run().manifest, [skipped])
    assert skipped_cases(run.trials) == {CASES[0].id}
    assert {step.case.id for step in missing_steps(run.manifest, run.trials)} == {CASES[1].id}


def test_what_this_loadstone_would_make_is_known() -> None:
    check_known(a_run())


def test_commands_and_loads_of_ours_in_one_plan_are_known() -> None:
    command, _ = make_cases(workload("command"), [{}])
    both = msgspec.structs.replace(PLAN, workload="command", cases=(*command, *CASES))
    check_known(a_run(plan=both))


@pytest.mark.parametrize(
    "changes",
    [
        {"core": "another"},
        {"plan": msgspec.structs.replace(PLAN, rounds=0)},
        {"plan": msgspec.structs.replace(PLAN, workload="dm-flush")},
        {"plan": msgspec.structs.replace(PLAN, cases=(Case.of("model-load", "l", {}),))},
        {
            "plan": msgspec.structs.replace(
                PLAN, cases=(msgspec.structs.replace(CASES[0], id="00000000"),)
            )
        },
    ],
)
def test_what_another_loadstone_made_is_not_resumed(changes: dict[str, object]) -> None:
    with pytest.raises(RunError, match=r"another version of loadstone made it.*; start a new run"):
        check_known(a_run(**changes))


@pytest.mark.parametrize("name", FACTS)
def test_another_file_kernel_or_processor_is_named_with_both_values(name: str) -> None:
    check_same(a_run(), Environment(target="local", facts={**FACTS, "load.1min": 3.0}))
    words = f"{name} was {FACTS[name]}, now it is other; start a new run and compare"
    with pytest.raises(RunError, match=words):
        check_same(a_run(), Environment(target="local", facts={**FACTS, name: "other"}))


def test_nothing_is_erased_a_second_time() -> None:
    check_nothing_to_erase(a_run())
    erased = Input(devices=("/dev/sdx",), erase=("/dev/sdx",))
    run = a_run(plan=msgspec.structs.replace(PLAN, input=erased))
    with pytest.raises(RunError, match=r"/dev/sdx may be another device by now; start a new run"):
        check_nothing_to_erase(run)
