"""A Survey in figures."""

import pytest

from loadstone.pages.counts import ZramCount
from loadstone.pages.summary import summarise_pages
from sample_pages import LZ4, NONE, ZSTD, count, kind_of, pages_of, survey_of


def test_kinds_of_several_processes_are_added_by_name() -> None:
    found = summarise_pages(
        survey_of(
            [
                pages_of(1, [kind_of("anon", {1: 10}), kind_of("heap", {10: 5})]),
                pages_of(2, [kind_of("anon", {1: 30}), kind_of("m", {2: 7}, is_shared=True)]),
            ]
        )
    )
    (one,) = found.algorithms
    assert [(kind.name, kind.pages) for kind in one.kinds] == [("anon", 40), ("heap", 5), ("m", 7)]
    assert one.own is not None
    assert one.own.pages == 45
    assert one.shared is not None
    assert one.shared.pages == 7
    assert [process.pages for process in one.processes] == [15, 30]


def test_a_process_of_which_nothing_was_seen_has_no_figures() -> None:
    (one,) = summarise_pages(survey_of([pages_of(1, [kind_of(present=4, lost=4)])])).algorithms
    assert one.own is None
    assert one.processes[0].figures is None


def test_each_algorithm_stands_apart() -> None:
    looks = [pages_of(1, [kind_of(by_decile={1: 1})], algorithm=one) for one in (LZ4, ZSTD)]
    found = summarise_pages(survey_of(looks, algorithms=(LZ4, ZSTD)))
    assert [one.algorithm for one in found.algorithms] == ["lz4", "zstd:3"]


@pytest.mark.parametrize(
    ("most_stored", "least_huge", "threshold"),
    [
        (3300, 3640, 3625),
        (3200, 3260, 3257),
        (3250, 3700, None),
        (3200, 0, None),
        (3700, 4096, None),
    ],
)
def test_the_kernels_threshold_is_the_only_one_that_fits(
    most_stored: int, least_huge: int, threshold: int | None
) -> None:
    zram = ZramCount(
        seen=30,
        equal=18,
        same=count(5),
        deciles=(count(15, 100), *[NONE] * 9, count(10, 4096)),
        huge=count(10, 4096),
        most_stored_bytes=most_stored,
        least_huge_bytes=least_huge,
    )
    look = pages_of(1, [kind_of(by_decile={0: 15, 10: 10}, same=5)], zram=zram)
    found = summarise_pages(survey_of([look]))
    figures = found.algorithms[0].zram
    assert figures is not None
    assert found.kernel_threshold_bytes == figures.threshold_bytes == threshold
    assert figures.huge_share == pytest.approx(1 / 3)
    assert figures.equal_share == pytest.approx(0.9)
    assert figures.page_shares[0] == pytest.approx(20 / 30)
