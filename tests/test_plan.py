"""Plans: values, axes, plan files, and the order of Steps."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from loadstone.errors import UsageError
from loadstone.model import Case, Kind, Parameter, Plan
from loadstone.parameters import parse_axes, parse_value
from loadstone.plan import LIMITS, order
from loadstone.plan_file import PlanFile, read_plan_file, resolve_axes

ENGINE = Parameter(
    name="engine", kind=Kind.CHOICE, help="", default="pread", choices=("pread", "uring", "mmap")
)
DESTINATION = Parameter(
    name="destination", kind=Kind.CHOICE, help="", choices=("anon", "memfd", "dma-heap:NAME")
)
BLOCK = Parameter(name="block", kind=Kind.SIZE, help="", minimum=512)
DEPTH = Parameter(name="depth", kind=Kind.COUNT, help="", minimum=1)
FIXED = Parameter(name="fixed", kind=Kind.FLAG, help="")
MOUNT = Parameter(name="mount", kind=Kind.CHOICE, help="")
PARAMETERS = (ENGINE, DESTINATION, BLOCK, DEPTH, FIXED, MOUNT)

WHOLE = """\
# a plan
name = "ufs tuning"
workload = "model-load"   # the workload
rounds = 10
warmups = 1
seed = 42
file = "data/model.gguf"
dir = "/data/scratch"
size = "1GiB"

[set]
engine = ["pread", "uring"]
block = ["1MiB", "4MiB", 4194304]

[[case]]
engine = "uring"
block = "128k"
depth = 32

[[case]]
destination = "dma-heap:qcom,display"
fixed = true
"""

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_plan(text: str) -> Path:
        path = tmp_path / "ufs.toml"
        path.write_text(text)
        return path

    return write_plan


def a_plan(*, cases: int = 5, rounds: int = 4, warmups: int = 2, seed: int = 42) -> Plan:
    made = tuple(Case.of("model-load", f"case {n}", {"depth": n}) for n in range(cases))
    return Plan(
        name="p", workload="model-load", cases=made, rounds=rounds, warmups=warmups, seed=seed
    )


@pytest.mark.parametrize(
    ("parameter", "text", "value"),
    [
        (ENGINE, "uring", "uring"),
        (DESTINATION, "dma-heap:system", "dma-heap:system"),
        (DESTINATION, "dma-heap:qcom,display", "dma-heap:qcom,display"),
        (MOUNT, "noatime,discard", "noatime,discard"),
        (BLOCK, "4k", 4096),
        (BLOCK, " 1.5MiB ", 3 << 19),
        (DEPTH, "32", 32),
        (FIXED, "on", True),
        (FIXED, "0", False),
    ],
)
def test_a_value_is_read_by_its_kind(parameter: Parameter, text: str, value: object) -> None:
    read = parse_value(parameter, text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("parameter", "text", "words"),
    [
        (ENGINE, "prad", ["engine", "'prad'", "did you mean 'pread'", "pread, uring, mmap"]),
        (ENGINE, "PREAD", ["did you mean 'pread'"]),
        (ENGINE, "", ["''", "pread, uring, mmap"]),
        (DESTINATION, "dma-heap", ["did you mean 'dma-heap:NAME'"]),
        (DESTINATION, "dma-heap:", ["destination", "dma-heap:NAME"]),
        (DESTINATION, "dma-heap:../../etc", ["destination"]),
        (DESTINATION, "dma-heap:a b", ["destination"]),
        (MOUNT, "", ["mount", "any text"]),
        (BLOCK, "4x", ["block", "'4x'", "4k, 1MiB"]),
        (BLOCK, "511", ["block", "'511'", "512 or more"]),
        (BLOCK, "0.3", ["block", "whole number of bytes"]),
        (BLOCK, "9" * 400, ["block", "write less"]),
        (BLOCK, "8388608t", ["block", "write less"]),
        (DEPTH, "-1", ["depth", "'-1'", "whole number"]),
        (DEPTH, "0", ["depth", "1 or more"]),
        (DEPTH, "9" * 5000, ["depth", "whole number"]),
        (DEPTH, str(1 << 63), ["depth", "write less"]),
        (DEPTH, "²", ["depth", "whole number"]),
        (FIXED, "maybe", ["fixed", "'maybe'", "neither on nor off"]),
    ],
)
def test_a_bad_value_is_refused_with_the_allowed_ones(
    parameter: Parameter, text: str, words: list[str]
) -> None:
    with pytest.raises(UsageError) as caught:
        parse_value(parameter, text)
    for word in words:
        assert word in str(caught.value)


def test_axes_are_lists_whose_duplicates_collapse_in_the_order_given() -> None:
    axes = parse_axes(
        PARAMETERS, ["engine=uring,pread,uring", "block = 4k, 4096,1MiB", "fixed=on,1"]
    )
    assert axes == {"engine": ["uring", "pread"], "block": [4096, 1 << 20], "fixed": [True]}


def test_an_escaped_comma_belongs_to_the_value() -> None:
    axes = parse_axes(PARAMETERS, [r"destination=anon,dma-heap:qcom\,display"])
    assert axes == {"destination": ["anon", "dma-heap:qcom,display"]}


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["engin=pread"], ["engin", "did you mean 'engine'", "block", "depth"]),
        (["engine"], ["engine", "engine=VALUE"]),
        (["=pread"], ["no such parameter"]),
        (["engine=pread", "engine=uring"], ["engine", "twice"]),
        (["engine=pread,"], ["engine", "''"]),
        (["engine="], ["engine", "''"]),
    ],
)
def test_a_bad_axis_is_refused(texts: list[str], words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        parse_axes(PARAMETERS, texts)
    for word in words:
        assert word in str(caught.value)


def test_warmups_come_first_and_every_round_runs_every_case_once() -> None:
    plan = a_plan()
    steps = list(order(plan))
    assert [(step.warmup, step.round) for step in steps[::5]] == [
        *((True, n) for n in range(2)),
        *((False, n) for n in range(4)),
    ]
    for start in range(0, len(steps), 5):
        block = steps[start : start + 5]
        assert len({(step.warmup, step.round) for step in block}) == 1
        assert Counter(step.case.id for step in block) == Counter(c.id for c in plan.cases)


def test_the_order_hangs_on_the_seed_alone_and_not_on_the_number_of_rounds() -> None:
    steps = list(order(a_plan()))
    assert steps == list(order(a_plan()))
    assert steps == list(order(a_plan(rounds=40)))[: len(steps)]
    assert steps != list(order(a_plan(seed=43)))
    rounds = [tuple(step.case.id for step in steps[n : n + 5]) for n in range(0, len(steps), 5)]
    assert len(set(rounds)) > 1


def test_the_order_is_the_same_with_every_python() -> None:
    labels = [step.case.label[-1] for step in order(a_plan(rounds=2, warmups=1))]
    assert "".join(labels) == "401232410304231"


def test_a_whole_plan_file_is_read(write: Write, tmp_path: Path) -> None:
    plan = read_plan_file(write(WHOLE))
    assert (plan.name, plan.workload) == ("ufs tuning", "model-load")
    assert (plan.rounds, plan.warmups, plan.seed) == (10, 1, 42)
    assert plan.file == str(tmp_path / "data/model.gguf")
    assert plan.directory == "/data/scratch"
    assert plan.size_bytes == 1 << 30
    selection = resolve_axes(plan, PARAMETERS)
    assert selection.axes == {"engine": ["pread", "uring"], "block": [1 << 20, 4 << 20]}
    assert selection.cases == (
        {"engine": "uring", "block": 128 << 10, "depth": 32},
        {"destination": "dma-heap:qcom,display", "fixed": True},
    )


def test_a_plan_file_may_be_silent_on_all_but_workload_and_parameters(write: Write) -> None:
    plan = read_plan_file(write('workload = "model-load"\nset.engine = "pread"\n'))
    assert plan.name == "ufs"
    assert resolve_axes(plan, PARAMETERS).axes == {"engine": ["pread"]}
    silent = (plan.file, plan.directory, plan.size_bytes, plan.rounds, plan.warmups, plan.seed)
    assert silent == (None,) * 6


def test_a_plan_file_with_a_byte_order_mark_and_dos_line_ends_is_read(tmp_path: Path) -> None:
    path = tmp_path / "dos.toml"
    path.write_bytes(b"\xef\xbb\xbf" + WHOLE.replace("\n", "\r\n").encode())
    assert read_plan_file(path).source.lines == read_lines(WHOLE, tmp_path)


def read_lines(text: str, directory: Path) -> object:
    path = directory / "unix.toml"
    path.write_text(text)
    return read_plan_file(path).source.lines


HEAD = 'workload = "w"\n'
SET = '[set]\nengine = "pread"\n'


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, ["workload: is missing"]),
        (SET, 1, ["workload: is missing"]),
        (HEAD + "rounds =\n" + SET, 2, ["is not TOML"]),
        (HEAD + SET + "engine = 'mmap'\n", 4, ["is not TOML"]),
        (HEAD + "x = " + "[" * 100_000, 2, ["is not TOML"]),
        (HEAD + "seed = " + "9" * 5000 + "\n" + SET, 4, ["is not TOML"]),
        (HEAD + "seed = 0x" + "f" * 9000 + "\n" + SET, 2, ["seed:", "beyond 64 bits"]),
        (
            HEAD + "\n# rounds = 1\nround = 3\n" + SET,
            4,
            ["round:", "did you mean 'rounds'", "[set]"],
        ),
        (HEAD + "rounds = 0\n" + SET, 2, ["rounds: 0", "from 1 to 10000"]),
        (HEAD + "rounds = 10001\n" + SET, 2, ["rounds: 10001"]),
        (HEAD + "rounds = true\n" + SET, 2, ["rounds: true"]),
        (HEAD + "rounds = '3'\n" + SET, 2, ["rounds: '3'"]),
        (HEAD + "warmups = -1\n" + SET, 2, ["warmups: -1"]),
        (HEAD + "seed = -1\n" + SET, 2, ["seed: -1"]),
        (HEAD + "seed = 1.5\n" + SET, 2, ["seed: 1.5"]),
        (HEAD + "seed = 1979-05-27\n" + SET, 2, ["seed: a date"]),
        ("workload = 3\n" + SET, 1, ["workload: 3"]),
        (HEAD + "name = ' '\n" + SET, 2, ["name: ' '"]),
        (HEAD + 'file = "a\\u0000b"\n' + SET, 2, ["file:"]),
        (HEAD + "size = 'big'\n" + SET, 2, ["size: 'big'", "1MiB"]),
        (HEAD + "size = 0\n" + SET, 2, ["size: '0'"]),
        (HEAD + "size = 1.5\n" + SET, 2, ["size: 1.5"]),
        (HEAD + "set = 3\n", 2, ["set: 3", "[set]"]),
        (HEAD + "[case]\nengine = 'pread'\n", 2, ["case:", "[[case]]"]),
        (HEAD + "case = [1]\n", 2, ["case:", "[[case]]"]),
        (HEAD + "[set]\nblock = [\n'4k',\n]\nengine = []\n", 6, ["engine: has no values"]),
        (HEAD + "[set]\nengine = [['pread']]\n", 3, ["engine: a list"]),
        (HEAD + "[set.engine]\nfoo = 1\n", 2, ["engine: a table"]),
        (HEAD + "[[case]]\nengine = 'mmap'\n[[case]]\nengine = ['mmap']\n", 5, ["engine: a list"]),
        (HEAD + "[[case]]\n[[case]]\n[case.io]\ndepth = 1\n", 4, ["io: a table"]),
        (HEAD + "[[case]]\ndepth = 0xffffffffffffffffff\n", 3, ["depth:", "beyond 64 bits"]),
    ],
)
def test_a_bad_plan_file_is_refused_at_its_line(
    write: Write, text: str, line: int, words: list[str]
) -> None:
    path = write(text)
    with pytest.raises(UsageError) as caught:
        read_plan_file(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[set]\nengine = 'pread'\nengin = 'mmap'\n", 4, ["engin:", "did you mean 'engine'"]),
        ("[set]\nengine = [\n  'pread', # engine = 1\n  'x',\n]\n", 3, ["engine: 'x'", "mmap"]),
        ("set.block = '4k'\nset.depth = true\n", 3, ["depth: 'true'"]),
        ("[ set ] # [[case]]\n'engine' = 'x'\n", 3, ["engine: 'x'"]),
        ('[set]\n"eng\\u0069ne" = "x"\n', 3, ["engine: 'x'"]),
        ("[[case]]\ndepth = 1\n\n[[case]]\ndepth = 0\n", 6, ["depth: '0'"]),
        ("[[case]]\n[[case]]\n[['case']]\ndepth = -1\n", 5, ["depth: '-1'"]),
        ("case = [\n {depth = 1},\n {depth = 0}]\n", 2, ["depth: '0'"]),
        ("set = {engine = 'x'}\n", 2, ["engine: 'x'"]),
        ('[set]\nmount = """\nfixed = 1\n[[case]]\n"""\nfixed = 2\n', 7, ["fixed: '2'"]),
        ("[set]\nmount = '''\n'fixed' = 1\n''''\nfixed = 2\n", 6, ["fixed: '2'"]),
        ('[set]\nmount = ["""a"""", "["]\nfixed = 2\n', 4, ["fixed: '2'"]),
        ('[set]\nmount = ["\\"", "[", "#"]\nfixed = 2\n', 4, ["fixed: '2'"]),
        ("[set]\nmount = ['\\', 'a=b']\nfixed = 2\n", 4, ["fixed: '2'"]),
    ],
)
def test_a_bad_parameter_in_a_plan_file_is_refused_at_its_line(
    write: Write, text: str, line: int, words: list[str]
) -> None:
    plan = read_plan_file(write(HEAD + text))
    with pytest.raises(UsageError) as caught:
        resolve_axes(plan, PARAMETERS)
    assert str(caught.value).startswith(f"{plan.source.path}:{line}: ")
    for word in words:
        assert word in str(caught.value)


def test_a_plan_file_that_is_not_utf_8_is_refused_at_its_line(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_bytes(b'workload = "w"\nname = "\xff"\n')
    with pytest.raises(UsageError, match=rf"{path}:2: is not UTF-8"):
        read_plan_file(path)


def test_a_missing_plan_file_and_a_directory_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ENOENT"):
        read_plan_file(tmp_path / "none.toml")
    with pytest.raises(UsageError, match="EISDIR"):
        read_plan_file(tmp_path)


@pytest.mark.parametrize("key", LIMITS)
def test_the_least_and_the_most_of_each_number_are_taken(write: Write, key: str) -> None:
    for number in LIMITS[key]:
        plan: PlanFile = read_plan_file(write(f"{HEAD}{key} = {number}\n{SET}"))
        assert getattr(plan, key) == number


def test_the_caller_can_point_at_a_key_too(write: Write) -> None:
    plan = read_plan_file(write("rounds = 3\n" + HEAD + SET))
    assert str(plan.source.error(("workload",), "workload: unknown")).endswith(
        "ufs.toml:2: workload: unknown"
    )
