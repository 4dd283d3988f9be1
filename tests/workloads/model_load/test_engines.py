"""What each engine of model-load can write into."""

import pytest

from loadstone.workloads import workload
from loadstone.workloads.model_load.engines import DESTINATIONS, ENGINES, WITHOUT_MEANING, mismatch

LOAD = workload("model-load")


def test_every_destination_is_one_of_some_engine() -> None:
    filled = {kind for engine in ENGINES.values() for kind in engine.destinations}
    assert filled == {kind.partition(":")[0] for kind in DESTINATIONS}


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_fills_what_it_says_and_nothing_else(name: str) -> None:
    for destination in DESTINATIONS:
        kind = destination.partition(":")[0]
        parameters, _ = LOAD.complete({"engine": name, "destination": destination})
        finding = mismatch(parameters)
        assert (finding is None) == (kind in ENGINES[name].destinations)
        if finding:
            default = ENGINES[name].default_destination
            assert (finding.remedy or "").startswith(f"--set destination={default};")


@pytest.mark.parametrize("name", ENGINES)
def test_its_defaults_go_together(name: str) -> None:
    parameters, remarks = LOAD.complete({"engine": name})
    assert mismatch(parameters) is None
    assert remarks == []


def test_only_what_maps_the_file_has_no_direct_way() -> None:
    skipped = {
        name for name in ENGINES if mismatch(LOAD.complete({"engine": name, "io": "direct"})[0])
    }
    assert skipped == {"mmap", "mmap-copy"}


@pytest.mark.parametrize(
    ("chosen", "is_tried"),
    [
        ({"export": "after"}, True),
        ({"export": "before"}, True),
        ({"export": "beside"}, False),
        ({"export": "beside", "overlap": 1 << 20}, True),
        ({"overlap": 1 << 20}, True),
    ],
)
def test_what_harms_a_kernel_is_tried_on_none(chosen: dict[str, int | str], is_tried: bool) -> None:
    for destination in ("udmabuf", "udmabuf-thp", "udmabuf-hugetlb"):
        parameters, _ = LOAD.complete({"destination": destination, **chosen})
        finding = mismatch(parameters)
        assert (finding is None) == (is_tried or destination != "udmabuf-hugetlb")


def test_only_pread_and_uring_can_say_dontcache() -> None:
    taken = {
        name
        for name in ENGINES
        if not mismatch(LOAD.complete({"engine": name, "io": "dontcache"})[0])
    }
    assert taken == {"pread", "uring"}


def test_what_an_engine_uses_are_parameters() -> None:
    assert set(WITHOUT_MEANING) <= {one.name for one in LOAD.parameters}
    for engine in ENGINES.values():
        assert engine.uses <= set(WITHOUT_MEANING)
