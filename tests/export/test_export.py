"""What other programs read of a Run is what was measured, and by which clock."""

import csv
import io
import json
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from commands import Command
from loadstone.errors import CannotMeasureError, UsageError
from loadstone.export import find_format, formats
from loadstone.model import Better, Case, Manifest, Metric, Run, Status, Trial, Value
from loadstone.runs.store import load
from sample_runs import READY, SPEED, manifest_of, plan_of, run_of, trial_of

DELAY = Metric(name="first_byte_ns", unit="ns", better=Better.LOWER)
FAST, SLOW, ABSENT = (
    Case.of("model-load", label, {"engine": label, "fixed": False, "block": 4096})
    for label in ("uring direct → thp 1MiB×8", 'pread, "buffered"', "absent")
)
REAL: dict[str, Value] = {"kernel.release": "6.1.0", "cpu.model": "A CPU", "fs.type": "ext4"}
COUNTED: dict[str, Value] = REAL | {
    "clock.name": "instructions",
    "clock.ns_per_instruction": 1,
    "clock.accelerator": "tcg",
    "clock.processor": "max,-erms,-fsrm",
    "storage.profile": "ufs40",
}
MEANING = "counted instructions (1 ns each, processor max,-erms,-fsrm): a cost model, not time"
LINE_BREAK = "two\nlines\tBenchmarkX 1 1 ns"


def _trial(case: Case, number: int, **changes: object) -> Trial:
    ready_ns = 1e6 * (1 + number) * (1 if case is FAST else 3)
    metrics = {"throughput": 1e15 / ready_ns + 0.25, "ready_ns": ready_ns, "first_byte_ns": 70.0}
    return trial_of(case, number, metrics, **changes)


def _run(
    facts: Mapping[str, Value] = REAL,
    cases: tuple[Case, ...] = (SLOW, ABSENT, FAST),
    metrics: tuple[Metric, ...] = (SPEED, READY, DELAY),
) -> Run:
    id_ = "20260101T000000Z-local-p-0000"
    manifest = manifest_of(plan_of(cases, warmups=1), id_=id_, metrics=metrics, facts=facts)
    trials = [
        _trial(cases[0], 0, warmup=True),
        _trial(cases[0], 0, status=Status.INVALID, reason="12 pages stayed cached"),
        *(_trial(case, number) for number in (2, 1, 0) for case in (cases[0], cases[-1])),
    ]
    if ABSENT in cases:
        trials.append(_trial(ABSENT, 0, status=Status.SKIPPED, reason="no udmabuf", metrics={}))
    return run_of(manifest, trials)


def rendered(name: str, run: Run) -> str:
    return find_format(name).render(run)


def test_the_formats_are_those_that_are_documented() -> None:
    assert set(formats()) == {"csv", "json", "benchstat", "pyperf"}
    assert all(found.SUMMARY and found.SUFFIX.startswith(".") for found in formats().values())


def test_an_unknown_format_is_named_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="xml: no such format; there are benchstat, csv"):
        find_format("xml")


@pytest.mark.parametrize("name", ["csv", "json", "benchstat", "pyperf"])
def test_every_format_carries_the_clock(name: str) -> None:
    assert MEANING in rendered(name, _run(COUNTED)).replace('""', '"')
    assert "counted" not in rendered(name, _run(REAL))


@pytest.mark.parametrize("name", ["csv", "benchstat", "pyperf"])
def test_a_run_without_a_good_trial_is_not_exported(name: str) -> None:
    run = msgspec.structs.replace(_run(), trials=_run().trials[:2])
    with pytest.raises(
        CannotMeasureError, match="no good Trial to export; see why with `loadstone show`"
    ):
        rendered(name, run)


def test_csv_has_a_line_for_each_trial_that_counts_with_all_that_it_was() -> None:
    lines = list(csv.DictReader(io.StringIO(rendered("csv", _run(COUNTED)))))
    assert [(line["case"], line["round"]) for line in lines] == [
        *((SLOW.id, str(number)) for number in range(3)),
        *((FAST.id, str(number)) for number in range(3)),
    ]
    first = lines[0]
    assert first["run"] == "20260101T000000Z-local-p-0000"
    assert (first["label"], first["parameter.engine"]) == (SLOW.label, SLOW.label)
    assert (first["parameter.fixed"], first["parameter.block"]) == ("off", "4096")
    assert (first["clock"], first["kernel"]) == (MEANING, "6.1.0")
    assert float(first["metric.ready_ns [ns]"]) == 3e6
    assert float(first["metric.throughput [B/s]"]) == 1e15 / 3e6 + 0.25


def test_csv_leaves_a_metric_empty_that_a_trial_does_not_have() -> None:
    run = _run()
    lacking = tuple(
        msgspec.structs.replace(trial, metrics={"throughput": 1.0}) for trial in run.trials
    )
    run = msgspec.structs.replace(run, trials=lacking)
    line = next(csv.DictReader(io.StringIO(rendered("csv", run))))
    assert (line["metric.throughput [B/s]"], line["metric.ready_ns [ns]"]) == ("1.0", "")


def test_json_holds_the_run_as_it_is_on_disk() -> None:
    run = _run(COUNTED)
    written = json.loads(rendered("json", run))
    assert list(written) == ["run", "clock", "manifest", "trials"]
    assert msgspec.convert(written["manifest"], Manifest) == run.manifest
    assert msgspec.convert(written["trials"], tuple[Trial, ...]) == run.trials
    assert written["clock"]["ns_per_instruction"] == 1
    assert json.loads(rendered("json", _run()))["clock"] is None


class _GoResults:
    """What a reader of the format makes of a text, strict where it would pass over a line.

    Source: golang.org/design/14313-benchmark-format ("Proposal"), golang.org/x/perf/benchfmt.
    """

    def __init__(self, text: str) -> None:
        self.configuration: dict[str, str] = {}
        self.units: dict[str, str] = {}
        self.results: list[tuple[str, dict[str, float]]] = []
        assert text.endswith("\n")
        for line in text.removesuffix("\n").split("\n"):
            if line.startswith("Benchmark"):
                self._result(line.split())
            elif line.startswith("Unit "):
                self._unit(line.split())
            else:
                self._configure(line)

    def _configure(self, line: str) -> None:
        """A key begins with a lower case letter and has no space or upper case one in it."""
        found = re.fullmatch(r"([^\s:]+):[ \t]+(\S.*)", line)
        assert found, line
        assert unicodedata.category(found[1][0]) == "Ll"
        assert not any(letter.isupper() for letter in found[1])
        self.configuration[found[1]] = found[2]

    def _unit(self, fields: list[str]) -> None:
        _, unit, *pairs = fields
        assert pairs in (["better=higher"], ["better=lower"])
        self.units[unit] = pairs[0]

    def _result(self, fields: list[str]) -> None:
        """Name, count, then pairs of value and unit; after the prefix no lower case letter."""
        name, count, *pairs = fields
        assert not name.removeprefix("Benchmark")[:1].islower()
        assert int(count) == 1
        assert pairs
        assert len(pairs) % 2 == 0
        values = dict(zip(pairs[1::2], map(float, pairs[::2]), strict=True))
        assert len(values) == len(pairs) // 2, "a unit stands twice"
        self.results.append((name, values))


def test_benchstat_gets_configuration_units_and_a_line_for_each_trial() -> None:
    read = _GoResults(rendered("benchstat", _run(COUNTED)))
    assert read.configuration == {
        "clock": MEANING,
        "cpu": "A CPU",
        "kernel": "6.1.0",
        "fs": "ext4",
        "storage": "ufs40",
    }
    assert read.units == {
        "throughput-B/s": "better=higher",
        "ready-ns": "better=lower",
        "first-byte-ns": "better=lower",
    }
    assert [name for name, _ in read.results] == [
        *['BenchmarkModelLoad/pread,_"buffered"'] * 3,
        *["BenchmarkModelLoad/uring_direct_→_thp_1MiB×8"] * 3,
    ]
    assert read.results[0][1] == {
        "throughput-B/s": 1e15 / 3e6 + 0.25,
        "ready-ns": 3e6,
        "first-byte-ns": 70.0,
    }


def test_benchstat_has_no_key_that_differs_between_any_two_runs() -> None:
    text = rendered("benchstat", _run())
    assert "20260101" not in text
    assert _GoResults(text).configuration["clock"] == "time of a real machine"


def test_text_from_a_device_cannot_make_lines_of_its_own_for_benchstat() -> None:
    case = Case.of("model-load", LINE_BREAK, {})
    hostile = REAL | {"cpu.model": LINE_BREAK, "clock.name": LINE_BREAK}
    read = _GoResults(rendered("benchstat", _run(hostile, cases=(case,))))
    assert len(read.results) == 6
    assert {name for name, _ in read.results} == {"BenchmarkModelLoad/two_lines_BenchmarkX_1_1_ns"}
    assert read.configuration["cpu"] == "two lines BenchmarkX 1 1 ns"


def pyperf_suite(run: Run) -> Any:
    """The suite that pyperf itself reads."""
    pyperf = pytest.importorskip("pyperf", reason="pip install pyperf")
    return pyperf.BenchmarkSuite.loads(rendered("pyperf", run))


def test_pyperf_reads_the_times_in_seconds_and_the_clock() -> None:
    suite = pyperf_suite(_run())
    assert suite.get_benchmark_names() == [SLOW.label, FAST.label]
    slow = suite.get_benchmark(SLOW.label)
    assert slow.get_values() == pytest.approx((3e-3, 6e-3, 9e-3))
    assert (slow.get_nrun(), slow.get_unit()) == (3, "second")
    assert slow.get_metadata()["clock"] == "time of a real machine"


def test_pyperf_finds_nothing_to_compare_between_two_clocks() -> None:
    real, lab = (set(pyperf_suite(_run(facts)).get_benchmark_names()) for facts in (REAL, COUNTED))
    assert not real & lab
    assert f"{FAST.label} (instructions:1ns)" in lab


def test_pyperf_gets_nothing_where_no_time_was_measured() -> None:
    with pytest.raises(CannotMeasureError, match=r"measures no time.*csv or json"):
        rendered("pyperf", _run(metrics=(SPEED,)))


def test_the_command_writes_to_stdout_or_to_a_file(loadstone: Command, model: Path) -> None:
    once = ("--rounds", "2", "--warmups", "0", "--set", "engine=pread", "--quiet")
    assert loadstone("run", "--file", model, *once).code == 0
    shown = loadstone("export", "last", "--format", "csv")
    assert (shown.code, shown.err) == (0, "")
    (run,) = loadstone.results.glob("runs/*")
    assert shown.out == rendered("csv", load(run))
    path = loadstone.place / "run.csv"
    for _ in range(2):
        written = loadstone("export", "last", "--format", "csv", "-o", path)
        assert (written.code, written.out) == (0, f"{path}\n")
    assert path.read_text() == shown.out


def test_what_is_no_export_is_not_replaced(loadstone: Command, model: Path) -> None:
    once = ("--rounds", "1", "--warmups", "0", "--set", "engine=pread", "--quiet")
    assert loadstone("run", "--file", model, *once).code == 0
    before = model.read_bytes()
    done = loadstone("export", "--format", "json", "-o", model)
    assert done.code == 2
    assert "exists and is no json export; name a file that ends in .json" in done.complaint
    assert model.read_bytes() == before
    lost = loadstone("export", "--format", "json", "-o", loadstone.place / "no" / "run.json")
    assert lost.code == 2
    assert "cannot write the json export" in lost.complaint


def test_the_command_names_an_unknown_format(loadstone: Command) -> None:
    done = loadstone("export", "--format", "xml")
    assert done.code == 2
    assert done.complaint.startswith("--format xml: no such format")
