"""Knobs as people write them, and the Cases that they make."""

import pytest

from loadstone.errors import UsageError
from loadstone.model import Case
from loadstone.plan.knobs import (
    command_lines,
    end_of_commands,
    first_commands,
    knob_text,
    parse_knobs,
    with_knobs,
)

_CASE = Case.of("model-load", "pread", {"engine": "pread"})


def test_a_knob_has_values_each_once() -> None:
    assert parse_knobs(["read_ahead_kb=128, 8192,128", "vm.swappiness=60"]) == {
        "read_ahead_kb": ["128", "8192"],
        "vm.swappiness": ["60"],
    }


@pytest.mark.parametrize(
    ("texts", "complaint"),
    [
        (["read_ahead_kb"], "--knob read_ahead_kb: has no value"),
        (["read_ahead_kb="], "--knob read_ahead_kb=: has no value"),
        (["read_ahead=1"], "--knob read_ahead: no such knob (did you mean 'read_ahead_kb'?)"),
        (["vm.=1"], "--knob vm.: no such knob"),
        (["vm./../x=1"], "--knob vm./../x: no such knob"),
        (["scheduler=none", "scheduler=kyber"], "--knob scheduler: is set twice"),
        (["scheduler=none,"], "--knob scheduler: '' is no value"),
        (["vm.swappiness=1 2"], "--knob vm.swappiness: '1 2' is no value"),
    ],
)
def test_what_is_no_knob_is_refused(texts: list[str], complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_knobs(texts)
    assert caught.value.what.startswith(complaint)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("turbo=[echo 1 > /x],[echo 0 > /x]", ["[echo 1 > /x]", "[echo 0 > /x]"]),
        (" a = [ b ] , [c] ", ["[b]", "[c]"]),
        ("a=[b],[b]", ["[b]"]),
        ("a=[x --y=1,2 'p, q'],[\"a=b\"]", ["[x --y=1,2 'p, q']", '["a=b"]']),
        ("a=[[ -e /x ] && y ${z[0]} *.[ch]]", ["[[ -e /x ] && y ${z[0]} *.[ch]]"]),
        (r"a=[grep '\[x' f],[echo \]]", ["[grep '[x' f]", "[echo ]]"]),
        (r"a=[grep '\\[x\\]' f]", [r"[grep '\[x\]' f]"]),
        (r"a=[printf 'a\n\\t\,']", [r"[printf 'a\n\\t\,']"]),
        ("a=[one\ntwo]", ["[one\ntwo]"]),
    ],
)
def test_a_command_is_what_stands_in_brackets(text: str, commands: list[str]) -> None:
    (values,) = parse_knobs([text]).values()
    assert values == commands
    # As calls of the interface and plan files give it.
    if "\\" not in text:
        assert parse_knobs([knob_text("a", values)]) == {"a": commands}


@pytest.mark.parametrize(
    ("texts", "complaint"),
    [
        (["a=[b],1"], "--knob a: '1' is no command, and others are"),
        (["a=1,[b]"], "--knob a: '1' is no command, and others are"),
        (["a=[b"], "--knob a: the bracket of [b is not closed"),
        (["a=[[b],[c]"], "--knob a: the bracket of [[b],[c] is not closed"),
        (["a=[b]c"], "--knob a: 'c' stands behind a command"),
        (["a=[b]],[c]"], "--knob a: ']' stands behind a command"),
        (["a=[]"], "--knob a: a command is empty"),
        (["a=[ ],[b]"], "--knob a: a command is empty"),
        (["a=[b],"], "--knob a: '' is no command"),
        (["a=[b\0]"], "--knob a: is no command"),
        ([f"a=[{'b' * 4097}]"], "--knob a: is no command"),
        (["a/b=[c]"], "--knob a/b: is no name for commands"),
        (["=[c]"], "--knob : is no name for commands"),
        (["governor=[c],[d]"], "--knob governor: is a tunable of the kernel"),
        (["a=[b]", "a=[c]"], "--knob a: is set twice"),
        (["a=[\udcff]"], "--knob a: \\udcff is not UTF-8"),
    ],
)
def test_what_is_no_command_is_refused(texts: list[str], complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_knobs(texts)
    assert caught.value.what.startswith(complaint), caught.value.what
    assert caught.value.remedy


def test_a_value_of_a_plan_file_is_one_command() -> None:
    with pytest.raises(UsageError, match=r"the bracket of \[a is not closed"):
        knob_text("x", ["[a", "b]"])
    assert knob_text("read_ahead_kb", ["1,2"]) == r"read_ahead_kb=1\,2"


def test_commands_are_short_in_the_label_and_whole_in_the_id() -> None:
    path = "/sys/devices/system/cpu/intel_pstate/no_turbo"
    cases = with_knobs([_CASE], {"turbo": [f"[echo {on} > {path}]" for on in (1, 0)]})
    assert [case.label for case in cases] == [
        "pread turbo [echo 1 > /sys/…/no_turbo]",
        "pread turbo [echo 0 > /sys/…/no_turbo]",
    ]
    other = path.replace("intel", "other")
    (elsewhere,) = with_knobs([_CASE], {"turbo": [f"[echo 1 > {other}]"]})
    assert elsewhere.label == cases[0].label
    assert elsewhere.id != cases[0].id
    assert cases[0].commands == {"turbo": f"echo 1 > {path}"}
    assert cases[0].axes["knob.turbo"] == f"[echo 1 > {path}]"


def test_commands_that_are_alike_when_shortened_are_told_apart_by_the_id() -> None:
    commands = [f"[echo {'a' * 20}{one}{'b' * 20}]" for one in "xy"]
    cases = with_knobs([_CASE], {"k": commands})
    assert [case.label for case in cases] == [
        f"pread k [echo aaaaaaaaaa…{'b' * 16}] #{case.id[:4]}" for case in cases
    ]
    assert cases[0].id != cases[1].id


def test_the_first_command_of_each_knob_is_what_is_left_behind() -> None:
    cases = with_knobs([_CASE], {"a": ["[a1]", "[a2]"], "nr_requests": ["8"], "b": ["[b1]"]})
    assert first_commands(cases) == {"a": "a1", "b": "b1"}
    assert command_lines(cases, "on local as me") == (
        "this runs shell commands, on local as me:",
        "  once before the first Trial, and before each Trial of the Case",
        "    a: a1",
        "    b: b1",
        "    a: a2",
        "  when the Run ends, however it does",
        "    a: a1",
        "    b: b1",
    )
    assert command_lines([_CASE], "on local") == ()


def test_where_commands_end_in_a_longer_text_is_found() -> None:
    text = "x=[a ' b],[c] --set d=[e]"
    assert text[2 : end_of_commands(text, 2)] == "[a ' b],[c]"
    assert end_of_commands("[a],", 0) == 3


def test_each_case_is_there_with_every_combination_under_a_name_of_its_own() -> None:
    cases = with_knobs([_CASE], {"nr_requests": ["32", "64"], "scheduler": ["none"]})
    assert [case.label for case in cases] == [
        "pread nr_requests 32 scheduler none",
        "pread nr_requests 64 scheduler none",
    ]
    assert len({_CASE.id, *(case.id for case in cases)}) == 3
    assert {tuple(case.parameters.items()) for case in cases} == {(("engine", "pread"),)}


def test_without_knobs_a_case_is_what_it_was() -> None:
    assert with_knobs([_CASE], {}) == (_CASE,)
