"""Comma-separated values: a line for each kind of memory of each process and algorithm."""

import csv
import io
from collections.abc import Iterator

from loadstone.pages.counts import DECILES, KindCount
from loadstone.pages.look import ProcessPages
from loadstone.pages.survey import Survey

_FIXED = ("target", "kernel", "page_bytes", "algorithm", "pid", "process")
_COUNTS = ("kind", "shared", "pages", "swapped", "seen", "lost", "same_pages", "same_ns")


def render_csv(survey: Survey) -> str:
    """A header, and the counts of the pages seen; deciles are by compressed size in percent."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    places = [f"decile_{10 * place}" for place in range(DECILES)]
    places += [f"from_{threshold}" for threshold in survey.thresholds]
    measures = [f"{place}_{unit}" for place in places for unit in ("pages", "bytes", "ns")]
    writer.writerow([*_FIXED, *_COUNTS, *measures])
    for look in survey.seen:
        for kind in look.kinds:
            writer.writerow([*_fixed(survey, look), *_counts(kind)])
    return stream.getvalue()


def _fixed(survey: Survey, look: ProcessPages) -> tuple[object, ...]:
    where = (survey.target, survey.kernel, survey.page_bytes, look.algorithm.label)
    return (*where, look.process.pid, look.process.name)


def _counts(kind: KindCount) -> Iterator[object]:
    yield from (kind.name, "yes" if kind.is_shared else "no")
    yield from (kind.present, kind.swapped, kind.seen, kind.lost, kind.same.pages, kind.same.ns)
    for count in (*kind.deciles, *kind.from_threshold):
        yield from (count.pages, count.bytes, count.ns)
