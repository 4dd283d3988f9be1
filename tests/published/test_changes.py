"""A Comparison is held against what was published of the same change, and of no other."""

import io
import json
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from commands import Command
from loadstone.analysis.compare import compare
from loadstone.cli._output import print_runs
from loadstone.errors import UsageError
from loadstone.model import Case, Run, Value
from loadstone.published.changes import PublishedByLabel, published_changes
from loadstone.published.posting import Posting
from loadstone.report.text import print_comparison
from sample_postings import FLUSH, FLUSH_SPEED, LOAD, SEGMENTS, postings
from sample_runs import LAB, NEAR_ONE, READY, measured_run, write_run


@pytest.fixture
def published(tmp_path: Path) -> tuple[Posting, ...]:
    return postings(tmp_path, FLUSH)


def sides(case: Case = SEGMENTS, facts: Mapping[str, Value] | None = None) -> tuple[Run, Run]:
    """Before, and 74 times as fast after."""
    return (
        measured_run([(case, [573 * one for one in NEAR_ONE])], FLUSH_SPEED, "before", 0, facts),
        measured_run([(case, [42_666 * one for one in NEAR_ONE])], FLUSH_SPEED, "after", 1, facts),
    )


def shown(base: Run, new: Run, found: PublishedByLabel) -> str:
    stream = io.StringIO()
    print_comparison(compare(base, new), Console(file=stream, width=400), found)
    return stream.getvalue()


def test_a_change_stands_below_the_table_with_the_one_that_was_published(
    published: tuple[Posting, ...],
) -> None:
    base, new = sides()
    text = shown(base, new, published_changes(compare(base, new), base, new, published))
    assert (
        "published of 1024 segments: 1024 segments, 857 KiB/s → 30.8 MiB/s (×36.8), "
        "each segment → each device; Yang Yang, 2024-05-16, on: not named; here ×74.5 [7"
    ) in text


def test_a_change_is_shown_under_the_lab_s_clock_too(published: tuple[Posting, ...]) -> None:
    base, new = sides(facts=LAB)
    text = shown(base, new, published_changes(compare(base, new), base, new, published))
    assert "(×36.8)" in text
    assert "here ×74.5" in text


@pytest.mark.parametrize(
    ("found", "replacement"),
    [
        ('block = "4k"', 'block = "8k"'),
        ('block = "4k"', 'block = "4k", threads = 16'),
        ('metric = "throughput"', 'metric = "latency"'),
        ('workload = "dm-flush"', 'workload = "dm-verity"'),
        ('case = { segments = 1024, devices = 1, block = "4k" }\n', ""),
        ('base = "857', 'bytes = "1GiB"\nbase = "857'),
    ],
)
def test_what_is_published_of_something_else_is_not_held_against_it(
    tmp_path: Path, found: str, replacement: str
) -> None:
    assert found in FLUSH
    base, new = sides()
    other = postings(tmp_path, FLUSH.replace(found, replacement))
    assert published_changes(compare(base, new), base, new, other) == {SEGMENTS.label: ()}


def test_cases_that_share_no_more_than_a_label_have_nothing_published(
    published: tuple[Posting, ...],
) -> None:
    """BASE may be of a loadstone that had fewer parameters: it may have done something else."""
    base, _ = sides(Case.of("dm-flush", SEGMENTS.label, {"segments": 1024}))
    _, new = sides()
    assert published_changes(compare(base, new), base, new, published) == {SEGMENTS.label: ()}


@pytest.mark.parametrize(
    ("sides_", "words"),
    [
        ("ratio = 1.35", "1024 segments, ×1.35, each segment → each device; "),
        ('direction = "slower"', "1024 segments, slower, without a figure, each segment → each"),
    ],
)
def test_less_than_two_figures_is_told_as_it_is(tmp_path: Path, sides_: str, words: str) -> None:
    base, new = sides()
    both = 'base = "857 KiB/s"\nnew = "30.8 MiB/s"'
    less = postings(tmp_path, FLUSH.replace(both, sides_))
    assert words in shown(base, new, published_changes(compare(base, new), base, new, less))


def test_a_time_that_fell_is_a_gain(tmp_path: Path) -> None:
    case = Case.of("dm-flush", "x", SEGMENTS.parameters)
    base = measured_run([(case, NEAR_ONE)], READY, "a")
    new = measured_run([(case, [one / 2 for one in NEAR_ONE])], READY, "b", 1)
    text = FLUSH.replace("throughput", "ready_ns")
    text = text.replace("857 KiB/s", "3 s").replace("30.8 MiB/s", "1500 ms")
    (one,) = published_changes(compare(base, new), base, new, postings(tmp_path, text))["x"]
    assert one.ratio == pytest.approx(2.0)


def test_a_unit_that_the_metric_cannot_have_is_named_with_its_place(tmp_path: Path) -> None:
    base, new = sides()
    wrong = postings(tmp_path, FLUSH.replace("30.8 MiB/s", "30.8 MB"))
    with pytest.raises(
        UsageError, match=r"posting 1 \(k\), change 1: 30.8 MB: 'MB' cannot be converted to 'KiB/s'"
    ):
        published_changes(compare(base, new), base, new, wrong)


def test_what_a_file_says_is_shown_without_control_characters_and_markup(tmp_path: Path) -> None:
    base, new = sides()
    text = FLUSH.replace("Yang Yang", "\\u001b[2J[red]Yang\\u202e")
    shown_ = shown(
        base, new, published_changes(compare(base, new), base, new, postings(tmp_path, text))
    )
    assert "[red]Yang" in shown_
    assert not {"\x1b", "\u202e"} & set(shown_)


def test_kernels_of_the_lab_are_held_against_what_is_published(
    capsys: pytest.CaptureFixture[str],
) -> None:
    values: dict[str, Value] = {"size": 4096, "pattern": "fresh", "sync": "end", "io": "buffered"}
    case = Case.of("folio-write", "4KiB fresh", values)
    metric = msgspec.structs.replace(FLUSH_SPEED, unit="B/s")
    kernels = [
        measured_run([(case, NEAR_ONE)], metric, id_, hour, LAB) for hour, id_ in enumerate("ab")
    ]
    print_runs(kernels, 0.03, as_json=False)
    assert "published of 4KiB fresh: new write, background writeback, 263.4 MiB/s → 286.3" in (
        " ".join(capsys.readouterr().out.split())
    )
    print_runs(kernels, 0.03, as_json=True)
    (comparison,) = json.loads(capsys.readouterr().out)["comparisons"]
    assert comparison["cases"][0]["published"][0]["device"] == "Pixel 6"


@pytest.fixture
def stored(loadstone: Command) -> Path:
    """Two Runs on disk, and the file of what is published of them."""
    for run in sides(Case.of("house-flush", "1024 segments", SEGMENTS.parameters)):
        write_run(run, loadstone.results)
    path = loadstone.place / "house.toml"
    path.write_text(FLUSH.replace("dm-flush", "house-flush"))
    return path


def test_a_file_of_one_s_own_is_named_on_the_command_line_or_in_the_environment(
    loadstone: Command, stored: Path
) -> None:
    words = ("compare", "before", "after", "--json")
    assert json.loads(loadstone(*words).out)["cases"][0]["published"] == []
    other = stored.with_name("other.toml")
    other.write_text(stored.read_text().replace("Yang Yang", "somebody"))
    both = loadstone(*words, env={"LOADSTONE_REFERENCE": f"{stored}:{other}"})
    found = json.loads(both.out)["cases"][0]["published"]
    assert [one["who"] for one in found] == ["Yang Yang", "somebody"]
    assert "published of 1024 segments" in loadstone(*words[:3], "--reference", stored).out


@pytest.mark.parametrize("verb", [("compare", "before", "after"), ("report", "after")])
def test_a_file_of_one_s_own_that_is_not_sound_is_named_and_nothing_is_written(
    loadstone: Command, stored: Path, verb: tuple[str, ...]
) -> None:
    bad = {
        FLUSH.replace("title", "titel"): "posting 1 (k): titel: no such key (did you mean 'title'",
        LOAD.replace("io =", "i0 ="): "case: i0: no such parameter; there are engine, io, dest",
        LOAD.replace("14.5 ms", "14.5 MB"): "14.5 MB: 'MB' cannot be converted to 'ns'; there are",
    }
    for text, words in bad.items():
        stored.write_text(text)
        done = loadstone(*verb, "--reference", stored)
        assert done.code == 2
        assert done.complaint.startswith(f"{stored}: posting 1 (k)")
        assert words in done.complaint
    stored.write_text(FLUSH.replace('"k"', '"\\u001b[2J"').replace("title", "titel"))
    assert "\x1b" not in loadstone(*verb, "--reference", stored).err
    missing = loadstone(*verb, "--reference", "nosuch.toml")
    assert missing.complaint.startswith("nosuch.toml: No such file or directory (ENOENT); name a")
    assert not list(loadstone.place.glob("*.html"))
