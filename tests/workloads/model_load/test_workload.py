"""The Cases of model-load."""

from loadstone.workloads import make_cases, workload


def test_parameters_without_meaning_make_no_cases_of_their_own() -> None:
    choices = [{"engine": "pread", "depth": depth} for depth in (1, 8, 32)]
    cases, remarks = make_cases(workload("model-load"), choices)
    assert len(cases) == 1
    assert remarks == ["depth has no meaning for engine pread: left out there"]


def test_an_id_stays_the_same_from_release_to_release() -> None:
    """Runs are compared by it, so a changed id loses every earlier Run."""
    cases, _ = make_cases(workload("model-load"), [{"engine": "mmap-copy"}, {"engine": "uring"}])
    assert [case.id for case in cases] == ["105f248d", "3fd27f4b"]
