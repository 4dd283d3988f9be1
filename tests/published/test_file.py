"""Files of published figures are read as they are written, and say what to fix."""

import re
from pathlib import Path

import pytest

from loadstone.errors import UsageError
from loadstone.plan.parameters import named, parse_value
from loadstone.published.changes import check
from loadstone.published.file import built_in_postings, read_reference
from loadstone.published.posting import Change, Direction, Figure, Quantity, matches_case
from loadstone.workloads import workloads

HEAD = """\
workload = "folio-write"
[[posting]]
key = "k"
title = "t"
who = "w"
when = 2024-05-16
where = "a list"
device = "d"
conditions = "c"
"""


CHANGE = """\
metric = "throughput"
base_is = "without"
new_is = "with"
case = { size = "4k", sync = ["end", "none"] }
[[posting.change]]
what = "1024 segments"
case = { pattern = "fresh" }
base = "857 KiB/s"
new = "30.8 MiB/s"
"""


FIGURE = """\
[[posting.figure]]
what = "direct"
case = { size = 4096 }
metric = "write_ns"
value = "520 ms"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "own.toml"


def test_a_change_has_what_its_posting_states_for_all(file: Path) -> None:
    file.write_text(HEAD + CHANGE)
    (posting,) = read_reference(file)
    (change,) = posting.changes
    assert (posting.workload, posting.when) == ("folio-write", "2024-05-16")
    assert (change.base_is, change.new_is) == ("without", "with")
    assert change.base == Quantity(value=857, unit="KiB/s")
    assert str(change.new) == "30.8 MiB/s"
    assert change.case == {"size": ("4k",), "sync": ("end", "none"), "pattern": ("fresh",)}


def test_a_figure_without_a_case_is_of_none_whatever_its_posting_states(file: Path) -> None:
    text = FIGURE.replace("case = { size = 4096 }\n", "")
    file.write_text(f"{HEAD}case = {{ size = 4096 }}\n{text}")
    (figure,) = read_reference(file)[0].figures
    assert figure.case is None
    assert not matches_case(figure.case, {"size": 4096})


def test_a_table_of_sizes_is_a_figure_for_each(file: Path) -> None:
    values = 'by_bytes = { "512KiB" = "2.79 ms", "1GiB" = "1.5208 s" }'
    file.write_text(HEAD + FIGURE.replace('value = "520 ms"', values))
    first, second = read_reference(file)[0].figures
    assert (first.size_bytes, str(first.value)) == (512 << 10, "2.79 ms")
    assert (second.size_bytes, str(second.value)) == (1 << 30, "1.5208 s")


def test_a_direction_alone_is_enough(file: Path) -> None:
    sides = 'base = "857 KiB/s"\nnew = "30.8 MiB/s"\n'
    file.write_text(HEAD + CHANGE.replace(sides, 'direction = "slower"\n'))
    (change,) = read_reference(file)[0].changes
    assert (change.direction, change.base, change.ratio) == (Direction.SLOWER, None, None)


@pytest.mark.parametrize(
    ("found", "replacement", "words"),
    [
        ("workload = ", "werkload = ", "werkload: no such key (did you mean 'workload'?); there"),
        ('workload = "folio-write"\n', "", 'workload: is missing; write workload = "…", as'),
        ('title = "t"\n', "", "posting 1 (k): title: is missing"),
        ('title = "t"', "title = 7", "posting 1 (k): title: Expected `str`, got `int`"),
        ('key = "k"\n', "", "posting 1: key: is missing"),
        ("2024-05-16", '"May 2024"', "posting 1 (k): when: Expected `str` matching regex"),
        ('who = "w"', 'who = ""', "posting 1 (k): who: Expected `str` of length >= 1"),
        ("device", "devise", "posting 1 (k): devise: no such key (did you mean 'device'?)"),
        ("what = ", "wat = ", "posting 1 (k), change 1: wat: no such key (did you mean 'what'?)"),
        ('"857 KiB/s"', "857", "change 1: base: 857 is no figure; write it with its unit"),
        ('"857 KiB/s"', '"-1 KiB/s"', "change 1: base: '-1 KiB/s' is no figure"),
        ('"857 KiB/s"', '"0 KiB/s"', "change 1: base: '0 KiB/s' is no figure"),
        ('"857 KiB/s"', f'"{"9" * 400} KiB/s"', "is no figure"),
        ('new = "30.8 MiB/s"\n', "", "one way; write base and new, or ratio alone, or direction"),
        ('new = "30.8 MiB/s"\n', "ratio = 2.0\n", "one way; write base and new, or ratio alone"),
        ('base = "857 KiB/s"\nnew = "30.8 MiB/s"', "ratio = inf", "change 1: ratio: is no number"),
        ('base = "857 KiB/s"\nnew = "30.8 MiB/s"', "ratio = nan", "change 1: ratio: "),
        ('base = "857 KiB/s"\nnew = "30.8 MiB/s"', "ratio = 0", "ratio: Expected `float` > 0"),
        ('base = "857 KiB/s"\nnew = "30.8 MiB/s"', 'direction = "up"', "direction: Invalid enum"),
        ('{ pattern = "fresh" }', '"fresh"', "change 1: case: is no table; write case = {"),
        ('pattern = "fresh"', "pattern = []", "change 1: case.pattern: is no value; write a text"),
        ('pattern = "fresh"', "pattern = 1.5", "change 1: case.pattern: is no value; write a text"),
        ('what = "1024 segments"', 'bytes = "many"', "bytes: 'many' is not a size; write 4k"),
        ("[[posting.change]]", "[posting.change]", "posting 1 (k): change: is no list of tables"),
        ("[[posting]]", "[posting]", "posting: is no list of tables; write [[posting]], once for"),
        (
            "= 2024-05-16",
            "= ",
            ":6: is not TOML: Invalid value (at line 6, column 8); fix that line",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(
    file: Path, found: str, replacement: str, words: str
) -> None:
    text = HEAD + CHANGE
    assert found in text
    file.write_text(text.replace(found, replacement, 1))
    with pytest.raises(UsageError) as caught:
        read_reference(file)
    assert str(caught.value).startswith(f"{file}:")
    assert words in str(caught.value)


def test_a_file_that_is_not_there_or_holds_nothing_is_named(file: Path) -> None:
    with pytest.raises(UsageError, match=r"No such file.*; name a file of published figures"):
        read_reference(file)
    file.write_text('workload = "folio-write"\n')
    with pytest.raises(UsageError, match=r"holds no posting; write \[\[posting\]\]"):
        read_reference(file)
    file.write_bytes(b"\xff")
    with pytest.raises(UsageError, match=r"own\.toml:1: is not UTF-8; save it as UTF-8 text"):
        read_reference(file)


@pytest.mark.parametrize(
    ("found", "replacement", "words"),
    [
        ("size", "sise", r"change 1: case: sise: no such parameter \(did you mean 'size'\?\)"),
        ('"fresh"', '"stale"', "change 1: case: pattern: 'stale' is not one of its values"),
        ('"4k"', '"many"', "change 1: case: size: 'many' is not a size"),
        (
            '"throughput"',
            '"speed"',
            "change 1: metric: 'speed' is not one of folio-write; there are throughput, ",
        ),
        ("30.8 MiB/s", "30.8 ms", "change 1: 30.8 ms: 'ms' cannot be converted to 'B/s'"),
    ],
)
def test_what_a_known_workload_does_not_have_is_named(
    file: Path, found: str, replacement: str, words: str
) -> None:
    file.write_text(HEAD + CHANGE.replace(found, replacement))
    with pytest.raises(UsageError, match=words):
        check(read_reference(file))


def test_a_workload_that_is_not_known_here_is_read_and_left_alone(file: Path) -> None:
    file.write_text((HEAD + CHANGE).replace("folio-write", "of-tomorrow"))
    check(read_reference(file))


def test_what_comes_with_loadstone_is_true_to_the_workloads_that_it_is_of() -> None:
    postings = built_in_postings()
    check(postings)
    of = {posting.workload for posting in postings}
    assert of >= {"model-load", "folio-write", "dm-flush", "dm-verity"}
    keys = [(posting.workload, posting.key) for posting in postings]
    assert len(keys) == len(set(keys))


def test_what_comes_with_loadstone_is_met_by_a_case_that_its_workload_makes() -> None:
    for posting in built_in_postings():
        workload = workloads().get(posting.workload)
        ones: tuple[Figure | Change, ...] = (*posting.figures, *posting.changes)
        for one in ones if workload is not None else ():
            if one.case is not None and workload is not None:
                chosen = {
                    name: parse_value(
                        named(workload.parameters, name),
                        re.sub(r"\*$", "/some/file", str(values[0]).lower()),
                    )
                    for name, values in one.case.items()
                }
                assert matches_case(one.case, workload.complete(chosen)[0]), one.place
