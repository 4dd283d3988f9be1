"""From a request to a Plan: what goes before what, and what is refused with what to do."""

import re
from pathlib import Path

import pytest

from loadstone.errors import UsageError
from loadstone.model import Input, StopRule
from loadstone.plan.request import Request, make_plan, require_whole_paths

PLAN = """\
name = "mine"
workload = "model-load"
rounds = 3
seed = 5
size = "1MiB"
[set]
engine = ["pread", "mmap"]
[[case]]
engine = "sendfile"
"""


@pytest.fixture
def plan_file(tmp_path: Path) -> str:
    path = tmp_path / "mine.toml"
    path.write_text(PLAN)
    return str(path)


def test_without_words_it_is_the_default_workload_with_its_default_cases() -> None:
    plan, remarks = make_plan(Request())
    assert (plan.name, plan.workload, plan.rounds, plan.warmups) == (
        "model-load",
        "model-load",
        10,
        1,
    )
    assert len(plan.cases) > 5
    assert remarks == []
    assert plan.seed != make_plan(Request())[0].seed


def test_the_request_goes_before_the_plan_file_and_that_before_defaults(plan_file: str) -> None:
    plan, _ = make_plan(Request(what=plan_file, rounds=7, axes=("engine=mmap",)))
    assert (plan.name, plan.rounds, plan.seed, plan.warmups) == ("mine", 7, 5, 1)
    assert [case.parameters["engine"] for case in plan.cases] == ["mmap"]
    assert plan.input == Input(size_bytes=1 << 20)


def test_a_plan_file_alone_gives_its_product_and_its_cases(plan_file: str) -> None:
    plan, _ = make_plan(Request(what=plan_file))
    assert [case.parameters["engine"] for case in plan.cases] == ["pread", "mmap", "sendfile"]


def test_a_file_of_the_request_puts_the_size_of_the_plan_file_aside(plan_file: str) -> None:
    plan, _ = make_plan(Request(what=plan_file, file="model.gguf"))
    assert plan.input == Input(file=str(Path("model.gguf").absolute()))


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (Request(rounds=0), "rounds: 0 is out of range; write 1 to 10000"),
        (Request(seed=-1), "seed: -1 is out of range; write 0 to"),
        (Request(file=""), "--file: '' is no name of a file; write one, or leave it out"),
        (Request(directory="\0"), r"--dir: '\x00' is no name of a file; write one"),
        (
            Request(file="f", size_bytes=1),
            "--file and --size: a file that is there has its size; take one of them",
        ),
        (Request(what="dm-flush", devices=("",)), "--device: '' is no name of a device; write one"),
        (Request(what="dm-flush", erase=("",)), "--device: '' is no name of a device; write one"),
        (
            Request(axes=tuple(f"{name}={','.join(map(str, range(1, 200)))}" for name in "ab")),
            "a: no such parameter",
        ),
        (
            Request(
                axes=(
                    f"block={','.join(f'{n}k' for n in range(4, 404, 4))}",
                    f"depth={','.join(map(str, range(1, 102)))}",
                )
            ),
            "the product of the axes has 10100 Cases, more than 10000; give fewer values",
        ),
        (Request(pin="huge"), "--pin huge: is no list of CPUs"),
        (Request(until=0.0), "until: 0 % is no width to wait for; write 0.1% to 50%"),
        (Request(until=2.0), "until: 200 % is no width to wait for; write 0.1% to 50%"),
        (Request(until=0.02, limit_s=0), "limit: 0 s is no time to measure for; write 1s to 720h"),
        (Request(limit_s=60), "limit: 1m ends the adding of rounds, and none are added; say until"),
        (
            Request(until=0.02, rounds=9),
            "rounds: 9 are too few for until: an interval is narrow by chance too; write 10",
        ),
        (Request(cool_below_c=1), "cool_below_c: 1 °C is nothing to wait for; write 5C to 110C"),
    ],
)
def test_what_no_plan_can_have_is_refused_with_what_to_do(request_: Request, words: str) -> None:
    with pytest.raises(UsageError, match=re.escape(words)) as caught:
        make_plan(request_)
    assert caught.value.remedy


def test_a_path_on_another_target_is_absolute() -> None:
    require_whole_paths(Request(file="/data/m", directory="/data", devices=("ufs40",)), "adb:x")
    for request in (Request(file="m"), Request(directory="m"), Request(devices=("./m",))):
        with pytest.raises(UsageError, match="on adb:x a path begins with /; write the whole one"):
            require_whole_paths(request, "adb:x")


@pytest.mark.parametrize(
    ("asked", "rule"),
    [
        (Request(), None),
        (Request(until=0.02), StopRule(within=0.02, most_rounds=200)),
        (
            Request(until=0.02, rounds=30, limit_s=60),
            StopRule(within=0.02, most_rounds=600, limit_s=60),
        ),
        (Request(until=0.02, rounds=100), StopRule(within=0.02, most_rounds=1000)),
        (Request(until=0.02, rounds=2000), StopRule(within=0.02, most_rounds=2000)),
    ],
)
def test_rounds_are_added_to_twenty_times_as_many_and_not_beyond_a_thousand(
    asked: Request, rule: StopRule | None
) -> None:
    assert make_plan(asked)[0].until == rule


def test_a_rule_of_the_plan_file_holds_where_nothing_else_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text('workload = "model-load"\nuntil = "3%"\nlimit = "10m"\n')
    plan, _ = make_plan(Request(what=str(path)))
    assert plan.until == StopRule(within=0.03, most_rounds=200, limit_s=600)
    plan, _ = make_plan(Request(what=str(path), until=0.05, limit_s=30, rounds=12))
    assert plan.until == StopRule(within=0.05, most_rounds=240, limit_s=30)
