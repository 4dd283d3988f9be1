"""Values of parameters as people write them, checked against what the parameter takes."""

import re
from collections.abc import Iterable, Sequence

from loadstone.errors import UsageError
from loadstone.model import Kind, Parameter, Value
from loadstone.text import did_you_mean
from loadstone.units import parse_bytes, parse_flag

_OPEN_FORM = re.compile(r"(.+:)([A-Z]+)")
_NAME = r"[A-Za-z0-9._,-]+"
# What the word of an open form stands for, where that is no name.
_OPEN_WORDS = {"PATH": ".+"}


def parse_value(parameter: Parameter, text: str) -> Value:
    """Read one value of a parameter.

    Raises:
        UsageError: it is not one; the remedy says which are.
    """
    text = text.strip()
    try:
        match parameter.kind:
            case Kind.SIZE:
                return _in_range(parameter, text, parse_bytes(text))
            case Kind.COUNT:
                return _in_range(parameter, text, _parse_count(text))
            case Kind.FLAG:
                return parse_flag(text)
            case Kind.CHOICE:
                return _parse_choice(parameter.choices, text)
    except UsageError as error:
        raise error.within(parameter.name) from None


def parse_axes(parameters: Sequence[Parameter], texts: Iterable[str]) -> dict[str, list[Value]]:
    r"""Read axes written ``key=v1,v2``; a comma that belongs to a value is written ``\,``.

    Raises:
        UsageError: an axis has no ``=``, an unknown or repeated key, or a bad value.
    """
    axes: dict[str, list[Value]] = {}
    for text in texts:
        key, equals, values = text.partition("=")
        if not equals:
            raise UsageError(f"{text}: has no value", remedy=f"write {text}=VALUE or {text}=V1,V2")
        parameter = named(parameters, key.strip())
        if parameter.name in axes:
            raise UsageError(
                f"{parameter.name}: is set twice", remedy=f"write {parameter.name}=V1,V2 once"
            )
        parts = (part.replace("\\,", ",") for part in re.split(r"(?<!\\),", values))
        axes[parameter.name] = distinct(parse_value(parameter, part) for part in parts)
    return axes


def _in_range(parameter: Parameter, text: str, number: int) -> int:
    if number < parameter.minimum:
        raise UsageError(f"{text!r} is too little", remedy=f"write {parameter.minimum} or more")
    if number >= 1 << 63:
        raise UsageError(f"{text!r} is too much", remedy="write less")
    return number


def _parse_count(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,20}", text):
        raise UsageError(f"{text!r} is not a count", remedy="write a whole number")
    return int(text)


def _parse_choice(choices: tuple[str, ...], text: str) -> str:
    """One of the choices or a name in an open form; without choices, any text."""
    if text in choices or (text and not choices) or any(_fits(text, form) for form in choices):
        return text
    hint = did_you_mean(text, choices)
    allowed = ", ".join(choices) or "any text"
    raise UsageError(f"{text!r} is not one of its values{hint}", remedy=f"write {allowed}")


def _fits(text: str, form: str) -> bool:
    found = _OPEN_FORM.fullmatch(form)
    if found is None:
        return False
    prefix, word = found.groups()
    return bool(re.fullmatch(re.escape(prefix) + _OPEN_WORDS.get(word, _NAME), text, re.DOTALL))


def as_text(value: Value) -> str:
    """A value as people write it, for ``parse_value``."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def named(parameters: Sequence[Parameter], key: str) -> Parameter:
    """The parameter of that name.

    Raises:
        UsageError: there is none.
    """
    known = {parameter.name: parameter for parameter in parameters}
    if key not in known:
        hint = did_you_mean(key, known)
        raise UsageError(f"{key}: no such parameter{hint}", remedy=f"there are {', '.join(known)}")
    return known[key]


def distinct(values: Iterable[Value]) -> list[Value]:
    return list(dict.fromkeys(values))
