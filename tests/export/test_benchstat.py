"""Go's benchmark format, read as benchstat reads it."""

import re
import unicodedata

from export.runs import COUNTED, LINE_BREAK, MEANING, REAL, rendered, run_with
from loadstone.model import Case


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
    read = _GoResults(rendered("benchstat", run_with(COUNTED)))
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
    text = rendered("benchstat", run_with())
    assert "20260101" not in text
    assert _GoResults(text).configuration["clock"] == "time of a real machine"


def test_text_from_a_device_cannot_make_lines_of_its_own_for_benchstat() -> None:
    case = Case.of("model-load", LINE_BREAK, {})
    hostile = REAL | {"cpu.model": LINE_BREAK, "clock.name": LINE_BREAK}
    read = _GoResults(rendered("benchstat", run_with(hostile, cases=(case,))))
    assert len(read.results) == 6
    assert {name for name, _ in read.results} == {"BenchmarkModelLoad/two_lines_BenchmarkX_1_1_ns"}
    assert read.configuration["cpu"] == "two lines BenchmarkX 1 1 ns"
