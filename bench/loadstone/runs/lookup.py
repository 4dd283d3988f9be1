"""Which Run a text names."""

import re
from pathlib import Path

from loadstone.errors import RunError
from loadstone.runs.listing import clock_note, in_order, list_runs
from loadstone.runs.run_files import MANIFEST, require_directory
from loadstone.targets import Say

_LAST = re.compile(r"last(?:~([0-9]{1,6}))?")
_MATCHES_SHOWN = 5


def find(results: Path, text: str, say: Say | None = None) -> Path:
    """The Run that ``text`` names: a directory, an id, a unique prefix, ``last`` or ``last~N``.

    Args:
        say: is told where ``last`` or ``last~N`` is another Run by the clock.

    Raises:
        RunError: it names none, or several.
    """
    if match := _LAST.fullmatch(text):
        return _nth_last(results, int(match[1] or 0), text, say)
    if "/" in text or text in (".", ".."):
        return require_directory(Path(text))
    if text and _is_run(exact := results / "runs" / text):
        return exact
    runs = list_runs(results)
    if _is_run(Path(text)):
        return Path(text)
    matches = [path for path in runs if text and path.name.startswith(text)]
    if not matches:
        raise _none_found(text, results, len(runs))
    return _only(matches, text)


def _is_run(path: Path) -> bool:
    try:
        return (path / MANIFEST).is_file()
    except OSError:
        return False


def _nth_last(results: Path, back: int, text: str, say: Say | None) -> Path:
    runs = in_order(results)
    if back >= len(runs):
        raise _none_found(text, results, len(runs))
    place = len(runs) - 1 - back
    if say and (note := clock_note(runs, place, text)):
        say(note)
    return runs[place].path


def _only(matches: list[Path], text: str) -> Path:
    if len(matches) > 1:
        shown = [_printable(path.name) for path in matches[:_MATCHES_SHOWN]]
        dots = ["…"] if len(matches) > _MATCHES_SHOWN else []
        raise RunError(
            f"{_printable(text)} fits {len(matches)} Runs: {', '.join(shown + dots)}",
            remedy="write more of the id",
        )
    return matches[0]


def _none_found(text: str, results: Path, count: int) -> RunError:
    return RunError(
        f"no Run {_printable(text)} in {results / 'runs'} ({count} Runs there)",
        remedy="make one with `loadstone run` or name another directory with --results",
    )


def _printable(text: str) -> str:
    return text if text and text.isprintable() else ascii(text)
