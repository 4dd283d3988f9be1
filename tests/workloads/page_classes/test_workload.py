"""The Cases of page-classes."""

from pathlib import Path

import pytest

from loadstone.errors import UsageError
from loadstone.model import Input, Value
from loadstone.plan.parameters import parse_axes
from loadstone.provision.journal import Journal
from loadstone.targets.local import LocalTarget
from loadstone.workloads import make_cases, workload

PAGES = workload("page-classes")


def test_the_default_cases_are_six_classes_written_to_lz4() -> None:
    cases, _ = make_cases(PAGES, PAGES.default_cases())
    names = ("zero", "half", "text", "pointers", "fp16", "random")
    assert [case.label for case in cases] == [f"{name} lz4" for name in names]
    assert {case.parameters["path"] for case in cases} == {"block"}
    assert {case.parameters["total"] for case in cases} == {8 << 20}


@pytest.mark.parametrize(
    ("chosen", "remarks"),
    [
        ({"thp": True}, ["thp has no meaning for path block: left out there"]),
        ({"other_swap": True}, ["other_swap has no meaning for path block: left out there"]),
        ({"path": "swap", "thp": True, "other_swap": True}, []),
    ],
)
def test_what_has_no_meaning_is_left_out_and_told(
    chosen: dict[str, Value], remarks: list[str]
) -> None:
    (case,), told = make_cases(PAGES, [chosen])
    assert told == remarks
    meant = {key: value for key, value in chosen.items() if not any(key in r[:10] for r in remarks)}
    assert make_cases(PAGES, [meant])[0][0].id == case.id


def test_pages_of_a_file_are_named_by_any_path() -> None:
    axes = parse_axes(PAGES.parameters, ["class=file:/tmp/a b/ü=1\\,2.bin,text"])
    assert axes == {"class": ["file:/tmp/a b/ü=1,2.bin", "text"]}
    (case,), _ = make_cases(PAGES, [{"class": axes["class"][0]}])
    assert case.label == "file:/tmp/a b/ü=1,2.bin lz4"


@pytest.mark.parametrize("path", ["model", "../model", "/tmp/\x1b[2J"])
def test_a_path_that_means_another_file_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(UsageError, match="names no absolute path") as caught:
        make_cases(PAGES, [{"class": f"file:{path}"}])
    assert caught.value.remedy == "write file:/PATH"


@pytest.mark.parametrize("name", ["absent", "."])
def test_a_file_that_is_none_is_refused_before_anything_is_made(place: Path, name: str) -> None:
    cases, _ = make_cases(PAGES, [{"class": f"file:{place / name}"}])
    target = LocalTarget(place / "results")
    with (
        Journal(place / "results") as journal,
        pytest.raises(UsageError, match=r"No such file|no regular file"),
        PAGES.prepare(target, Input(), cases, journal, lambda _: None),
    ):
        pass
    target.close()
    assert not list(place.rglob("journal/*"))
