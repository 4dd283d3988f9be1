"""The Cases of model-load."""

from loadstone.model import Value
from loadstone.workloads import make_cases, workload
from loadstone.workloads.model_load.engines import mismatch


def test_parameters_without_meaning_make_no_cases_of_their_own() -> None:
    choices = [{"engine": "pread", "depth": depth} for depth in (1, 8, 32)]
    cases, remarks = make_cases(workload("model-load"), choices)
    assert len(cases) == 1
    assert remarks == ["depth has no meaning for engine pread: left out there"]


def test_an_id_stays_the_same_from_release_to_release() -> None:
    """Runs are compared by it, so a changed id loses every earlier Run."""
    cases, _ = make_cases(workload("model-load"), [{"engine": "mmap-copy"}, {"engine": "uring"}])
    assert [case.id for case in cases] == ["105f248d", "3fd27f4b"]


def test_an_overlapped_load_into_udmabufs_stays_the_case_that_exports_beside_the_reads() -> None:
    """What a Run of before there was ``export`` did: its id and its label pair with today's."""
    choice: dict[str, Value] = {"destination": "udmabuf", "buffers": 32, "overlap": 32 << 20}
    late = choice | {"export": "after"}
    (default, after), _ = make_cases(workload("model-load"), [choice, late])
    assert default.parameters["export"] == "beside"
    assert default.id == "ee80aeed"
    assert default.label == "uring direct → udmabuf 1MiB×8 32 buffers overlap 32MiB"
    assert after.label == f"{default.label} export after"


def test_only_a_udmabuf_has_a_time_to_be_exported_at() -> None:
    cases, remarks = make_cases(
        workload("model-load"),
        [{"destination": "memfd", "export": export} for export in ("after", "beside", "before")],
    )
    assert len(cases) == 1
    assert remarks == ["export has no meaning for destination memfd: left out there"]


def test_into_a_buffer_that_is_used_again_nothing_is_loaded_that_could_be_verified() -> None:
    choice: dict[str, Value] = {"destination": "reused", "overlap": 8 << 20, "verify": "full"}
    (case,), remarks = make_cases(workload("model-load"), [choice])
    assert case.label == "uring direct → reused 1MiB×8 verify off"
    assert remarks == [
        "overlap has no meaning for destination reused: left out there",
        "verify has no meaning for destination reused: left out there",
    ]
    other, _ = make_cases(workload("model-load"), [{"engine": "mmap-copy"} | choice])
    assert mismatch(case.parameters) is None
    finding = mismatch(other[0].parameters)
    assert finding is not None
    assert finding.reason == "engine mmap-copy cannot fill destination reused"
