"""The doctor says what a load then meets, and why."""

import errno
from pathlib import Path

import pytest

from doctor.answers import ALL_IS_WELL, FILE_BYTES, FakeTarget, named, of_fake, of_local
from loadstone import api
from loadstone.doctor.probes import Group
from loadstone.errors import CannotMeasureError, ExitCode, UsageError
from loadstone.model import CoreError, Fact, Job, Outcome, Status

LAB_GROUPS = {Group.PROGRAMS, Group.FILE_SYSTEMS, Group.KERNELS, Group.ROOM}


@pytest.mark.native
def test_every_no_has_a_reason_and_a_remedy_and_every_group_is_there(tmp_path: Path) -> None:
    diagnosis = of_local(None, tmp_path / "results")
    assert {check.group for check in diagnosis.checks} == set(Group) - LAB_GROUPS
    for check in diagnosis.checks:
        assert check.is_met == (check.reason is None) == (check.remedy is None), check
        assert check.is_met or (check.reason and check.remedy), check


@pytest.mark.native
def test_groups_stand_together_in_their_order(tmp_path: Path) -> None:
    groups = [check.group for check in of_local(None, tmp_path / "results").checks]
    assert list(dict.fromkeys(groups)) == [group for group in Group if group not in LAB_GROUPS]
    assert groups == sorted(groups, key=list(Group).index)


@pytest.mark.native
def test_nothing_is_left_of_the_file_that_was_made(tmp_path: Path) -> None:
    diagnosis = of_local(None, tmp_path / "results")
    assert diagnosis.is_made
    assert diagnosis.path.startswith(str(tmp_path))
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.native
def test_a_given_file_is_only_read_and_nothing_is_made(model: Path, tmp_path: Path) -> None:
    before = (model.read_bytes(), model.stat().st_mtime_ns, model.stat().st_ino)
    diagnosis = of_local(model, tmp_path / "results")
    assert (diagnosis.path, diagnosis.is_made) == (str(model), False)
    assert (model.read_bytes(), model.stat().st_mtime_ns, model.stat().st_ino) == before
    assert list(tmp_path.iterdir()) == [model]


@pytest.mark.native
@pytest.mark.parametrize("destination", ["anon", "hugetlb", "memfd", "memfd-hugetlb", "udmabuf"])
def test_the_doctor_and_a_run_agree_on_a_destination(
    destination: str, model: Path, tmp_path: Path
) -> None:
    check = named(of_local(model, tmp_path / "results"), destination)
    axes = {"engine": "pread", "io": "buffered", "cache": "as-is", "destination": destination}
    run = api.run(file=model, axes=axes, rounds=1, warmups=0, results=tmp_path / "results")
    (trial,) = run.trials
    assert check.is_met == (trial.status is Status.OK), (check, trial.reason)
    if not check.is_met and "too few" not in (check.reason or ""):
        assert trial.reason is not None
        assert trial.reason.split(":")[0] == (check.reason or "").split(":")[0]
        assert trial.remedy == check.remedy


@pytest.mark.native
@pytest.mark.parametrize(
    ("name", "axes"),
    [
        ("uring", {"engine": "uring", "io": "buffered"}),
        ("O_DIRECT", {"engine": "pread", "io": "direct", "block": "64k"}),
        ("sendfile → memfd", {"engine": "sendfile"}),
        ("copy-range → memfd", {"engine": "copy-range"}),
    ],
)
def test_the_doctor_and_a_run_agree_on_an_engine(
    name: str, axes: dict[str, str], model: Path, tmp_path: Path
) -> None:
    check = named(of_local(model, tmp_path / "results"), name)
    run = api.run(
        file=model,
        axes={**axes, "cache": "as-is"},
        rounds=1,
        warmups=0,
        results=tmp_path / "results",
    )
    assert check.is_met == (run.trials[0].status is Status.OK), (check, run.trials[0].reason)


def test_the_core_that_cannot_run_is_said_so(tmp_path: Path) -> None:
    class Dead(FakeTarget):
        def execute(self, job: Job) -> Outcome:
            del job
            return Outcome(crash="killed by SIGILL")

    class Old(FakeTarget):
        def execute(self, job: Job) -> Outcome:
            error = CoreError(code=errno.ENOSYS, step="operation", path=job.operation)
            return Outcome(error=error)

    for target, words in ((Dead(), "SIGILL"), (Old(), "operation probe")):
        with pytest.raises(CannotMeasureError, match=words) as caught:
            of_fake(target, tmp_path)
        assert caught.value.exit_code == ExitCode.NOT_MEASURED


def test_a_file_that_the_core_cannot_open_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Permission denied"):
        of_fake(FakeTarget({**ALL_IS_WELL, "open": -errno.EACCES}), tmp_path)


@pytest.mark.parametrize(("free", "is_met"), [(513, True), (12, False)])
def test_huge_pages_must_be_enough_for_the_file(free: int, is_met: bool, tmp_path: Path) -> None:
    facts: dict[str, Fact] = {
        "memory.hugetlb_free_pages": free,
        "memory.huge_page_bytes": 2 << 20,
    }
    target = FakeTarget(facts=facts, size_bytes=1 << 30)
    check = named(of_fake(target, tmp_path), "hugetlb")
    assert check.is_met == is_met
    if not is_met:
        assert "12 huge pages of 2MiB are too few" in (check.reason or "")
        assert "vm.nr_hugepages=513" in (check.remedy or "")


def test_huge_pages_that_can_be_had_on_demand_count(tmp_path: Path) -> None:
    texts = {"/proc/sys/vm/nr_overcommit_hugepages": "600\n"}
    target = FakeTarget(texts=texts, size_bytes=1 << 30)
    assert named(of_fake(target, tmp_path), "hugetlb").is_met


def test_thp_that_is_turned_off_is_no_destination(tmp_path: Path) -> None:
    check = named(of_fake(FakeTarget(facts={"memory.thp": "never"}), tmp_path), "thp")
    assert not check.is_met
    assert "madvise" in (check.remedy or "")
    assert named(of_fake(FakeTarget(facts={"memory.thp": "madvise"}), tmp_path), "thp").is_met


def test_a_file_larger_than_the_memory_is_told(tmp_path: Path) -> None:
    facts: dict[str, Fact] = {"memory.available_bytes": FILE_BYTES - 1}
    assert not named(of_fake(FakeTarget(facts=facts), tmp_path), "memory").is_met
    facts["memory.available_bytes"] = FILE_BYTES + 1
    assert named(of_fake(FakeTarget(facts=facts), tmp_path), "memory").is_met
    facts["memory.cgroup_limit_bytes"] = None
    check = named(of_fake(FakeTarget(facts=facts), tmp_path), "memory")
    assert "whether its control group has a limit cannot be seen" in check.detail
