"""The HTML report shows what was measured, and nothing that a device says can change it."""

import io
import os
import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from rich.console import Console

from loadstone.analysis.compare import compare
from loadstone.analysis.summary import summarise
from loadstone.cli import cli
from loadstone.errors import LoadstoneError, RunError, UsageError
from loadstone.model import Case, Histogram, Metric, Run, Span, Status, Trial
from loadstone.report import html
from loadstone.report.figures import bounds, measured
from loadstone.report.lanes import colours_of, lanes_of
from loadstone.report.scale import axis_to, format_ns
from loadstone.report.strips import ReportedRun
from loadstone.report.text import print_comparison, print_run
from loadstone.report.timeline import most_median, timelines
from loadstone.units import format_metric
from sample_runs import READY, SPEED, manifest_of, plan_of, run_of, trial_of

FAST, SLOW, ABSENT = (
    Case.of("model-load", label, {"engine": label}) for label in ("fast", "slow", "absent")
)
HOSTILE = "<script>alert(1)</script>\"'&</title>`<b>`\x1b[31m\u202egnp.exe"


def _trial(case: Case, number: int, speed: float, **changes: object) -> Trial:
    ready_ns = int(64e6 / speed * 1e9)
    fields: dict[str, object] = {
        "evidence": {"minor_faults": 3.0, "cached_after_bytes": 64.0, "vmstat.pgsteal_anon": 0.0},
        "spans": (
            Span(name="open", lane=0, start_ns=0, end_ns=10_000),
            Span(name="read", lane=0, start_ns=10_000, end_ns=ready_ns),
            Span(name="release", lane=0, start_ns=3 * ready_ns, end_ns=3 * ready_ns + 5_000_000),
        ),
        "histograms": (
            Histogram(
                name="read",
                count=500,
                min_ns=1000,
                max_ns=90_000,
                sum_ns=5_000_000,
                buckets={1000: 400, 89_600: 100},
            ),
        ),
    }
    metrics = {"throughput": speed, "ready_ns": ready_ns}
    return trial_of(case, number, metrics, **fields | changes)


def _run(
    *trials: Trial,
    cases: tuple[Case, ...] = (SLOW, ABSENT, FAST),
    id_: str = "r",
    rounds: int = 6,
    metrics: tuple[Metric, ...] = (SPEED, READY),
    facts: Mapping[str, int | str] | None = None,
) -> Run:
    plan = plan_of(cases, rounds=rounds, seed=77)
    return run_of(manifest_of(plan, id_=id_, metrics=metrics, facts=facts), trials)


MEASURED = (
    *(_trial(FAST, number, 2.0e9 + 1e7 * number) for number in range(6)),
    *(_trial(SLOW, number, 1.0e9 + 1e7 * number) for number in range(6)),
    _trial(ABSENT, 0, 1.0, status=Status.SKIPPED, reason="no udmabuf", remedy="load `udmabuf`"),
)


class _Page(HTMLParser):
    """What a browser would make of a page: elements, attributes, text, tables."""

    _VOID = frozenset({"meta", "link", "img", "br", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in self._VOID:
            self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            return
        self.text += data
        if self._open and self._open[-1] in ("th", "td"):
            self.rows[-1][-1] += data

    def count(self, tag: str, **attributes: str) -> int:
        return sum(
            found == tag and attributes.items() <= has.items() for found, has in self.elements
        )

    def row(self, first: str) -> list[str]:
        return next(row for row in self.rows if row and row[0] == first)


def test_the_table_holds_the_figures_of_the_summary() -> None:
    run = _run(*MEASURED)
    page = _Page(html.render([run]))
    for summary in summarise(run)[:2]:
        speed, ready = summary.metrics["throughput"], summary.metrics["ready_ns"]
        row = page.row(summary.case.label)
        assert row[1:4] == [
            format_metric(speed.median, "B/s"),
            bounds(speed, SPEED),
            format_metric(ready.median, "ns"),
        ]
        assert row[-1] == "6"
    assert [row[0] for row in page.rows[1:3]] == ["fast", "slow"]


def test_the_table_has_the_terminal_s_columns_and_cells() -> None:
    run = _run(*MEASURED)
    stream = io.StringIO()
    print_run(run, Console(file=stream, width=200))
    page = _Page(html.render([run]))
    terminal = " ".join(stream.getvalue().split())
    assert " ".join(page.rows[0][1:]) in terminal
    for label in ("fast", "slow"):
        assert " ".join(page.row(label)) in terminal


def test_every_round_is_a_dot_and_names_its_figure() -> None:
    page = _Page(html.render([_run(*MEASURED)]))
    assert page.count("circle", **{"class": "dot"}) == 12
    assert "throughput of 6 rounds, in their order: 2.000, 2.010" in page.text


def test_strings_from_a_device_are_shown_and_change_nothing() -> None:
    case = Case.of("model-load", HOSTILE, {})
    trials = (
        _trial(case, 0, 1e9, notes=(HOSTILE,), evidence={HOSTILE: 1.0}),
        _trial(case, 1, 1e9, status=Status.FAILED, reason=HOSTILE, remedy=HOSTILE),
        _trial(case, 2, 1e9, status=Status.INVALID, reason=HOSTILE),
        _trial(case, 3, 1e9, spans=(Span(name=HOSTILE, lane=7, start_ns=0, end_ns=9),)),
    )
    plain = Case.of("model-load", "plain", {})
    twin = tuple(
        msgspec.structs.replace(
            trial,
            case=plain.id,
            reason=trial.reason and "plain",
            remedy=trial.remedy and "pl `ai` n",
            notes=tuple("plain" for _ in trial.notes),
            evidence={
                name.replace(HOSTILE, "plain"): value for name, value in trial.evidence.items()
            },
        )
        for trial in trials
    )
    facts: dict[str, int | str] = {
        "kernel.release": HOSTILE,
        "cpu.model": HOSTILE,
        "fs.type": HOSTILE,
        "clock.name": HOSTILE,
        "clock.processor": HOSTILE,
        "lab.kernel": HOSTILE,
        "storage.profile": HOSTILE,
    }
    bad = _run(*trials, cases=(case,), id_=HOSTILE, facts=facts)
    text = html.render([bad, bad])
    page = _Page(text)
    good = _run(*twin, cases=(plain,), id_="plain", facts=dict.fromkeys(facts, "plain"))
    expected = _Page(html.render([good, good]))
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in expected.elements]
    assert page.count("script") == 0
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert page.text.count("<script>alert(1)</script>\"'&</title>") > 10
    assert {key for _, has in page.elements for key in has} == {
        key for _, has in expected.elements for key in has
    }


def test_the_page_needs_nothing_from_elsewhere() -> None:
    text = html.render([_run(*MEASURED)])
    page = _Page(text)
    assert not re.search(r"https?:|url\(|@import|//\w", text)
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in page.elements}
    assert not any(key in ("src", "onload") for _, has in page.elements for key in has)


def test_pictures_and_tables_can_be_read_without_seeing_them() -> None:
    page = _Page(html.render([_run(*MEASURED)]))
    pictures = [has for tag, has in page.elements if tag == "svg"]
    assert all("aria-hidden" in has or has.get("role") == "img" for has in pictures)
    assert page.count("desc") == page.count("svg", role="img") == 4
    assert all(has.get("scope") in ("row", "col") for tag, has in page.elements if tag == "th")


def test_a_run_without_any_good_trial_tells_why() -> None:
    page = _Page(
        html.render(
            [
                _run(
                    _trial(FAST, 0, 1e9, status=Status.FAILED, reason="wrong data at 4096"),
                    _trial(SLOW, 0, 1e9, status=Status.INVALID, reason="12 pages stayed cached"),
                    MEASURED[-1],
                    rounds=1,
                )
            ]
        )
    )
    assert "No Case of this Run has figures" in page.text
    for words in ("wrong data at 4096", "12 pages stayed cached", "no udmabuf", "udmabuf"):
        assert words in page.text
    assert page.count("svg") == page.count("table") == 0
    assert "not complete" not in page.text


def test_a_run_that_was_killed_at_once_says_what_it_lacks() -> None:
    text = _Page(html.render([_run(rounds=6)])).text
    assert "18 Trials of its Plan were not carried out" in text


def test_a_run_without_metrics_is_rendered() -> None:
    assert "No Case" in html.render([_run(*MEASURED, metrics=())])


def test_several_runs_stand_side_by_side_and_each_for_itself() -> None:
    slower = tuple(
        msgspec.structs.replace(trial, metrics={"throughput": trial.metrics["throughput"] / 2})
        for trial in MEASURED
        if trial.status is Status.OK
    )
    page = _Page(html.render([_run(*MEASURED, id_="before"), _run(*slower, id_="after")]))
    assert page.text.index("before") < page.text.index("after") < page.text.index("Run 2: ")
    assert page.count("section", id="run-1") == page.count("section", id="run-2") == 1
    assert page.count("h4", **{"class": "group"}) == 2
    assert page.count("circle") == 12 * 2 * 2
    assert page.count("span", **{"class": "key s-1"}) == 2 + 2


def test_runs_of_different_metrics_are_not_drawn_on_one_axis() -> None:
    delay = _run(*MEASURED, metrics=(READY,))
    text = html.render([_run(*MEASURED), delay])
    assert "These Runs have no measured Case in common" in text


def test_a_case_of_one_run_only_is_in_no_overview() -> None:
    only_fast = tuple(trial for trial in MEASURED if trial.case == FAST.id)
    page = _Page(html.render([_run(*MEASURED), _run(*only_fast, id_="other")]))
    assert page.count("h4", **{"class": "group"}) == 1
    assert page.count("circle") == 12 + 6 + 2 * 6


def test_what_the_machines_of_several_runs_do_not_share_is_listed() -> None:
    facts: dict[str, int | str] = {"kernel.release": "6.1", "cpu.count": 8, "kernel.boot_id": "a"}
    other = facts | {"kernel.release": "6.18", "kernel.boot_id": "b"}
    page = _Page(html.render([_run(*MEASURED, facts=facts), _run(*MEASURED, facts=other)]))
    assert page.row("kernel.release") == ["kernel.release", "6.1", "6.18"]
    assert not any(row[0] in ("cpu.count", "kernel.boot_id") for row in page.rows)


PHONE: dict[str, int | str] = {
    "phone.manufacturer": "Vendor",
    "phone.model": "Phone 5",
    "phone.soc": "SM8250",
    "android.version": "14",
    "android.security_patch": "2024-02-05",
    "cpu.clusters": "0-3, up to 1.80 GHz; 4-7, up to 2.84 GHz",
    "cpu.pinned": "4-7",
    "heat.zones": "cpu-1-3-usr 41.7 °C",
    "heat.cooling": "none of 6 devices active",
    "block.stack": "dm-7 (userdata) over sda33 of sda",
    "disk.model": "KLUDG4UHGC",
    "ufs.specification": "3.1",
}


def test_a_phone_its_clusters_and_its_storage_stand_at_the_head() -> None:
    text = _Page(html.render([_run(*MEASURED, facts=PHONE)])).text
    for line in (
        "Vendor, Phone 5, SM8250, 2024-02-05, Android 14",
        "0-3, up to 1.80 GHz; 4-7, up to 2.84 GHz, pinned: 4-7",
        "cpu-1-3-usr 41.7 °C, none of 6 devices active",
        "dm-7 (userdata) over sda33 of sda, KLUDG4UHGC, UFS 3.1",
    ):
        assert line in text


def test_a_hostile_phone_moves_no_terminal_s_cursor() -> None:
    hostile: dict[str, int | str] = dict.fromkeys(PHONE, HOSTILE)
    run = _run(*MEASURED, facts=hostile | {"cpu.model": HOSTILE, "kernel.release": HOSTILE})
    stream = io.StringIO()
    print_run(run, Console(file=stream, width=400))
    assert not {"\x1b", "\u202e"} & set(stream.getvalue())
    twin = _run(*MEASURED, facts=dict.fromkeys((*hostile, "cpu.model", "kernel.release"), "x"))
    pages = [_Page(html.render([one])) for one in (run, twin)]
    assert HOSTILE[:25] in pages[0].text
    assert [tag for tag, _ in pages[0].elements] == [tag for tag, _ in pages[1].elements]


COUNTED: dict[str, int | str] = {
    "clock.name": "instructions",
    "clock.ns_per_instruction": 1,
    "clock.accelerator": "tcg",
    "clock.processor": "max,-erms,-fsrm",
    "calibration.syscall_ns": 142,
    "kernel.release": "7.3.4",
    "lab.kernel": "trixie-backports",
    "lab.package": "linux-image-7.3.4",
    "lab.package_version": "7.3.4-1",
    "lab.qemu": "7.2.22",
    "lab.boots": 2,
    "storage.profile": "ufs40",
    "storage.driver": "null_blk",
    "storage.mbps": 4200,
    "fs.type": "ext4",
    "fs.mkfs": "mkfs.ext4 -F",
}
CLOCK = "counted instructions (1 ns each, processor max,-erms,-fsrm): a cost model, not time"


def test_a_lab_run_s_clock_kernel_and_storage_stand_above_its_figures() -> None:
    run = _run(*MEASURED, facts=COUNTED)
    text = _Page(html.render([run])).text
    stream = io.StringIO()
    print_run(run, Console(file=stream, width=400))
    for shown, first_figure in ((text, "Fastest"), (stream.getvalue(), "2.025")):
        head = shown[: shown.index(first_figure)]
        assert CLOCK in head
        assert "GB per virtual second" in head
        assert "ufs40, null_blk, mbps 4200" in head
        assert "kernel trixie-backports, from linux-image-7.3.4 7.3.4-1, QEMU 7.2.22" in head
        assert "2 boots" in head
    assert "made by mkfs.ext4 -F" in text
    assert "syscall_ns 142" in text


def test_a_run_on_a_real_machine_says_nothing_of_clocks() -> None:
    stream = io.StringIO()
    print_run(_run(*MEASURED), Console(file=stream, width=200))
    assert "clock" not in stream.getvalue()
    assert "clock" not in _Page(html.render([_run(*MEASURED)])).text.lower()


def test_runs_of_different_clocks_are_not_drawn_on_one_axis() -> None:
    real, lab = _run(*MEASURED), _run(*MEASURED, facts=COUNTED)
    assert "in common, or no clock" in html.render([real, lab])
    page = _Page(html.render([real, lab, real, lab]))
    overview = page.text[: page.text.index("Run 1: ")]
    assert overview.count("Whether a difference is real") == 1
    assert overview.count(CLOCK) == 1
    assert overview.count("time of a real machine") == 1
    assert page.count("h4", **{"class": "group"}) == 2 * 2


def test_a_comparison_names_its_clock_and_kernels_above_the_table() -> None:
    base, new = (_run(*MEASURED, id_=id_, facts=COUNTED) for id_ in ("a", "b"))
    stream = io.StringIO()
    print_comparison(compare(base, new), Console(file=stream, width=200))
    lines = stream.getvalue().splitlines()
    assert lines[:3] == [
        "base a, Linux 7.3.4 (trixie-backports)",
        "new  b, Linux 7.3.4 (trixie-backports)",
        f"clock: {CLOCK}",
    ]


def test_latencies_are_those_of_all_rounds_that_count() -> None:
    warmup = _trial(FAST, 6, 1e9, warmup=True)
    page = _Page(html.render([_run(*MEASURED, warmup)]))
    row = next(row for row in page.rows if row[:2] == ["fast", "read"])
    assert row == ["fast", "read", "3,000", "1", "89.9", "89.9", "89.9", "90"]


def test_percentiles_of_too_few_operations_are_left_out() -> None:
    page = _Page(html.render([_run(_trial(FAST, 0, 1e9))]))
    row = next(row for row in page.rows if row[:2] == ["fast", "read"])
    assert row[-2:] == ["–", "90"]


def test_counters_that_stayed_at_zero_are_counted_not_listed() -> None:
    page = _Page(html.render([_run(*MEASURED)]))
    assert page.row("minor_faults") == ["minor_faults", "3", "3"]
    assert "1 more counters stayed at zero" in page.text
    assert "pgsteal_anon" not in page.text


def test_the_most_median_trial_is_drawn() -> None:
    trials = [_trial(FAST, number, speed) for number, speed in enumerate((1e9, 5e9, 3e9, 2.9e9))]
    found = most_median(trials, SPEED, 2.95e9)
    assert found is not None
    assert found.round == 2
    assert most_median([], SPEED, 1.0) is None


def test_untimed_verification_is_cut_out_and_said_not_to_be_there() -> None:
    run = _run(*MEASURED)
    (fast, slow), is_shared = timelines(
        ReportedRun(run=run, series=0, cases=tuple(measured(run, summarise(run))))
    )
    assert is_shared
    assert fast.axis == slow.axis
    assert fast.ready is not None
    assert slow.ready is not None
    assert slow.cut is not None
    assert slow.ready < slow.cut
    assert slow.axis.end < 1.2 * 64e6 + 5e6
    assert (fast.busy_text, fast.ready_text) == ("31.7 ms", "31.7 ms")


def test_the_key_to_a_time_line_explains_only_what_is_drawn() -> None:
    bare = _trial(FAST, 0, 1e9, metrics={"throughput": 1e9})
    bare = msgspec.structs.replace(bare, spans=bare.spans[:2])
    assert "Dashed line" in html.render([_run(*MEASURED)])
    text = html.render([_run(bare)])
    assert "Where the time goes" in text
    assert "Dashed line" not in text
    assert "Solid line" not in text


def test_time_lines_too_unlike_have_a_scale_each() -> None:
    run = _run(_trial(FAST, 0, 50e9), _trial(SLOW, 0, 0.5e9), rounds=1)
    lines, is_shared = timelines(
        ReportedRun(run=run, series=0, cases=tuple(measured(run, summarise(run))))
    )
    assert not is_shared
    assert lines[0].axis.end < lines[1].axis.end
    assert "Each on a scale of its own" in html.render([run])


def _bars(*spans: Span, end_ns: int = 1_000_000) -> list[tuple[str, int, float, float]]:
    lanes = lanes_of(spans, axis_to(end_ns, "ns"), colours_of(spans))
    return [(bar.colour, bar.y, bar.x, bar.width) for lane in lanes for bar in lane.bars]


def _many(name: str, start_ns: int, step_ns: int, length_ns: int, count: int) -> Iterator[Span]:
    for i in range(count):
        at = start_ns + i * step_ns
        yield Span(name=name, lane=0, start_ns=at, end_ns=at + length_ns)


def test_spans_less_than_a_pixel_apart_are_one_bar() -> None:
    assert _bars(*_many("read", 0, 1000, 600, 1000)) == [("c-read", 0, 0.0, 99.96)]


def test_a_gap_that_can_be_seen_is_kept() -> None:
    assert len(_bars(*_many("read", 0, 10_000, 5000, 100))) == 100


def test_a_span_too_short_to_see_is_drawn_a_pixel_wide() -> None:
    assert _bars(Span(name="open", lane=0, start_ns=500, end_ns=501)) == [
        ("c-open", 0, 0.05, 0.133)
    ]


def test_spans_of_a_lane_that_overlap_do_not_hide_one_another() -> None:
    spans = (
        Span(name="read", lane=0, start_ns=0, end_ns=800_000),
        Span(name="sync", lane=0, start_ns=200_000, end_ns=300_000),
        Span(name="map", lane=0, start_ns=850_000, end_ns=900_000),
    )
    assert [(colour, y) for colour, y, _, _ in _bars(*spans)] == [
        ("c-read", 0),
        ("c-map", 0),
        ("c-sync", 16),
    ]


def test_lanes_are_threads_in_their_order() -> None:
    spans = [Span(name="x", lane=lane, start_ns=0, end_ns=9) for lane in (1000, 2, 0)]
    lanes = lanes_of(spans, axis_to(9, "ns"), colours_of(spans))
    assert [lane.label for lane in lanes] == ["main", "thread 2", "allocator"]
    assert lanes[0].y + lanes[0].height < lanes[1].y


def test_unknown_span_names_get_a_colour_but_are_no_class() -> None:
    spans = [Span(name='x" onload="', lane=0, start_ns=0, end_ns=9)]
    assert set(colours_of(spans).values()) <= {
        *(f"c-{n}" for n in ("open", "allocate", "prepare", "read")),
        *(f"c-{n}" for n in ("export", "map", "sync", "release", "0")),
    }


@pytest.mark.parametrize(
    ("end", "unit", "labels", "shown"),
    [
        (2.6e9, "B/s", ["0", "0.5", "1", "1.5", "2", "2.5"], "GB/s"),
        (62e6, "ns", ["0", "20", "40", "60"], "ms"),
        (900.0, "ns", ["0", "200", "400", "600", "800"], "ns"),
        (3.0, "s/GB", ["0", "0.5", "1", "1.5", "2", "2.5", "3"], "s/GB"),
        (0.0, "ns", ["0", "0.2", "0.4", "0.6", "0.8", "1"], "ns"),
    ],
)
def test_axes_have_round_ticks(end: float, unit: str, labels: list[str], shown: str) -> None:
    axis = axis_to(end, unit)
    assert [tick.label for tick in axis.ticks] == labels
    assert axis.unit == shown
    assert axis.at(2 * axis.end) == 100.0
    assert axis.at(axis.end / 4) == 25.0


@pytest.mark.parametrize(
    ("value_ns", "text"),
    [(0, "0 ns"), (999, "999 ns"), (62_713_000, "62.7 ms"), (999_900, "1,000 µs"), (2e9, "2.00 s")],
)
def test_times_are_written_to_three_digits(value_ns: float, text: str) -> None:
    assert format_ns(value_ns) == text


def test_an_interval_beyond_the_axis_is_marked_as_cut() -> None:
    run = _run(_trial(FAST, 0, 1e9), _trial(FAST, 1, 2e9), rounds=2)
    assert "▸" in html.render([run])


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """A results directory with one Run, and its name."""
    run = _run(*MEASURED)
    path = tmp_path / "results" / "runs" / "20260101T102030Z-local-p-0000"
    path.mkdir(parents=True)
    (path / "manifest.json").write_bytes(msgspec.json.encode(run.manifest))
    lines = (msgspec.json.encode(trial) + b"\n" for trial in run.trials)
    (path / "trials.jsonl").write_bytes(b"".join(lines))
    return tmp_path / "results"


def _report(results: Path, *arguments: str) -> str:
    words = ["report", "--results", str(results), *arguments]
    result = CliRunner().invoke(cli, words, standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.output.strip()


def test_without_o_the_report_is_named_after_the_run(
    stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = _report(stored)
    assert name == "20260101T102030Z-local-p-0000.html"
    assert "2.025" in (tmp_path / name).read_text()


def test_a_report_replaces_an_earlier_one_as_a_whole(stored: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    report.write_text("old" * 100_000)
    _report(stored, "last", "-o", str(report))
    assert report.read_text().startswith("<!DOCTYPE html>")
    assert "old" not in report.read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "results"]


def test_a_link_to_a_report_stays_a_link(stored: Path, tmp_path: Path) -> None:
    real, link = tmp_path / "real.html", tmp_path / "link.html"
    link.symlink_to(real)
    _report(stored, "last", "-o", str(link))
    assert link.is_symlink()
    assert real.read_text().startswith("<!DOCTYPE html>")


def test_what_is_no_report_is_not_replaced(stored: Path, tmp_path: Path) -> None:
    trials = next(stored.glob("runs/*/trials.jsonl"))
    pipe = tmp_path / "pipe.html"
    os.mkfifo(pipe)
    before = trials.read_bytes()
    for path in (trials, tmp_path, pipe):
        with pytest.raises(UsageError, match=r"is no report; name a file that ends in \.html"):
            _report(stored, "last", "-o", str(path))
    assert trials.read_bytes() == before


def test_a_report_that_cannot_be_written_says_where_and_what_to_do(
    stored: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    loop = tmp_path / "loop.html"
    loop.symlink_to(loop)
    for path in (
        tmp_path / "no" / "r.html",
        tmp_path / "file" / "r.html",
        tmp_path / ("x" * 300 + ".html"),
        Path("/proc/r.html"),
        loop,
    ):
        with pytest.raises(RunError, match=r"cannot write the report .*name another file with -o"):
            _report(stored, "last", "-o", str(path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "loop.html", "results"]


def test_a_run_that_is_not_there_leaves_no_report(stored: Path, tmp_path: Path) -> None:
    with pytest.raises(LoadstoneError, match="no Run"):
        _report(stored, "nonesuch", "-o", str(tmp_path / "r.html"))
    assert not (tmp_path / "r.html").exists()
