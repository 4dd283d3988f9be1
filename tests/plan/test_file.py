"""Plan files, and the line that each mistake is told with."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from loadstone.errors import UsageError
from loadstone.plan.file import PlanFile, read_plan_file, resolve_axes
from loadstone.plan.order import LIMITS
from sample_parameters import PARAMETERS

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
pin = "big"
cool-below = "38.5C"

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


def test_a_whole_plan_file_is_read(write: Write, tmp_path: Path) -> None:
    plan = read_plan_file(write(WHOLE))
    assert (plan.name, plan.workload) == ("ufs tuning", "model-load")
    assert (plan.rounds, plan.warmups, plan.seed) == (10, 1, 42)
    assert plan.file == str(tmp_path / "data/model.gguf")
    assert plan.directory == "/data/scratch"
    assert plan.size_bytes == 1 << 30
    assert (plan.pin, plan.cool_below_c) == ("big", 38.5)
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
    assert (*silent, plan.pin, plan.cool_below_c) == (None,) * 8


def test_one_cpu_and_a_temperature_may_be_plain_numbers(write: Write) -> None:
    plan = read_plan_file(write('workload = "w"\npin = 3\ncool-below = 38\n'))
    assert (plan.pin, plan.cool_below_c) == ("3", 38)
    knobs = "[knob]\nread_ahead_kb = [128, 8192]\nscheduler = 'none'\n"
    assert read_plan_file(write(f'workload = "w"\n{knobs}')).knobs == (
        "read_ahead_kb=128,8192",
        "scheduler=none",
    )
    assert read_plan_file(write('workload = "w"\ncool-below = 38.5\n')).cool_below_c == 38.5


def test_commands_of_a_plan_file_are_as_on_the_command_line(write: Write) -> None:
    knobs = """[knob]\nturbo = ["[echo 1 > /x, y]", '[echo "0"]']\n"""
    assert read_plan_file(write(f'workload = "w"\n{knobs}')).knobs == (
        'turbo=[echo 1 > /x, y],[echo "0"]',
    )
    with pytest.raises(UsageError, match=r":3: --knob turbo: the bracket of \[a is not closed"):
        read_plan_file(write('workload = "w"\n[knob]\nturbo = ["[a", "b]"]\n'))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('pin = "huge"', ":2: --pin huge: is no list of CPUs; write big"),
        ("pin = true", ':2: pin: true is no text; write pin = "…"'),
        ("pin = -1", ":2: --pin -1: is no list of CPUs"),
        ('pin = ""', ":2: pin: '' is no text"),
        ('cool-below = "warm"', ":2: cool-below: 'warm' is no temperature; write 38C"),
        ("cool-below = -5", ":2: cool-below: '-5' is no temperature"),
        ("cool-below = nan", ":2: cool-below: 'nan' is no temperature"),
        ("cool-below = true", ":2: cool-below: 'true' is no temperature"),
        ("cool-below = [38]", ":2: cool-below: 'a list' is no temperature"),
        ("until = 0.02", ":2: until: '0.02' is no percentage; write 2% or 0.5%"),
        ('until = "200%"', ":2: until: 200 % is no width to wait for"),
        ("limit = 10", ":2: limit: '10' is no time; write 90s, 10m or 1h"),
        ("cool-below = 300", ":2: cool-below: 300 °C is nothing to wait for"),
    ],
)
def test_conditions_that_are_none_are_told_with_their_line(
    write: Write, line: str, words: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(words)):
        read_plan_file(write(f'workload = "w"\n{line}\n'))


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
    assert str(caught.value).startswith(f"{plan.toml.path}:{line}: ")
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("key", LIMITS)
def test_the_least_and_the_most_of_each_number_are_taken(write: Write, key: str) -> None:
    for number in LIMITS[key]:
        plan: PlanFile = read_plan_file(write(f"{HEAD}{key} = {number}\n{SET}"))
        assert getattr(plan, key) == number


def test_a_plan_file_that_cannot_be_read_says_what_else_to_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\(ENOENT\); name a workload or a plan file"):
        read_plan_file(tmp_path / "none.toml")
