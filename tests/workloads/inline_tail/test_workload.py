"""The Cases of inline-tail, and the tree that is made for them."""

from bisect import bisect_right
from pathlib import Path

from loadstone.workloads import make_cases, workload
from loadstone.workloads.inline_tail.tree import DEFAULT_BYTES, file_sizes, make_tree

INLINE = workload("inline-tail")


def test_both_ways_are_copied_and_read_by_default() -> None:
    cases, _ = make_cases(INLINE, INLINE.default_cases())
    assert [case.label for case in cases] == [
        "copy noinline_data",
        "copy inline_data",
        "read noinline_data",
        "read inline_data",
    ]


def test_sizes_of_a_made_tree_are_those_of_linux() -> None:
    sizes = sorted(file_sizes(DEFAULT_BYTES))
    assert abs(sum(sizes) / DEFAULT_BYTES - 1) < 0.1
    count = len(sizes)
    # As far as 99 % of Linux's files go: of all of them 46 % have at most 3452 bytes.
    shares = [bisect_right(sizes, limit) / count * 0.99 for limit in (254, 3452, 3874, 68 << 10)]
    assert [round(share, 2) for share in shares] == [0.05, 0.47, 0.5, 0.97]
    assert file_sizes(DEFAULT_BYTES) == file_sizes(DEFAULT_BYTES)
    assert len(file_sizes(1)) == 1


def test_a_made_tree_is_always_the_same(tmp_path: Path) -> None:
    found = []
    for name in ("one", "other"):
        make_tree(tmp_path / name, 1 << 20)
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        found.append(
            [(str(path.relative_to(tmp_path / name)), path.read_bytes()) for path in files]
        )
    assert found[0] == found[1]
    assert sorted(len(data) for _, data in found[0]) == sorted(file_sizes(1 << 20))
