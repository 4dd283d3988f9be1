"""JSON Schemas of what Loadstone writes: a Run's files, and what each verb prints as JSON."""

from typing import Any

import msgspec

from loadstone.analysis.advice import Advice
from loadstone.doctor.diagnosis import Diagnosis
from loadstone.doctor.reachable import Reachable
from loadstone.errors import UsageError
from loadstone.export.json import RunDocument
from loadstone.layout.survey import LayoutSummary
from loadstone.model import Manifest, Noun, Trial
from loadstone.pages.summary import PagesSummary
from loadstone.report.json import ComparisonJson, LabDiagnosis, RunJson, RunsJson
from loadstone.text import did_you_mean, printable

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Document(Noun, frozen=True, kw_only=True):
    """A sort of JSON document: its name, what it is, and the type that it is encoded from."""

    name: str
    summary: str
    type: Any


DOCUMENTS = (
    Document(name="manifest", summary="manifest.json of a Run", type=Manifest),
    Document(name="trial", summary="a line of trials.jsonl of a Run", type=Trial),
    Document(name="run", summary="run, resume and show --json", type=RunJson),
    Document(name="runs", summary="run --json with several targets, lab run --json", type=RunsJson),
    Document(name="compare", summary="compare --json", type=ComparisonJson),
    Document(name="advise", summary="advise --json", type=Advice),
    Document(name="doctor", summary="doctor --json", type=Diagnosis),
    Document(name="doctor-lab", summary="doctor --target lab --json", type=LabDiagnosis),
    Document(name="devices", summary="devices --json", type=tuple[Reachable, ...]),
    Document(name="pages", summary="pages --json", type=PagesSummary),
    Document(name="layout", summary="layout --json", type=LayoutSummary),
    Document(name="export", summary="export --format json", type=RunDocument),
)


def schema_of(name: str) -> dict[str, Any]:
    """The JSON Schema of the document of that name.

    Raises:
        UsageError: there is none.
    """
    known = {document.name: document for document in DOCUMENTS}
    if name not in known:
        raise UsageError(
            f"{printable(name)}: no such document{did_you_mean(name, known)}",
            remedy=f"there are {', '.join(known)}",
        )
    found = known[name]
    schema = msgspec.json.schema(found.type)
    return {"$schema": _DIALECT, "title": f"loadstone: {found.summary}", **schema}
