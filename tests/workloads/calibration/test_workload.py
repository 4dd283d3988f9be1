"""The Cases of calibration."""

from loadstone.workloads import make_cases, workload


def test_size_makes_cases_of_writes_only() -> None:
    chosen = workload("calibration")
    sizes = (4096, 65536)
    for effect, count in (("write", 2), ("memcpy", 1)):
        cases, remarks = make_cases(chosen, [{"effect": effect, "size": size} for size in sizes])
        assert len(cases) == len({case.label for case in cases}) == count
        assert bool(remarks) == (count == 1)
