"""The schemas describe what is really written: samples on disk, and what the verbs print."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from commands import Command
from loadstone.analysis.compare import compare
from loadstone.cli import cli
from loadstone.cli._output import print_json
from loadstone.doctor.probes import Group, met, unmet
from loadstone.doctor.reachable import Reachable
from loadstone.errors import UsageError
from loadstone.pages.summary import summarise_pages
from loadstone.report.json import LabDiagnosis, RunsJson, comparison_json, run_json
from loadstone.report.schemas import DOCUMENTS, schema_of
from loadstone.runs.store import load
from sample_outputs import DATA, DISK, MEMORY, OUTPUT, RUNS, ask
from sample_pages import kind_of, pages_of, survey_of

TYPES = {document.name: document.type for document in DOCUMENTS}


def check(name: str, text: str | bytes) -> None:
    """A document is of its type, which knows no other keys, and has what its schema requires."""
    msgspec.json.decode(text, type=TYPES[name])
    schema = schema_of(name)
    item = schema if schema.get("type") != "array" else schema["items"]
    described = schema["$defs"][item["$ref"].removeprefix("#/$defs/")]
    document = json.loads(text)
    for one in document if isinstance(document, list) else [document]:
        assert set(described["required"]) <= set(one) <= set(described["properties"])


def printed(*words: str) -> str:
    done = CliRunner().invoke(cli, words, standalone_mode=False)
    assert done.exception is None
    return done.stdout


@pytest.mark.parametrize("run", RUNS)
def test_every_sample_run_is_as_the_schemas_say(run: str) -> None:
    path = DATA / "runs" / run
    check("manifest", (path / "manifest.json").read_bytes())
    for line in (path / "trials.jsonl").read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n"):
            check("trial", line)
    check("run", (OUTPUT / run / "show.json").read_bytes())
    check("run", printed("show", str(path), "--json"))
    check("export", printed("export", str(path), "--format", "json"))


def test_a_comparison_is_as_its_schema_says() -> None:
    check("compare", (OUTPUT / "compare.json").read_bytes())
    check("compare", ask("compare", DISK, MEMORY, "--json")[1])


def test_processes_pages_are_as_their_schema_says(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_json(summarise_pages(survey_of([pages_of(1, [kind_of(by_decile={1: 2})])])))
    check("pages", capsys.readouterr().out)


def test_layouts_are_as_their_schema_says(loadstone: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"text " * 5000)
    check("layout", loadstone("layout", tmp_path, "--json").out)


def test_several_runs_are_as_their_schema_says(capsys: pytest.CaptureFixture[str]) -> None:
    base, new = (load(DATA / "runs" / run) for run in (DISK, MEMORY))
    comparison = comparison_json(compare(base, new))
    print_json(RunsJson(runs=(run_json(base), run_json(new)), comparisons=(comparison,)))
    check("runs", capsys.readouterr().out)


def test_a_diagnosis_is_as_its_schema_says(loadstone: Command, model: Path) -> None:
    done = loadstone("doctor", "--file", model, "--json")
    check("doctor", done.out)


def test_devices_and_the_labs_needs_are_as_their_schemas_say(
    capsys: pytest.CaptureFixture[str],
) -> None:
    good = Reachable(target="adb:a", about="a phone", facts={"user.is_root": True}, free_bytes=1)
    bad = Reachable(target="adb:b", about=None, problem="offline", remedy="plug it in anew")
    print_json((good, bad))
    check("devices", capsys.readouterr().out)
    checks = (
        met(Group.PROGRAMS, "qemu", "11"),
        unmet(Group.ROOM, "room", "1 GiB free", "free some"),
    )
    print_json(LabDiagnosis(target="lab", can_boot=False, checks=checks))
    check("doctor-lab", capsys.readouterr().out)


@pytest.mark.parametrize("name", TYPES)
def test_every_document_has_a_schema_that_is_printed(name: str) -> None:
    schema: dict[str, Any] = json.loads(printed("schema", name))
    assert schema == json.loads(json.dumps(msgspec.to_builtins(schema_of(name))))
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert schema["title"].startswith("loadstone: ")


def test_without_a_name_the_documents_are_listed() -> None:
    lines = printed("schema").splitlines()
    assert [line.split(maxsplit=1)[0] for line in lines] == list(TYPES)
    assert all(len(line) <= 80 for line in lines)


def test_an_unknown_name_is_told_with_the_nearest_known() -> None:
    words = r"mainfest: no such document \(did you mean 'manifest'\?\); there are manifest, trial,"
    with pytest.raises(UsageError, match=words):
        schema_of("mainfest")


def test_an_unknown_name_is_a_usage_error(loadstone: Command) -> None:
    done = loadstone("schema", "runn")
    assert done.code == 2
    assert done.complaint.startswith("runn: no such document (did you mean 'run'?)")
