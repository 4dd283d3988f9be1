"""Every error that the package makes says what was wrong, in the system's words, and what to do.

The places are found in the source, as most of them are reached by faults that no test makes.
"""

import ast
import builtins
import errno
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from loadstone.errors import LoadstoneError, TargetLostError, UsageError, system_words

PACKAGE = Path(__file__).parents[1] / "bench" / "loadstone"
SOURCES = {
    str(path.relative_to(PACKAGE)): path.read_text() for path in sorted(PACKAGE.rglob("*.py"))
}

WITHOUT_REMEDY = {
    "provision/removers.py": "removal makes a Removal of each, which says what to do",
    "provision/removal.py:take_down": "likewise",
    "provision/leftovers.py:_unreachable": "likewise",
    "provision/leftovers.py:_clean_target": "likewise",
    "provision/leftovers.py:_take_down": "likewise",
    "provision/removal.py:_require_trust": "likewise",
    "provision/journal.py:Journal.__exit__": "the errors of several have their remedies in them",
}
"""Files, or functions (``file:function``), whose errors have no remedy of their own, and why."""

WITHOUT_SYSTEM_WORDS = {
    "runs/store.py:RunWriter._lock": "EWOULDBLOCK means that another process holds the lock",
    "provision/leftovers.py:_lock_against_cleaners": "likewise",
}
"""Likewise where the system's words would say less than the error does."""

NOT_OURS = {
    "analysis/stats.py": "ValueError: a call that is wrong in itself, which is a fault (exit 5)",
    "analysis/run_stats.py": "likewise",
    "core/histogram.py": "likewise",
    "core/native.py:payload_of": "likewise",
    "provision/journal.py:Journal.entry": "likewise",
    "cpu_list.py:parse_cpu_list": "ValueError, which whoever asks for CPUs catches and tells",
    "provision/journal_files.py": "ValueError, caught where a file is read",
    "durable.py": "an OSError, caught where the path is known",
    "lab/cache.py": "likewise",
    "targets/android/session.py": "SessionEndedError, of which its users make errors of ours",
    "cli/_signals.py": "Stopped: ends by the signal",
    "cli/_verbs.py": "likewise",
    "__init__.py": "AttributeError: what Python says of a name that a module lacks",
    "pytest_plugin.py": "pytest's own ends of a test, with the words of an error of ours",
}
"""Files, or functions, that raise what is no error of ours, and why no user has to read it."""


def parsed(sources: Mapping[str, str]) -> dict[str, ast.Module]:
    return {name: ast.parse(text) for name, text in sources.items()}


TREES = parsed(SOURCES)


def error_names(trees: Mapping[str, ast.Module]) -> set[str]:
    """The names of ``LoadstoneError`` and of all that are derived from it."""
    classes = [
        node for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
    ]
    names = {"LoadstoneError"}
    while (
        found := {one.name for one in classes if names & {last_name(base) for base in one.bases}}
        - names
    ):
        names |= found
    return names


def last_name(node: ast.expr) -> str:
    return ast.unparse(node).rpartition(".")[2]


class Place(NamedTuple):
    """Where an error is made: ``file:line``, ``file:function``, and the text there."""

    line: str
    function: str
    text: str


def made_errors(trees: Mapping[str, ast.Module]) -> Iterator[tuple[Place, ast.Call]]:
    """Each call that makes one of our errors, and where it is."""
    names = error_names(trees)
    for name, tree in trees.items():
        for function, node in within_functions(tree):
            if isinstance(node, ast.Call) and last_name(node.func) in names:
                yield Place(f"{name}:{node.lineno}", f"{name}:{function}", ast.unparse(node)), node


def within_functions(node: ast.AST, function: str = "") -> Iterator[tuple[str, ast.AST]]:
    """All nodes, each with the dotted name of the function or class that it is in."""
    for child in ast.iter_child_nodes(node):
        yield function, child
        is_named = isinstance(child, ast.FunctionDef | ast.ClassDef)
        inner = f"{function}.{child.name}".strip(".") if is_named else function  # type: ignore[attr-defined]  # of both
        yield from within_functions(child, inner)


def literal(node: ast.expr) -> str:
    """What of a text stands in the source; ``{}`` for what is filled in."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(literal(part) for part in parts)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return literal(left) + literal(right)
    return "{}"


def makers(trees: Mapping[str, ast.Module]) -> set[str]:
    """The names of functions that return an error of ours."""
    names = error_names(trees)
    return {
        node.name
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and node.returns is not None
        and last_name(node.returns).strip("'\"") in names
    } | {"within"}


def said_to_makers(trees: Mapping[str, ast.Module]) -> Iterator[tuple[Place, ast.Call]]:
    """Each call of such a function that is given a remedy, and where it is."""
    names = makers(trees)
    for name, tree in trees.items():
        for function, node in within_functions(tree):
            if isinstance(node, ast.Call) and last_name(node.func) in names:
                place = Place(f"{name}:{node.lineno}", f"{name}:{function}", ast.unparse(node))
                if any(word.arg == "remedy" for word in node.keywords):
                    yield place, node


def bad_words_to_makers(trees: Mapping[str, ast.Module]) -> list[Place]:
    """Where a function that makes an error is told an empty remedy, or one within the words."""
    return [
        place
        for place, call in said_to_makers(trees)
        if not has_remedy(call) or any("; " in literal(word) for word in call.args)
    ]


def not_ours(trees: Mapping[str, ast.Module]) -> list[Place]:
    """Where something is raised that is no error of ours and that no function of ours made."""
    names = error_names(trees) | makers(trees)
    return [
        Place(f"{name}:{node.lineno}", f"{name}:{function}", ast.unparse(node))
        for name, tree in trees.items()
        for function, node in within_functions(tree)
        if isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and last_name(node.exc.func) not in names
    ]


def without_remedy(trees: Mapping[str, ast.Module]) -> list[Place]:
    """Where errors are made without ``remedy``, or with an empty one."""
    return [place for place, call in made_errors(trees) if not has_remedy(call)]


def has_remedy(call: ast.Call) -> bool:
    remedies = [word.value for word in call.keywords if word.arg == "remedy"]
    return any(not isinstance(one, ast.Constant) or bool(one.value) for one in remedies)


def bad_whats(trees: Mapping[str, ast.Module]) -> list[Place]:
    """Where errors say nothing of their own, or have a remedy in what they say."""
    return [place for place, call in made_errors(trees) if not is_good_what(call)]


def is_good_what(call: ast.Call) -> bool:
    text = literal(call.args[0]) if call.args else ""
    is_bare = isinstance(call.args[0], ast.JoinedStr) and text == "{}" if call.args else True
    return bool(text.strip()) and "; " not in text and not is_bare


def without_system_words(trees: Mapping[str, ast.Module]) -> list[Place]:
    """Where an OSError becomes an error of ours that does not say what the system said."""
    names = error_names(trees)
    return [
        Place(f"{name}:{raised.lineno}", f"{name}:{function}", ast.unparse(raised))
        for name, tree in trees.items()
        for function, handler in within_functions(tree)
        if isinstance(handler, ast.ExceptHandler) and catches_os_error(handler)
        for raised in ast.walk(handler)
        if isinstance(raised, ast.Raise)
        and isinstance(raised.exc, ast.Call)
        and last_name(raised.exc.func) in names
        and "system_words(" not in ast.unparse(handler)
    ]


def catches_os_error(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is not None and last_name(kind) in OS_ERRORS for kind in kinds)


OS_ERRORS = {
    name
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, OSError)
}
"""OSError, its other names, and all that are derived from it."""

RULES: Mapping[str, tuple[Callable[[Mapping[str, ast.Module]], list[Place]], Mapping[str, str]]] = {
    "every error says what to do": (without_remedy, WITHOUT_REMEDY),
    "what is wrong and what to do stand apart": (bad_whats, {}),
    "the system's words are in the error": (without_system_words, WITHOUT_SYSTEM_WORDS),
    "likewise of those that functions make": (bad_words_to_makers, {}),
    "what is raised is an error of ours": (not_ours, NOT_OURS),
}
"""Each with what finds the places that break it, and those that may."""


def is_listed(place: Place, allowed: Collection[str]) -> bool:
    return place.function in allowed or place.function.partition(":")[0] in allowed


@pytest.mark.parametrize("rule", RULES)
def test_of_every_error(rule: str) -> None:
    find, allowed = RULES[rule]
    broken = find(TREES)
    assert not [one for one in broken if not is_listed(one, allowed)], rule


def test_no_list_names_what_is_in_order() -> None:
    for find, allowed in RULES.values():
        found = find(TREES)
        assert not [name for name in allowed if not any(is_listed(one, {name}) for one in found)]


OFFENDER = """
class OddError(errors.UsageError): ...
def one():
    raise OddError("a")
def two():
    raise LoadstoneError("a", remedy="")
def three():
    raise OddError("a; do b", remedy="b")
def four():
    raise OddError(f"{error}", remedy="b")
def five():
    try: ...
    except (ValueError, OSError) as error:
        raise OddError(f"a: {error}", remedy="b") from error
def six():
    try: ...
    except OSError as error:
        raise OddError(f"a: {system_words(error.errno)}", remedy="b") from error
class Seven:
    def method(self):
        return OddError("", remedy="b")
def made(what, remedy) -> OddError:
    return OddError(what, remedy=remedy)
def eight():
    try: ...
    except PermissionError as error:
        raise made("a", remedy="b") from error
    except FileNotFoundError as error:
        raise OddError("a", remedy="b") from error
def nine():
    raise made("a", remedy="")
def ten():
    raise self.made("a; do b", remedy="b")
def eleven():
    raise SystemExit("a")
"""


def test_an_offender_would_be_found() -> None:
    base = {"errors.py": SOURCES["errors.py"], "x.py": OFFENDER}
    trees = parsed(base)
    assert [place.function for place in without_remedy(trees)] == ["x.py:one", "x.py:two"]
    assert [place.line for place in bad_whats(trees)] == ["x.py:8", "x.py:10", "x.py:21"]
    assert [place.line for place in without_system_words(trees)] == ["x.py:14", "x.py:29"]
    assert [place.function for place in bad_words_to_makers(trees)] == ["x.py:nine", "x.py:ten"]
    assert [place.function for place in not_ours(trees)] == ["x.py:eleven"]
    assert bad_whats(trees)[-1].function == "x.py:Seven.method"


def test_an_error_is_printed_with_its_remedy_behind() -> None:
    assert str(LoadstoneError("no room", remedy="free space")) == "no room; free space"
    assert str(LoadstoneError("no room")) == "no room"


def test_an_error_within_a_place_is_of_its_kind_and_keeps_the_rest() -> None:
    error = TargetLostError("it went away", remedy="plug it in")
    error.details = ("last line",)
    outer = error.within("adb:X")
    assert isinstance(outer, TargetLostError)
    assert (outer.what, outer.remedy) == ("adb:X: it went away", "plug it in")
    assert (outer.details, outer.exit_code) == (("last line",), TargetLostError.exit_code)


@pytest.mark.parametrize("code", [errno.EINVAL, -errno.EINVAL])
def test_the_systems_words_have_the_name_of_the_errno(code: int) -> None:
    assert system_words(code) == "Invalid argument (EINVAL)"


def test_an_errno_without_a_name_has_its_number() -> None:
    assert system_words(9999) == "Unknown error 9999 (9999)"


def test_a_wrong_request_is_exit_code_2() -> None:
    assert UsageError("x", remedy="y").exit_code == 2
