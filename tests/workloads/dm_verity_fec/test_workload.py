"""The Cases of dm-verity-fec."""

import pytest

from loadstone.errors import UsageError
from loadstone.model import Input, Value
from loadstone.workloads import make_cases, workload

FEC = workload("dm-verity-fec")


def test_the_default_cases_are_known_by_their_labels() -> None:
    cases, _ = make_cases(FEC, FEC.default_cases())
    assert [case.label for case in cases] == [
        "corrupt direct roots 2",
        "corrupt direct roots 24",
        "error direct roots 2",
        "error readahead roots 2",
        "suspended readahead roots 2",
    ]


def test_as_many_blocks_are_read_ahead_as_in_the_talk() -> None:
    for read, blocks, label in (
        ("readahead", 20, "corrupt readahead roots 2"),
        ("buffered", 1, "corrupt buffered roots 2"),
    ):
        (case,), _ = make_cases(FEC, [{"read": read}])
        assert (case.parameters["blocks"], case.label) == (blocks, label)
    (case,), _ = make_cases(FEC, [{"blocks": 20, "fec_roots": 0, "damage": "none"}])
    assert case.label == "undamaged direct no FEC ×20"


def test_fec_of_every_count_of_roots_has_room_on_the_device() -> None:
    few, many = (
        make_cases(FEC, [{"fec_roots": roots} for roots in wanted])[0] for wanted in ((0,), (2, 24))
    )
    input = Input(size_bytes=32 << 20)
    tree_blocks = 64 + 1
    (without,), (with_both,) = FEC.devices(input, few), FEC.devices(input, many)
    assert without == (8192 + tree_blocks) * 4096
    rows = [-(-(8192 + tree_blocks) // (255 - roots)) * roots for roots in (2, 24)]
    assert with_both - without == sum(rows) * 4096


@pytest.mark.parametrize(
    ("chosen", "complaint"),
    [
        ({"fec_roots": 1}, "fec_roots: 1 is none; write 2 to 24, or 0"),
        ({"fec_roots": 25}, "fec_roots: 25 is none; write 2 to 24, or 0"),
        ({"blocks": 1025}, "blocks: 1025 are more than are read at once; write 1024 or less"),
        (
            {"damage": "suspended"},
            "damage: a direct read of a suspended device waits until it is resumed; "
            "--set read=readahead",
        ),
    ],
)
def test_what_cannot_be_read_is_refused(chosen: dict[str, Value], complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_cases(FEC, [chosen])
    assert str(caught.value).startswith(complaint)
