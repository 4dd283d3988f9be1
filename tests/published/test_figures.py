"""A Run is compared with published figures as far as that is true, and no further."""

from pathlib import Path

import pytest

from loadstone.model import Case, Value
from loadstone.published.figures import VsPublished, vs_published
from loadstone.published.posting import Posting
from sample_postings import (
    BUFFERED,
    DIRECT,
    FLUSH,
    FLUSH_SPEED,
    GIB,
    LOAD,
    SEGMENTS,
    load_run,
    postings,
)
from sample_runs import LAB, NEAR_ONE, READY, measured_run


@pytest.fixture
def published(tmp_path: Path) -> tuple[Posting, ...]:
    return postings(tmp_path, LOAD)


def of(found: tuple[VsPublished, ...], case: Case = DIRECT) -> VsPublished:
    (one,) = (one for one in found if one.label == case.label)
    return one


def test_a_figure_of_a_file_as_large_is_in_the_published_unit_and_over_the_published_one(
    published: tuple[Posting, ...],
) -> None:
    found = vs_published(load_run({"file.bytes": 10**9}), published)
    direct, buffered = of(found), of(found, BUFFERED)
    assert direct.measured is not None
    assert direct.share is not None
    assert direct.measured.median == pytest.approx(1001, abs=1)
    assert direct.share.median == pytest.approx(1.0, abs=0.01)
    assert buffered.share is not None
    assert buffered.share.median == pytest.approx(2000 / 1500, abs=0.01)
    assert buffered.share.low < buffered.share.median < buffered.share.high
    assert buffered.gain is None


def test_the_gain_of_a_case_over_the_baseline_comes_with_the_published_gain(
    published: tuple[Posting, ...],
) -> None:
    gain = of(vs_published(load_run({"file.bytes": GIB}), published)).gain
    assert gain is not None
    assert gain.over == "read"
    assert gain.measured.median == pytest.approx(2.0, abs=0.03)
    assert gain.measured.low <= gain.measured.median <= gain.measured.high
    assert gain.published == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("size_bytes", "published_gain", "has_figure"),
    [
        (GIB // 8, 1.5, False),
        (3 * GIB, 1.5, False),
        (8 << 20, 14.5 / 9, True),
        (1 << 20, 14.5 / 9, False),
    ],
)
def test_of_another_size_only_the_gain_over_the_nearest_is_told(
    published: tuple[Posting, ...], size_bytes: int, published_gain: float, has_figure: bool
) -> None:
    one = of(vs_published(load_run({"file.bytes": size_bytes}), published))
    assert (one.measured is not None) is (one.share is not None) is has_figure
    assert one.gain is not None
    assert one.gain.published == pytest.approx(published_gain)


@pytest.mark.parametrize("facts", [{}, {"file.bytes": 64 << 10}, {"file.bytes": 20 * GIB}])
def test_of_a_size_that_is_unknown_or_far_off_nothing_is_told(
    published: tuple[Posting, ...], facts: dict[str, Value]
) -> None:
    assert vs_published(load_run(facts), published) == ()


@pytest.mark.parametrize(
    "clock", [LAB, {"clock.name": "wall", "clock.accelerator": "kvm"}], ids=["instructions", "kvm"]
)
def test_a_lab_s_seconds_are_not_compared_with_a_real_machine_s(
    published: tuple[Posting, ...], clock: dict[str, Value]
) -> None:
    found = vs_published(load_run({"file.bytes": GIB} | clock), published)
    assert [one.label for one in found] == [DIRECT.label]
    assert of(found).measured is of(found).share is None
    assert of(found).gain is not None


def test_of_several_baselines_the_case_most_like_is_taken_and_none_where_that_is_open(
    published: tuple[Posting, ...],
) -> None:
    def buffered(block: int) -> Case:
        parameters: dict[str, Value] = {"engine": "pread", "io": "buffered", "block": block}
        return Case.of("model-load", f"buffered {block}", parameters)

    small, large = buffered(4096), buffered(8192)
    one = of(vs_published(load_run({"file.bytes": GIB}, small, large), published))
    assert one.gain is not None
    assert one.gain.measured.median == pytest.approx(2.0, abs=0.03)
    figures = [(case, NEAR_ONE) for case in (DIRECT, small, large)]
    open_ = vs_published(measured_run(figures, READY, facts={"file.bytes": GIB}), published)
    assert of(open_).gain is None


def test_a_run_of_before_a_parameter_was_added_did_what_its_default_says(tmp_path: Path) -> None:
    text = LOAD.replace('io = "direct"', 'io = "direct", export = "EXPORT"')
    for export, labels in (("after", [DIRECT.label]), ("beside", [])):
        published = postings(tmp_path, text.replace("EXPORT", export))
        found = vs_published(load_run({"file.bytes": GIB}), published)
        assert [one.label for one in found if one.gain] == labels


def test_what_is_not_known_here_has_no_defaults(published: tuple[Posting, ...]) -> None:
    other = Case.of("model-load", "other", {"engine": "nosuch", "io": "direct"})
    found = vs_published(load_run({"file.bytes": GIB}, other), published)
    assert of(found, other).gain is not None


def test_both_sides_of_a_change_are_figures(tmp_path: Path) -> None:
    run = measured_run([(SEGMENTS, [8570 * one for one in NEAR_ONE])], FLUSH_SPEED)
    before, after = vs_published(run, postings(tmp_path, FLUSH))
    assert before.share is not None
    assert after.measured is not None
    assert before.figure.what == "1024 segments, each segment"
    assert before.share.median == pytest.approx(10, rel=0.01)
    assert after.figure.what == "1024 segments, each device"
    assert after.measured.median == pytest.approx(8570 / 1024, rel=0.01)


def test_a_case_without_figures_is_not_compared(published: tuple[Posting, ...]) -> None:
    run = measured_run([(DIRECT, []), (BUFFERED, NEAR_ONE)], READY, facts={"file.bytes": GIB})
    assert [one.label for one in vs_published(run, published)] == [BUFFERED.label]


def test_a_figure_of_zero_has_no_gain(published: tuple[Posting, ...]) -> None:
    run = measured_run(
        [(DIRECT, [0.0] * 6), (BUFFERED, NEAR_ONE)], READY, facts={"file.bytes": GIB}
    )
    assert of(vs_published(run, published)).gain is None
