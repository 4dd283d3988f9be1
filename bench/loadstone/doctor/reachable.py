"""The devices that can be Targets, and what each can do."""

from collections.abc import Mapping
from pathlib import Path

from loadstone import targets
from loadstone.core.remote_files import stat_file
from loadstone.doctor.probes import PROBES, explain_probe
from loadstone.errors import LoadstoneError
from loadstone.model import Conditions, CoreError, Fact, Job, Noun
from loadstone.runs.conditions import resolve_conditions
from loadstone.targets import FoundDevice, Target
from loadstone.targets.access import Access

# Every process can read its own, and it is never large.
_OWN_PROGRAM = "/proc/self/exe"


class Reachable(Noun, frozen=True, kw_only=True):
    """A device; ``facts`` is empty where ``problem`` says why it can't be worked with.

    ``io_uring`` is None where it works, else why not; ``free_bytes`` is the room where files
    are made.
    """

    target: str
    about: str | None
    problem: str | None = None
    remedy: str | None = None
    facts: Mapping[str, Fact] = {}
    io_uring: str | None = None
    free_bytes: int | None = None


def reachable(results: Path, access: Access) -> tuple[Reachable, ...]:
    """All devices that any kind of Target sees, each asked for what it can do.

    Raises:
        CannotMeasureError: what would show them is not there.
    """
    return tuple(_examined(found, results, access) for found in targets.discover())


def _examined(found: FoundDevice, results: Path, access: Access) -> Reachable:
    if found.problem is not None:
        return Reachable(
            target=found.target, about=found.about, problem=found.problem, remedy=found.remedy
        )
    try:
        with targets.connect(found.target, results, access) as target:
            return Reachable(
                target=found.target,
                about=found.about,
                facts={
                    **target.environment(None).facts,
                    **resolve_conditions(Conditions(), target).facts,
                },
                io_uring=_io_uring_problem(target),
                free_bytes=_free_bytes(target),
            )
    except LoadstoneError as error:
        return Reachable(
            target=found.target, about=found.about, problem=error.what, remedy=error.remedy
        )


def _free_bytes(target: Target) -> int | None:
    seen = stat_file(target.execute, str(target.scratch()))
    return None if isinstance(seen, CoreError) else seen.free_bytes


def _io_uring_problem(target: Target) -> str | None:
    probe = next(probe for probe in PROBES if probe.value == "uring")
    outcome = target.execute(Job(operation="probe", options={"file": _OWN_PROGRAM}))
    if outcome.crash:
        return outcome.crash
    code = -outcome.values.get("uring", 0)
    return explain_probe(probe, code, _OWN_PROGRAM, 0)[0] if code else None
