"""Which Runs there are, in the order in which they were made.

They are numbered by their results directory. Where a number is missing, or is of another
directory, only the clock tells; and a clock may be wrong, or set back.
"""

import contextlib
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from loadstone.analysis import chronology
from loadstone.analysis.chronology import Basis, Beginning, compare_beginnings
from loadstone.model import Noun
from loadstone.runs.run_files import MANIFEST, cannot_read, read_beginning
from loadstone.runs.store import STAMP
from loadstone.text import printable

_STAMP_CHARACTERS = 16
# By so much two times have to differ to tell of two clocks.
_APART_S = 60
_NO_EARLIER_S = datetime(2020, 1, 1, tzinfo=UTC).timestamp()


class ListedRun(Noun, frozen=True, kw_only=True):
    """A Run in a results directory.

    ``begun_s`` is when, by its clock, in s since 1970; ``written_ns`` when its manifest was
    written, by that of the file system.
    """

    path: Path
    beginning: Beginning
    begun_s: float
    written_ns: int


def list_runs(results: Path) -> list[Path]:
    """The Run directories under ``results``, oldest first.

    Raises:
        RunError: one of them, or the directory, cannot be looked into.
    """
    return [run.path for run in in_order(results)]


def in_order(results: Path) -> list[ListedRun]:
    """The Runs under ``results``, oldest first (``chronology.in_order``).

    Raises:
        RunError: as for ``list_runs``.
    """
    found = sorted(_listed(results), key=_number)
    return chronology.in_order(found, lambda run: run.beginning.series, lambda run: run.begun_s)


def _number(run: ListedRun) -> tuple[int, int, float, int, Path]:
    begun = run.beginning
    return begun.sequence, begun.boottime_ns, run.begun_s, run.written_ns, run.path


def _listed(results: Path) -> list[ListedRun]:
    runs = results / "runs"
    found = []
    try:
        for path in runs.iterdir():
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                found.append(_listed_run(path))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise cannot_read(Path(error.filename or runs), error) from error
    return found


def _listed_run(path: Path) -> ListedRun:
    written_ns = (path / MANIFEST).stat().st_mtime_ns
    beginning = Beginning()
    with contextlib.suppress(PermissionError):
        beginning = read_beginning(path / MANIFEST)
    begun_s = _begun_s(path.name, beginning)
    return ListedRun(
        path=path,
        beginning=beginning,
        begun_s=written_ns / 1e9 if begun_s is None else begun_s,
        written_ns=written_ns,
    )


def _begun_s(name: str, beginning: Beginning) -> float | None:
    """By the manifest of a Run that has a number; else by the name; None where it was renamed."""
    try:
        if beginning.series:
            return datetime.fromisoformat(beginning.created).timestamp()
        return datetime.strptime(name[:_STAMP_CHARACTERS], STAMP).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def clock_note(runs: Sequence[ListedRun], place: int, text: str) -> str | None:
    """What to say of the Run in that place, where a clock puts it elsewhere; or None.

    Args:
        text: what the user named it by.
    """
    taken = runs[place]
    later = next((run for run in reversed(runs[place + 1 :]) if _is_doubtful(taken, run)), None)
    earlier = next((run for run in reversed(runs[:place]) if _is_doubtful(run, taken)), None)
    other = later or earlier
    if other is None:
        return None
    when = "before" if later else "after"
    if compare_beginnings(taken.beginning, other.beginning)[1] is not Basis.CLOCK:
        return (
            f"`{text}` is {_in_words(taken)}, made {when} {_in_words(other)}: the clock was set "
            "back in between"
        )
    return (
        f"`{text}` is {_in_words(taken)}, perhaps not made {when} {_in_words(other)}: only their "
        "clocks tell, and one was wrong or set back, or a Run was copied here; name it by its id"
    )


def _is_doubtful(first: ListedRun, second: ListedRun) -> bool:
    """Whether a clock contradicts the order of two Runs, or a wrong one is all that tells it."""
    if first.begun_s > second.begun_s:
        return True
    _, basis = compare_beginnings(first.beginning, second.beginning)
    if basis is not Basis.CLOCK:
        return False
    is_unnumbered = not first.beginning.series and not second.beginning.series
    is_written_first = (first.written_ns - second.written_ns) / 1e9 > _APART_S
    is_wrong = first.begun_s < _NO_EARLIER_S or second.begun_s > time.time() + _APART_S
    return is_wrong or (is_unnumbered and is_written_first)


def _in_words(run: ListedRun) -> str:
    try:
        clock = datetime.fromtimestamp(run.begun_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        clock = f"{run.begun_s:.0f} s after 1970"
    return f"{printable(run.path.name)} ({clock} by its clock)"
