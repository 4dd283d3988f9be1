"""Which rule fits an error, and what is made of it."""

import errno

import msgspec
import pytest

from loadstone.core.explain import Rule, crashed, describe, explain, skipped_by
from loadstone.errors import CannotMeasureError
from loadstone.model import CoreError, Status, Value

ERROR = CoreError(code=errno.EINVAL, step="O_DIRECT read", path="/m", offset=4096)
RULE = Rule(
    step=".*read",
    codes=frozenset({errno.EINVAL}),
    status=Status.SKIPPED,
    meaning="{path} refuses {io} at {offset}",
    remedy="--set io=buffered, or {count} files",
    facts=("count",),
)
VALUES: dict[str, Value] = {"io": "direct", "count": 3}


def test_meaning_and_remedy_name_parameters_facts_and_the_error() -> None:
    finding = explain(ERROR, VALUES, (RULE,))
    assert finding.status is Status.SKIPPED
    assert finding.reason == f"/m refuses direct at 4096: {describe(ERROR)}"
    assert finding.remedy == "--set io=buffered, or 3 files"


def test_what_the_core_refused_itself_has_no_words_of_the_system() -> None:
    finding = explain(ERROR, VALUES, (msgspec.structs.replace(RULE, is_ours=True),))
    assert finding.reason == "/m refuses direct at 4096"


@pytest.mark.parametrize(
    "changes",
    [
        {"step": "read"},
        {"codes": frozenset({errno.EIO})},
        {"path": "/dev/"},
        {"when": {"io": "buffered"}},
        {"when": {"io": "direct", "threads": "[0-9]+"}},
    ],
)
def test_a_rule_fits_where_all_of_it_does(changes: dict[str, object]) -> None:
    finding = explain(ERROR, VALUES, (msgspec.structs.replace(RULE, **changes),))
    assert (finding.status, finding.reason) == (Status.FAILED, describe(ERROR))


def test_the_first_rule_goes_and_the_workloads_go_before_those_of_all() -> None:
    error = CoreError(code=errno.ERANGE, step="option", path="depth", offset=9)
    common = explain(error, VALUES, ())
    assert common.reason == "depth 9 is more than the core can do"
    assert common.remedy == "--set depth to a smaller value"
    own = Rule(
        step="option",
        codes=frozenset({errno.ERANGE}),
        status=Status.FAILED,
        meaning="own",
        remedy="own",
        is_ours=True,
    )
    assert explain(error, VALUES, (own, msgspec.structs.replace(own, meaning="b"))).reason == "own"


def test_hostile_paths_are_shown_and_steer_nothing() -> None:
    error = msgspec.structs.replace(ERROR, path="/\x1b[2J")
    assert "\x1b" not in describe(error)
    assert "\x1b" not in (explain(error, VALUES, (RULE,)).reason or "")


def test_an_error_of_no_place_names_none() -> None:
    error = CoreError(code=errno.EAGAIN, step="start thread", path="")
    assert describe(error) == "start thread: Resource temporarily unavailable (EAGAIN)"


def test_what_cannot_be_set_up_is_a_skip_with_the_errors_remedy() -> None:
    finding = skipped_by(CannotMeasureError("no mkfs", remedy="install it"))
    assert (finding.status, finding.reason, finding.remedy) == (
        Status.SKIPPED,
        "no mkfs",
        "install it",
    )
    assert skipped_by(CannotMeasureError("no mkfs")).remedy


def test_a_crash_has_a_remedy() -> None:
    assert "see dmesg" in (crashed("killed by SIGSEGV").remedy or "")
