"""Cases of model-load beside commands: how they are written, and what is refused with its line."""

from pathlib import Path

import pytest

from loadstone.errors import UsageError
from loadstone.model import Case
from loadstone.plan.request import Request, Side, make_pair_plan, make_plan

COMMAND = "command=python load.py {file}"
URING = "engine=uring io=direct destination=thp block=512KiB depth=32"


def cases_of(*axes: str) -> tuple[Case, ...]:
    plan, remarks = make_plan(Request(what="command", axes=axes))
    assert remarks == []
    return plan.cases


def test_own_cases_are_those_that_model_load_itself_would_have() -> None:
    command, copied, read = cases_of(COMMAND, f"own=engine=mmap-copy,{URING}")
    assert command.workload == "command"
    assert "own" not in command.parameters
    alone, _ = make_plan(Request(axes=tuple(URING.split())))
    assert read == alone.cases[0]
    assert copied.parameters["engine"] == "mmap-copy"


def test_own_cases_alone_need_no_command() -> None:
    assert [case.workload for case in cases_of("own=engine=pread", "ready=said")] == ["model-load"]
    assert {case.workload for case in cases_of("ready=said")} == {"command"}


def test_what_both_have_holds_for_both_unless_the_case_says_otherwise() -> None:
    cases = cases_of(COMMAND, "cache=warm,cold", "own=engine=mmap,engine=pread cache=as-is")
    found = [(case.workload, case.parameters["cache"]) for case in cases]
    assert found == [
        *(("command", cache) for cache in ("warm", "cold")),
        ("model-load", "warm"),
        ("model-load", "as-is"),
        ("model-load", "cold"),
    ]


def test_a_choice_without_meaning_is_told_as_of_model_load() -> None:
    _, remarks = make_plan(Request(what="command", axes=(COMMAND, "own=engine=mmap depth=4")))
    assert remarks == ["depth has no meaning for engine mmap: left out there"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("engine=tread", "own: engine: 'tread' is not one of its values (did you mean 'pread'?)"),
        (
            "engin=pread",
            "own: engin: no such parameter (did you mean 'engine'?); there are engine,",
        ),
        ("block=0", "own: block: '0' is too little; write 512 or more"),
        ("pread", "own: pread: has no value; write NAME=VALUE, as `loadstone list model-load` has"),
        ("engine=", "own: engine=: has no value"),
        ("io=direct io=direct", "own: io: is set twice; write it once in a Case"),
        ("", "own: '' is not one of its values"),
        ("own=engine=pread", "own: own: no such parameter"),
    ],
)
def test_a_mistake_is_told_as_model_load_tells_it(text: str, words: str) -> None:
    with pytest.raises(UsageError) as error:
        cases_of(COMMAND, f"own={text}")
    assert str(error.value).startswith(words)


def test_other_workloads_have_no_such_parameter() -> None:
    with pytest.raises(UsageError, match="own: no such parameter"):
        make_plan(Request(axes=("own=engine=pread",)))


@pytest.fixture
def plan_file(tmp_path: Path) -> Path:
    path = tmp_path / "peers.toml"
    path.write_text(
        'workload = "command"\n'
        "[set]\n"
        'command = ["load --gpus 0,1 {file}"]\n'
        'own = ["engine=mmap-copy", "engine=pread io=buffered"]\n'
        "[[case]]\n"
        'own = "engine=pread"\n'
        'cache = "warm"\n'
        "[[case]]\n"
        'command = "cat {file}"\n'
    )
    return path


def test_a_plan_file_has_them_as_a_list_and_one_by_one(plan_file: Path) -> None:
    plan, _ = make_plan(Request(what=str(plan_file)))
    assert [case.label for case in plan.cases] == [
        "load --gpus 0,1 {file}",
        "cat {file}",
        "mmap-copy → anon 1MiB",
        "pread buffered → anon 1MiB",
        "pread direct → anon 1MiB warm",
    ]


def test_the_command_line_replaces_those_of_a_plan_file(plan_file: Path) -> None:
    plan, _ = make_plan(Request(what=str(plan_file), axes=("own=engine=sendfile", "cache=as-is")))
    found = [(case.workload, case.parameters["cache"]) for case in plan.cases]
    assert found == [("command", "as-is")] * 2 + [("model-load", "as-is")] * 2
    assert [case.parameters["engine"] for case in plan.cases[2:]] == ["sendfile", "pread"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('[set]\nown = ["engine=mmap", "engine=tread"]', "peers.toml:3: own: engine: 'tread' is"),
        ('[[case]]\nown = "depth=many"', "peers.toml:3: own: depth: 'many' is not a count"),
        (
            '[[case]]\nown = "engine=mmap"\nready = "said"',
            "peers.toml:4: ready: stands beside own, and is no parameter of model-load",
        ),
    ],
)
def test_a_mistake_in_a_plan_file_is_told_with_its_line(
    tmp_path: Path, line: str, words: str
) -> None:
    path = tmp_path / "peers.toml"
    path.write_text(f'workload = "command"\n{line}\n')
    with pytest.raises(UsageError) as error:
        make_plan(Request(what=str(path)))
    assert words in str(error.value)


def test_a_command_can_be_one_side_and_a_case_of_ours_the_other() -> None:
    request = Request(what="command", axes=("ready=said",))
    plan, _ = make_pair_plan(
        request, Side(axes=(COMMAND,)), Side(axes=("own=engine=uring destination=thp",))
    )
    assert [case.workload for case in plan.cases] == ["command", "model-load"]
    assert plan.pairs == ((plan.cases[0].id, plan.cases[1].id),)
