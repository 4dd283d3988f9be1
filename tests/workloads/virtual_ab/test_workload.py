"""The Cases of virtual-ab."""

import pytest

from loadstone.errors import UsageError
from loadstone.model import Value
from loadstone.workloads import make_cases, workload

UPDATE = workload("virtual-ab")


def test_the_default_cases_are_known_by_their_labels() -> None:
    cases, _ = make_cases(UPDATE, UPDATE.default_cases())
    assert [case.label for case in cases] == [
        "updated 16 extents random",
        "merging 16 extents random",
        "merging 256 extents random",
        "merged random",
    ]


def test_a_label_has_what_is_not_as_usual() -> None:
    chosen: dict[str, Value] = {
        **{"state": "updated", "extents": 3, "changed": 5, "piece": 4096, "fec_roots": 0},
        **{"pattern": "sequential", "block": 65536, "threads": 4, "total": 1 << 20},
    }
    (case,), _ = make_cases(UPDATE, [chosen])
    assert case.label == (
        "updated 3 extents sequential 64KiB changed 5 % pieces 4KiB no FEC ×4 total 1MiB"
    )


@pytest.mark.parametrize(
    ("chosen", "remark"),
    [
        ({"state": "merged", "extents": 3}, "extents has no meaning once all is merged"),
        ({"state": "merged", "piece": 4096}, "piece has no meaning once all is merged"),
        ({"total": 4096}, "total has no meaning while it is merged, as reads go on until"),
    ],
)
def test_what_has_no_meaning_in_a_state_is_left_out(chosen: dict[str, Value], remark: str) -> None:
    (case,), (said,) = make_cases(UPDATE, [chosen])
    (plain,), _ = make_cases(UPDATE, [{"state": case.parameters["state"]}])
    assert said.startswith(remark)
    assert case.id == plain.id


@pytest.mark.parametrize(
    ("chosen", "complaint"),
    [
        ({"fec_roots": 1}, "fec_roots: 1 is none; write 2 to 24, or 0"),
        ({"fec_roots": 25}, "fec_roots: 25 is none; write 2 to 24, or 0"),
        ({"piece": 12288}, "piece: 12288 is none; write a power of two up to 1048576"),
        ({"piece": 2 << 20}, "piece: 2097152 is none; write a power of two up to 1048576"),
        ({"extents": 4097}, "extents: 4097 is too much; write 4096 or less"),
        ({"changed": 101}, "changed: 101 is too much; write 100 or less"),
        ({"block": 4608}, "block: 4608 is no multiple of the data block; write 4096 or"),
        ({"block": 2 << 20}, "block: 2097152 is too much; write 1048576 or less"),
        (
            {"state": "updated", "total": 8192, "threads": 3},
            "total: is less than one block for each thread; write more",
        ),
    ],
)
def test_what_cannot_be_is_refused(chosen: dict[str, Value], complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_cases(UPDATE, [chosen])
    assert str(caught.value).startswith(complaint)
