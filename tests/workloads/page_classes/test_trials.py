"""What page-classes makes of an Outcome."""

import contextlib
import errno
from pathlib import Path

import pytest

from loadstone.core.explain import skipped
from loadstone.model import Case, CoreError, Finding, Histogram, Input, Outcome, Status, Value
from loadstone.provision.journal import Journal
from loadstone.provision.zram_device import ZramDevice
from loadstone.targets.local import LocalTarget
from loadstone.workloads import make_cases, workload
from loadstone.workloads.page_classes.devices import DeviceSpec, PageDevice
from loadstone.workloads.page_classes.trials import PreparedPages

PAGES = workload("page-classes")

ZRAM = ZramDevice(path="/dev/zram9", number=9, size_bytes=1 << 24, algorithm="lz4")

# 10 pages: one same-filled, four below half, three above, two huge.
VALUES = {
    "page_bytes": 4096,
    "pages": 10,
    "compressed_bytes": 4000 + 9000 + 8192,
    "escaped_pages": 0,
    "disturbed_pages": 0,
    "floor_write_ns": 1000,
    "huge_page_bytes": 0,
    **{"same_pages": 1, "same_bytes": 0, "same_write_ns": 2000, "same_read_ns": 1000},
    **{"zsp_pages": 4, "zsp_bytes": 4000, "zsp_write_ns": 40000, "zsp_read_ns": 1},
    **{"zmp_pages": 3, "zmp_bytes": 9000, "zmp_write_ns": 45000, "zmp_read_ns": 1},
    **{"zhp_pages": 2, "zhp_bytes": 8192, "zhp_write_ns": 13000, "zhp_read_ns": 1},
    **{"unstored_pages": 0, "unstored_bytes": 0, "unstored_write_ns": 0, "unstored_read_ns": 0},
}


class MachineWith(LocalTarget):
    """This machine, but for some small files."""

    def __init__(self, results: Path, **texts: str) -> None:
        super().__init__(results)
        self._texts = texts

    def read_text(self, path: str) -> str | None:
        return self._texts.get(Path(path).name, "")


def case_of(**chosen: Value) -> Case:
    (case,), _ = make_cases(PAGES, [chosen])
    return case


def prepared(place: Path, case: Case, device: PageDevice | Finding, **texts: str) -> PreparedPages:
    return PreparedPages(
        MachineWith(place, **texts),
        Input(),
        Journal(place),
        {DeviceSpec.of(case.parameters): device},
        {},
        contextlib.ExitStack(),
    )


def evaluated(place: Path, case: Case, **values: int) -> Finding:
    histograms = tuple(
        Histogram(
            name=name, count=1000, min_ns=100, max_ns=127, sum_ns=0, buckets={100: 990, 127: 10}
        )
        for name in ("compress", "decompress")
    )
    device = PageDevice(zram=ZRAM, huge_class_size=3625)
    outcome = Outcome(values={**VALUES, **values}, histograms=histograms)
    return prepared(place, case, device).evaluate(case, outcome)


def test_what_is_saved_is_held_against_the_time_of_compressing(place: Path) -> None:
    found = evaluated(place, case_of())
    assert (found.status, found.notes) == (Status.OK, ())
    assert found.metrics == {
        "saved_speed": pytest.approx((40960 - 21192) / 100000 * 1e3),
        "stored_ratio": pytest.approx(21192 / 40960),
        **{f"{name}_ns": 100 for name in ("compress", "decompress")},
        **{f"{name}_p99_ns": 100 for name in ("compress", "decompress")},
        **{f"{name}_p999_ns": 127 for name in ("compress", "decompress")},
    }


def test_what_another_order_would_save_is_evidence(place: Path) -> None:
    evidence = evaluated(place, case_of()).evidence
    shares = {one: evidence[f"{one}_share"] for one in ("same", "zsp", "zmp", "zhp")}
    assert shares == {"same": 0.1, "zsp": 0.4, "zmp": 0.3, "zhp": 0.2}
    assert evidence["huge_class_size"] == 3625
    # Those below half a page alone; and all, the two huge ones at 1000 ns each.
    assert evidence["zsp_first_mb_per_s"] == pytest.approx((5 * 4096 - 4000) / 42000 * 1e3)
    assert evidence["zhp_skipped_mb_per_s"] == pytest.approx((40960 - 21192) / 89000 * 1e3)


def test_a_class_that_saves_nothing_saves_it_at_no_speed(place: Path) -> None:
    some = {f"{kind}_{what}": 0 for kind in ("same", "zsp", "zmp") for what in ("pages", "bytes")}
    some |= {f"{kind}_write_ns": 0 for kind in ("same", "zsp", "zmp")}
    metrics = evaluated(
        place, case_of(), **some, zhp_pages=10, zhp_bytes=40960, compressed_bytes=40960
    ).metrics
    assert (metrics["saved_speed"], metrics["stored_ratio"]) == (0, 1)


@pytest.mark.parametrize(
    ("chosen", "values", "status", "words"),
    [
        ({"class": "zero"}, {"unstored_pages": 10}, Status.OK, "10 pages never reached zram"),
        ({"class": "text"}, {"unstored_pages": 2}, Status.INVALID, "2 pages went to other swap"),
        ({"class": "file:/a"}, {"unstored_pages": 2}, Status.OK, "2 pages never reached zram"),
        (
            {"class": "file:/a", "other_swap": True},
            {"unstored_pages": 2},
            Status.INVALID,
            "2 pages went to other swap",
        ),
        ({"class": "text"}, {"escaped_pages": 5}, Status.OK, "5 pages were not swapped out"),
        ({}, {"disturbed_pages": 3}, Status.INVALID, "pages of others with 3 of ours"),
        ({"thp": True}, {"huge_page_bytes": 4096}, Status.OK, "huge for 4 KiB of 40 KiB only"),
        ({"thp": True}, {"huge_page_bytes": 40960}, Status.OK, ""),
    ],
)
def test_pages_that_did_not_go_out_as_asked_are_told(
    place: Path, chosen: dict[str, Value], values: dict[str, int], status: Status, words: str
) -> None:
    found = evaluated(place, case_of(path="swap", **chosen), **values)
    assert found.status is status
    assert words in (found.reason or "".join(found.notes))
    assert bool(words) == bool(found.reason or found.notes)


@pytest.mark.parametrize(
    ("texts", "chosen", "reason", "remedy"),
    [
        ({"swaps": "Filename Type\n"}, {}, None, None),
        ({"swaps": "Filename Type\n/dev/sda2 partition\n"}, {}, "swaps on /dev/sda2", "other_swa"),
        ({"swaps": "Filename Type\n/dev/sda2 partition\n"}, {"other_swap": True}, None, None),
        ({"enabled": "Y\n"}, {"other_swap": True}, "zswap compresses", "path=block"),
        ({"swaps": "Filename\n/a b\n", "enabled": "Y"}, {"path": "block"}, None, None),
    ],
)
def test_swapping_is_for_a_machine_that_does_not_or_where_it_is_said_twice(
    place: Path,
    texts: dict[str, str],
    chosen: dict[str, Value],
    reason: str | None,
    remedy: str | None,
) -> None:
    case = case_of(**{"path": "swap", **chosen})
    device = PageDevice(zram=ZRAM, huge_class_size=3625)
    found = prepared(place, case, device, **texts).skip_reason(case)
    if reason is None or remedy is None:
        assert found is None
        return
    assert found is not None
    assert reason in (found.reason or "")
    assert remedy in (found.remedy or "")


def test_pages_that_memory_is_too_small_for_are_a_skip(place: Path) -> None:
    case = case_of(total=1 << 60)
    device = PageDevice(zram=ZRAM, huge_class_size=3625)
    devices = {DeviceSpec.of(case.parameters): device}
    target, swap = LocalTarget(place), contextlib.ExitStack()
    found = PreparedPages(target, Input(), Journal(place), devices, {}, swap).skip_reason(case)
    assert found is not None
    assert "1048576TiB of pages, 3 times over, do not fit into" in (found.reason or "")
    assert (found.remedy or "").startswith("--set total to less, or ")


def test_a_case_without_a_device_says_why(place: Path) -> None:
    case = case_of(algorithm="gold")
    why = skipped("zram has no gold", "take lz4")
    assert prepared(place, case, why).skip_reason(case) == why


def test_wrong_data_is_a_failure(place: Path) -> None:
    case = case_of()
    error = CoreError(code=errno.EBADMSG, step="verify pages", path="/dev/zram9", offset=8192)
    device = PageDevice(zram=ZRAM, huge_class_size=3625)
    found = prepared(place, case, device).evaluate(case, Outcome(error=error))
    assert found.status is Status.FAILED
    assert found.reason == "wrong data: the page at 8192 came back from /dev/zram9 as another"
