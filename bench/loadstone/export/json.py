"""JSON: the whole Run as one document, for scripts."""

import msgspec

from loadstone.analysis import time_base
from loadstone.model import Manifest, Noun, Run, Trial

SUMMARY = "the whole Run as one document: manifest, clock, every Trial with its evidence"
SUFFIX = ".json"


class RunDocument(Noun, frozen=True, kw_only=True):
    """A whole Run; ``clock`` is null on a real machine."""

    run: str
    clock: time_base.ClockJson | None
    manifest: Manifest
    trials: tuple[Trial, ...]


def render(run: Run) -> str:
    """The manifest, the clock and all Trials, also those that do not count: each has a status."""
    document = RunDocument(
        run=run.id,
        clock=time_base.clock_json(time_base.clock_of(run.manifest.environment)),
        manifest=run.manifest,
        trials=run.trials,
    )
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
