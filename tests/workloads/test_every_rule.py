"""What holds for the rules of every Workload that is found."""

import itertools
import re
import string
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from loadstone.core.explain import COMMON_RULES, Rule
from loadstone.model import Input
from loadstone.workloads import Workload, make_cases, workloads

ROOT = Path(__file__).parents[2]


SOURCES = sorted((ROOT / "native" / "src").rglob("*.c"))


WORKLOADS = list(workloads().values())


of_every_workload = pytest.mark.parametrize("chosen", WORKLOADS, ids=lambda one: one.name)


def each_rule() -> pytest.MarkDecorator:
    named = [(one, rule) for one in WORKLOADS for rule in (*one.rules, *COMMON_RULES)]
    return pytest.mark.parametrize(
        ("chosen", "rule"), named, ids=[f"{one.name}-{rule.step[:24]}" for one, rule in named]
    )


def names_in(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@each_rule()
def test_a_rule_names_only_what_its_workload_has(chosen: Workload, rule: Rule) -> None:
    parameters = {one.name for one in chosen.parameters}
    named = names_in(rule.meaning) | names_in(rule.remedy)
    assert named <= parameters | {"path", "offset", *rule.facts}
    assert set(rule.facts) <= named
    assert set(rule.when) <= parameters


@each_rule()
def test_a_rule_has_a_meaning_and_a_remedy(chosen: Workload, rule: Rule) -> None:
    del chosen
    assert rule.codes
    assert rule.meaning
    assert rule.remedy
    assert all(code > 0 for code in rule.codes)


def alternatives(pattern: str) -> Iterator[str]:
    """Those of a regular expression, but for the ones in parentheses."""
    depth, start = 0, 0
    for position, char in enumerate(pattern):
        depth += {"(": 1, ")": -1}.get(char, 0)
        if char == "|" and not depth:
            yield pattern[start:position]
            start = position + 1
    yield pattern[start:]


STEPS = {text for path in SOURCES for text in re.findall(r'"([^"\n]*)"', path.read_text())}


@each_rule()
def test_a_rule_is_for_steps_that_the_core_has(chosen: Workload, rule: Rule) -> None:
    del chosen
    for pattern in alternatives(rule.step):
        assert any(re.fullmatch(pattern, step) for step in STEPS), pattern


@of_every_workload
def test_no_rule_stands_twice(chosen: Workload) -> None:
    met: set[tuple[object, ...]] = set()
    for rule in (*chosen.rules, *COMMON_RULES):
        key = (rule.step, rule.codes, rule.path, tuple(sorted(rule.when.items())))
        assert key not in met, rule
        met.add(key)


def test_workloads_share_rules_and_copy_none() -> None:
    rules = {id(rule): rule for one in WORKLOADS for rule in (*one.rules, *COMMON_RULES)}
    for one, other in itertools.combinations(rules.values(), 2):
        assert (one.step, one.meaning, one.remedy) != (other.step, other.meaning, other.remedy)


def options_in(text: str) -> Iterator[str]:
    """What a text says to set or to give: ``--set`` names, other options as they are."""
    for words in re.findall(r"--set ((?:\w+=\S+(?:,? and |, | or | )?)+|\w+)", text):
        yield from re.findall(r"(\w+)=", words) or [words]
    yield from re.findall(r"(--(?:file|size|device)\b)", text)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("--set engine=uring destination=udmabuf", ["engine", "destination"]),
        ("free some, or --set threads to less", ["threads"]),
        ("--set io=buffered, or threads=1; a program", ["io", "threads"]),
        ("a smaller file (--size), or another --device", ["--size", "--device"]),
        ("run as root", []),
    ],
)
def test_the_options_in_a_text_are_found(text: str, options: list[str]) -> None:
    assert list(options_in(text)) == options


@each_rule()
def test_a_remedy_names_only_options_that_its_workload_takes(
    chosen: Workload, rule: Rule, takes_files: Mapping[str, bool]
) -> None:
    cases, _ = make_cases(chosen, [{}])
    accepted = {one.name for one in chosen.parameters}
    if takes_files[chosen.name]:
        accepted |= {"--file", "--size"}
    if chosen.devices(Input(), cases):
        accepted.add("--device")
    text = re.sub(r"--set \{path\}", "", f"{rule.meaning}; {rule.remedy}")
    assert set(options_in(text)) <= accepted, rule.remedy
