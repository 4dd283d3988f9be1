"""JSON: the whole Run."""

import json

import msgspec

from export.runs import COUNTED, rendered, run_with
from loadstone.model import Manifest, Trial


def test_json_holds_the_run_as_it_is_on_disk() -> None:
    run = run_with(COUNTED)
    written = json.loads(rendered("json", run))
    assert list(written) == ["run", "clock", "manifest", "trials"]
    assert msgspec.convert(written["manifest"], Manifest) == run.manifest
    assert msgspec.convert(written["trials"], tuple[Trial, ...]) == run.trials
    assert written["clock"]["ns_per_instruction"] == 1
    assert json.loads(rendered("json", run_with()))["clock"] is None
