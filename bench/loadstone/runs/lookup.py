"""Which Runs there are, and which one a text names."""

import contextlib
import re
from datetime import UTC, datetime
from pathlib import Path

from loadstone.errors import RunError
from loadstone.runs.run_files import MANIFEST, cannot_read, require_directory
from loadstone.runs.store import STAMP

_STAMP_CHARACTERS = 16
_LAST = re.compile(r"last(?:~([0-9]{1,6}))?")
_MATCHES_SHOWN = 5


def list_runs(results: Path) -> list[Path]:
    """The Run directories under ``results``, oldest first.

    Raises:
        RunError: one of them, or the directory, cannot be looked into.
    """
    runs = results / "runs"
    aged: list[tuple[float, int, Path]] = []
    try:
        for path in runs.iterdir():
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                aged.append((*_age(path), path))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise cannot_read(Path(error.filename or runs), error) from error
    return [path for _, _, path in sorted(aged)]


def find(results: Path, text: str) -> Path:
    """The Run that ``text`` names: a directory, an id, a unique prefix, ``last`` or ``last~N``.

    Raises:
        RunError: it names none, or several.
    """
    if match := _LAST.fullmatch(text):
        return _nth_last(results, int(match[1] or 0), text)
    if "/" in text or text in (".", ".."):
        return require_directory(Path(text))
    runs = list_runs(results)
    if exact := [path for path in runs if path.name == text]:
        return exact[0]
    if _is_run(Path(text)):
        return Path(text)
    return _only([path for path in runs if text and path.name.startswith(text)], text, results)


def _is_run(path: Path) -> bool:
    try:
        return (path / MANIFEST).is_file()
    except OSError:
        return False


def _age(path: Path) -> tuple[float, int]:
    """When the Run was begun: by its name in s, or else (renamed) by its manifest; then in ns."""
    written_ns = (path / MANIFEST).stat().st_mtime_ns
    try:
        named = datetime.strptime(path.name[:_STAMP_CHARACTERS], STAMP).replace(tzinfo=UTC)
    except ValueError:
        return written_ns / 1e9, written_ns
    return named.timestamp(), written_ns


def _nth_last(results: Path, back: int, text: str) -> Path:
    runs = list_runs(results)
    if back >= len(runs):
        raise _none_found(text, results, len(runs))
    return runs[-1 - back]


def _only(matches: list[Path], text: str, results: Path) -> Path:
    if not matches:
        raise _none_found(text, results, len(list_runs(results)))
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
