r"""Knobs as people write them, and Cases with each of their values.

A value in square brackets is a shell command. Brackets in it are part of it where they are
balanced; one that is not is written ``\[`` or ``\]``. All else, quotes and other backslashes too,
is the shell's.
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from loadstone.errors import UsageError
from loadstone.model import Case
from loadstone.provision.knob import is_knob, require_knob
from loadstone.text import knob_words, printable

_VALUE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,31}")
_LONGEST_COMMAND = 4096


def parse_knobs(texts: Iterable[str]) -> dict[str, list[str]]:
    """Read knobs written ``name=v1,v2``, or ``name=[command],[command]``.

    Returns:
        The values by name; commands are in their brackets, without the backslashes that those
        inside had.

    Raises:
        UsageError: one has no value, a repeated or unknown name, a value that is no word, a
            command whose bracket is not closed, or both commands and words.
    """
    knobs: dict[str, list[str]] = {}
    for text in texts:
        name, equals, values = (part.strip() for part in text.partition("="))
        if not equals or not values:
            raise UsageError(f"--knob {text}: has no value", remedy="write NAME=V1,V2")
        found = list(dict.fromkeys(_split(name, values)))
        if any(value.startswith("[") for value in found):
            _require_commands(name, found)
        else:
            _require_values(name, found)
        if name in knobs:
            raise UsageError(f"--knob {name}: is set twice", remedy=f"write {name}=V1,V2 once")
        knobs[name] = found
    return knobs


def knob_text(name: str, values: Iterable[str]) -> str:
    """A knob as ``parse_knobs`` reads it.

    Raises:
        UsageError: a value begins with a bracket that is closed in none.
    """
    texts = []
    for value in values:
        is_command = value.lstrip().startswith("[")
        if is_command:
            list(_split(name, value))
        # Else one with a comma in it would be two.
        texts.append(value if is_command else value.replace(",", "\\,"))
    return f"{name}={','.join(texts)}"


def end_of_commands(text: str, start: int) -> int:
    """Where commands that begin at a place of a text end, which commas part."""
    at = start
    while at < len(text) and text[at] == "[":
        _, at = _read_command("", text, at)
        rest = text[at:].lstrip()
        if not rest.startswith(",") or not rest[1:].lstrip().startswith("["):
            break
        at = text.index("[", at)
    return at


def with_knobs(cases: Sequence[Case], knobs: Mapping[str, Sequence[str]]) -> tuple[Case, ...]:
    """Each Case with every combination of the knobs' values."""
    combined = [
        dict(zip(knobs, values, strict=True)) for values in itertools.product(*knobs.values())
    ]
    return told_apart(
        [case.with_knobs(chosen, _label(chosen)) for case in cases for chosen in combined]
    )


def _label(knobs: Mapping[str, str]) -> str:
    return " ".join(f"{name} {knob_words(value)}" for name, value in knobs.items())


def told_apart(cases: Sequence[Case]) -> tuple[Case, ...]:
    """Cases, those with the beginning of their id in the label whose shortened commands are alike.

    Two that are the same Case are left so.
    """
    alike = Counter(label for _, label in {(case.id, case.label) for case in cases})
    return tuple(
        msgspec.structs.replace(case, label=f"{case.label} #{case.id[:4]}")
        if alike[case.label] > 1 and case.commands
        else case
        for case in cases
    )


def command_lines(cases: Sequence[Case], where: str) -> tuple[str, ...]:
    """Which commands a Plan runs, and when; empty where there are none.

    Args:
        where: they are run, and as whom.
    """
    first = first_commands(cases)
    if not first:
        return ()
    every = dict.fromkeys(item for case in cases for item in case.commands.items())
    return (
        f"this runs shell commands, {where}:",
        "  once before the first Trial, and before each Trial of the Case",
        *(f"    {name}: {printable(command)}" for name, command in every),
        "  when the Run ends, however it does",
        *(f"    {name}: {printable(command)}" for name, command in first.items()),
    )


def first_commands(cases: Iterable[Case]) -> Mapping[str, str]:
    """Of each knob that is commands the first, which makes the state that is left behind."""
    first: dict[str, str] = {}
    for case in cases:
        for name, command in case.commands.items():
            first.setdefault(name, command)
    return first


def _split(name: str, text: str) -> Iterator[str]:
    at = 0
    while True:
        start = at + len(text[at:]) - len(text[at:].lstrip())
        if text[start : start + 1] == "[":
            value, at = _read_command(name, text, start)
            comma = text.find(",", at)
            end = len(text) if comma < 0 else comma
            if text[at:end].strip():
                raise UsageError(
                    f"--knob {name}: {printable(text[at:end].strip())!r} stands behind a command",
                    remedy=f"write {name}=[COMMAND],[COMMAND]; a bracket that has no other in a "
                    "command is written \\[ or \\]",
                )
        else:
            comma = text.find(",", at)
            end = len(text) if comma < 0 else comma
            value = text[at:end].strip()
        yield value
        if end == len(text):
            return
        at = end + 1


def _read_command(name: str, text: str, start: int) -> tuple[str, int]:
    """The command whose bracket opens at a place, in brackets, and where it has ended."""
    command, depth, at = "", 0, start
    while at < len(text):
        if text[at : at + 2] in ("\\[", "\\]"):
            command += text[at + 1]
            at += 2
            continue
        depth += {"[": 1, "]": -1}.get(text[at], 0)
        command += text[at]
        at += 1
        if depth == 0:
            return f"[{command[1:-1].strip()}]", at
    raise UsageError(
        f"--knob {name}: the bracket of {printable(text[start:])} is not closed",
        remedy=f"write {name}=[COMMAND],[COMMAND]; a bracket that has no other in a command is "
        "written \\[ or \\]",
    )


def _require_values(name: str, values: Iterable[str]) -> None:
    require_knob(name)
    for value in values:
        if not _VALUE.fullmatch(value):
            raise UsageError(
                f"--knob {name}: {value!r} is no value", remedy="write a number or a word"
            )


def _require_commands(name: str, values: Sequence[str]) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"--knob {printable(name)}: is no name for commands",
            remedy="write up to 32 letters, digits, _, - and .",
        )
    if is_knob(name):
        raise UsageError(
            f"--knob {name}: is a tunable of the kernel, which Loadstone itself sets",
            remedy=f"write its values, {name}=V1,V2, or give the commands another name",
        )
    for value in values:
        if not value.startswith("["):
            raise UsageError(
                f"--knob {name}: {printable(value)!r} is no command, and others are",
                remedy=f"write {name}=[COMMAND],[COMMAND]",
            )
        _require_command(name, value[1:-1])


def _require_command(name: str, command: str) -> None:
    if not command or "\0" in command or len(command) > _LONGEST_COMMAND:
        raise UsageError(
            f"--knob {name}: {'a command is empty' if not command else 'is no command'}",
            remedy="write what a shell takes, `true` for nothing; what has more than "
            f"{_LONGEST_COMMAND} characters belongs into a script",
        )
    try:
        command.encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"--knob {name}: {printable(command)} is not UTF-8, so a Run cannot record it",
            remedy="have a script do it",
        ) from None
