"""The Cases of command, and how they are written."""

import pytest

from loadstone.errors import UsageError
from loadstone.plan.parameters import parse_axes
from loadstone.workloads import make_cases, workload

COMMAND = workload("command")


def test_commands_are_given_with_their_commas_escaped() -> None:
    axes = parse_axes(COMMAND.parameters, [r"command=load --gpu 0\,1 {file},cat {file}"])
    assert axes == {"command": ["load --gpu 0,1 {file}", "cat {file}"]}


def test_a_label_shows_a_command_as_it_is_where_it_is_short() -> None:
    cases, _ = make_cases(COMMAND, [{"command": "python load.py {file}", "ready": "said"}])
    assert cases[0].label == "python load.py {file} ready said"


def test_long_commands_that_are_shortened_to_the_same_have_labels_of_their_own() -> None:
    texts = [
        f"python /opt/loaders/load.py --way {way} --again --verbose --more {{file}}" for way in "ab"
    ]
    cases, _ = make_cases(COMMAND, [{"command": text} for text in texts])
    labels = [case.label for case in cases]
    assert len({label.partition(" #")[0] for label in labels}) == 1
    assert len(set(labels)) == 2
    assert all(len(label) < 50 for label in labels)


def test_a_label_is_one_line() -> None:
    cases, _ = make_cases(COMMAND, [{"command": "a {file}\nb\x1b[2J"}, {"command": "a {file} b"}])
    assert all(case.label.isprintable() for case in cases)
    assert cases[0].label != cases[1].label


def test_a_placeholder_within_quotes_is_refused_when_the_case_is_made() -> None:
    with pytest.raises(UsageError, match="within quotes"):
        make_cases(COMMAND, [{"command": "python -c \"open('{file}')\""}])
