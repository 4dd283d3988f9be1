"""The pictures of Runs as files: each as SVG that stands alone, and as PNG."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from loadstone.durable import write_set
from loadstone.errors import CannotMeasureError, RunError, system_words
from loadstone.model import Noun, Run
from loadstone.report import facts
from loadstone.report.pictures import drawings_of
from loadstone.report.pictures.changes import changes_drawing
from loadstone.report.pictures.drawing import Drawing
from loadstone.report.pictures.layout import svg_of
from loadstone.report.pictures.ranking import ranking_drawing
from loadstone.report.pictures.timelines import timelines_drawing
from loadstone.report.png import png_of, require_png
from loadstone.report.run_line import run_line
from loadstone.report.strips import reported

_REMEDY = "name another directory with --plots"


def write_pictures(runs: Sequence[Run], directory: Path) -> list[Path]:
    """Write the pictures of some Runs, each as ``RUN-NAME.svg`` and ``.png``: all, or none.

    Args:
        directory: made where there is none.

    Returns:
        What was written, in order.

    Raises:
        CannotMeasureError: no Case has figures to be drawn, or PNG cannot be made here.
        RunError, UsageError: the files cannot be written.
    """
    require_png()
    pictures = _pictures(runs)
    files = {directory / name: data for one in pictures for name, data in _files(one)}
    if not files:
        raise CannotMeasureError(
            "no Case has figures, so there is nothing to be drawn",
            remedy="`loadstone show` says why Trials do not count",
        )
    with _directory(directory):
        write_set(files, "picture", _REMEDY)
    return list(files)


class _Picture(Noun, frozen=True, kw_only=True):
    """A Drawing, and the Runs that it is of, the one first that it is named after."""

    drawing: Drawing
    runs: tuple[Run, ...]


def _pictures(runs: Sequence[Run]) -> Iterator[_Picture]:
    """Those of each Run, and of each but the first how it compares with that."""
    for run in runs:
        entry = reported(run)
        own = (ranking_drawing(entry), timelines_drawing(entry), changes_drawing((run,)))
        for drawing in (*own, *drawings_of(run)):
            if drawing is not None:
                yield _Picture(drawing=drawing, runs=(run,))
    for run in runs[1:]:
        drawing = changes_drawing((runs[0], run))
        if drawing is not None:
            yield _Picture(drawing=drawing, runs=(run, runs[0]))


def _files(picture: _Picture) -> Iterator[tuple[str, bytes]]:
    svg = svg_of(picture.drawing, is_file=True, caption=_caption(picture))
    # Not the id from the manifest: one from elsewhere may say anything.
    stem = f"{picture.runs[0].path.name}-{picture.drawing.name}"
    yield f"{stem}.svg", f"{svg}\n".encode()
    yield f"{stem}.png", png_of(svg)


def _caption(picture: _Picture) -> Iterator[str]:
    """How to read it, and what its figures were taken on and by."""
    yield picture.drawing.about
    if clock := facts.clock_line(picture.runs[0]):
        yield f"Clock: {clock}."
    for run in picture.runs:
        yield run_line(run)
        yield run.path.name


@contextlib.contextmanager
def _directory(path: Path) -> Iterator[None]:
    """A directory for files, which does not stay where it was made here and they failed."""
    made = [one for one in (path, *path.parents) if not one.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _remove(made)
        raise RunError(
            f"cannot make the directory {path}: {system_words(error.errno or 0)}",
            remedy=_REMEDY,
        ) from error
    try:
        yield
    except BaseException:
        _remove(made)
        raise


def _remove(directories: Sequence[Path]) -> None:
    for directory in directories:
        with contextlib.suppress(OSError):
            directory.rmdir()
