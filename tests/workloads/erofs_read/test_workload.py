"""The Cases of erofs-read."""

import pytest

from loadstone.errors import UsageError
from loadstone.model import Value
from loadstone.workloads import make_cases, workload

EROFS = workload("erofs-read")


def test_blocks_and_totals_follow_the_pattern() -> None:
    cases, _ = make_cases(EROFS, [{"pattern": one} for one in ("sequential", "random", "mmap")])
    assert [(case.parameters["block"], case.parameters["total"]) for case in cases] == [
        (128 << 10, 64 << 20),
        (4 << 10, 4 << 20),
        (4 << 10, 4 << 20),
    ]


@pytest.mark.parametrize("algorithm", ["none", "as-is"])
def test_what_is_not_made_or_not_compressed_has_no_clusters(algorithm: str) -> None:
    values, remarks = EROFS.complete(
        {"algorithm": algorithm, "pcluster": 65536, "options": "dedupe", "level": 3}
    )
    assert remarks == [
        f"{name} has no meaning for algorithm {algorithm}: left out there"
        for name in ("level", "pcluster", "options")
    ]
    assert EROFS.label(values) == f"{algorithm} sequential"


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"pcluster": 6000}, "pcluster: 6000 is no multiple of a block"),
        ({"pcluster": 2 << 20}, "pcluster: 2MiB is more than EROFS has"),
        ({"read_ahead": 1000}, "read_ahead: 1000 is no multiple"),
        ({"total": 4096, "block": 8192}, "total: is less than one block"),
    ],
)
def test_sizes_that_no_image_has_are_refused(chosen: dict[str, Value], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        EROFS.complete(chosen)
    assert caught.value.remedy
