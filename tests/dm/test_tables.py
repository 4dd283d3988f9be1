"""Tables that the core makes by ioctl, held against what dmsetup says of them."""

import errno
from pathlib import Path

import pytest

from commands import MIB
from dm.dm_devices import dmsetup
from loadstone.errors import CannotMeasureError
from loadstone.model import Job, Value
from loadstone.provision.device_mapper import mapped_device, reload
from loadstone.provision.journal import Journal
from loadstone.targets.local import LocalTarget
from loadstone.workloads import workload
from loadstone.workloads.dm_flush.table import flush_table


def _table(loop: str, **chosen: Value) -> str:
    small: dict[str, Value] = {"segments": 16, "segment": MIB, "stride": 2 * MIB}
    parameters, _ = workload("dm-flush").complete({**small, **chosen})
    number = Path(f"/sys/class/block/{Path(loop).name}/dev").read_text().strip()
    return flush_table(parameters, [number])


@pytest.mark.parametrize("kind", ["linear", "stripe", "linear+delay"])
def test_dmsetup_shows_the_table_that_was_asked_for(
    target: LocalTarget, place: Path, loop: str, kind: str
) -> None:
    table = _table(loop, table=kind)
    with Journal(place / "results") as journal:
        with mapped_device(target, journal, table, what="test") as device:
            assert device.name.startswith("loadstone-test-")
            shown = dmsetup("table", device.name).splitlines()
            assert [line.split() for line in shown] == [line.split() for line in table.split("\n")]
            sectors = int(Path(f"/sys/dev/block/{device.number}/size").read_text())
            assert sectors == sum(int(line.split()[1]) for line in table.split("\n"))
            assert Path(device.path).is_block_device()
            reload(target, device)
            assert dmsetup("table", device.name).splitlines() == shown
        assert device.name not in dmsetup("ls")


def test_the_types_of_a_tables_targets_are_counted(
    target: LocalTarget, place: Path, loop: str
) -> None:
    table = f"0 8 linear {loop} 0\n8 8 error\n16 8 zero\n24 8 error"
    with (
        Journal(place / "results") as journal,
        mapped_device(target, journal, table, what="x") as device,
    ):
        told = target.execute(Job(operation="dm-targets", options={"name": device.name}))
    assert told.values == {"target_linear": 1, "target_error": 2, "target_zero": 1}


def test_anybodys_device_is_looked_at_and_nothing_is_done_to_it(target: LocalTarget) -> None:
    dmsetup("create", "somebody-elses", "--table", "0 8 error")
    try:
        told = target.execute(Job(operation="dm-targets", options={"name": "somebody-elses"}))
        assert told.error is None
        assert told.values == {"target_error": 1}
        assert dmsetup("table", "somebody-elses").split() == ["0", "8", "error"]
    finally:
        dmsetup("remove", "somebody-elses")
    error = target.execute(Job(operation="dm-targets", options={"name": "nobodys"})).error
    assert error is not None
    assert (error.step, error.code) == ("DM_TABLE_STATUS", errno.ENXIO)


def test_a_name_that_is_taken_is_told_and_left_alone(
    target: LocalTarget, place: Path, loop: str
) -> None:
    table = _table(loop)
    with (
        Journal(place / "results") as journal,
        mapped_device(target, journal, table, what="x") as one,
    ):
        options = {"action": "create", "name": one.name, "table": table}
        error = target.execute(Job(operation="dm-table", options=options)).error
        assert error is not None
        assert (error.step, error.code, error.path) == ("DM_DEV_CREATE", errno.EBUSY, one.name)
        assert one.name in dmsetup("ls")


def test_a_name_that_is_not_ours_is_never_touched(target: LocalTarget, loop: str) -> None:
    name = "somebody-elses"
    dmsetup("create", name, "--table", f"0 2048 linear {loop} 0")
    try:
        for action in ("create", "reload", "remove", "status"):
            options = {"action": action, "name": name, "table": f"0 8 linear {loop} 0"}
            error = target.execute(Job(operation="dm-table", options=options)).error
            assert error is not None
            assert error.code == errno.EPERM
        assert dmsetup("table", name).split()[:2] == ["0", "2048"]
    finally:
        dmsetup("remove", name)


@pytest.mark.parametrize(
    ("table", "step"),
    [
        ("", "table"),
        ("0 8", "table"),
        ("nonsense", "table"),
        ("0 8 no-such-target x", "DM_TABLE_LOAD"),
        ("0 8 linear /dev/none 0", "DM_TABLE_LOAD"),
        ("8 8 linear LOOP 0", "DM_TABLE_LOAD"),
    ],
)
def test_a_table_that_the_kernel_refuses_leaves_no_device(
    target: LocalTarget, loop: str, table: str, step: str
) -> None:
    options = {"action": "create", "name": "loadstone-t", "table": table.replace("LOOP", loop)}
    error = target.execute(Job(operation="dm-table", options=options)).error
    assert error is not None
    assert error.step == step
    assert "loadstone-t" not in dmsetup("ls")


def test_a_target_that_the_kernel_lacks_is_named(target: LocalTarget, place: Path) -> None:
    with (
        Journal(place / "results") as journal,
        pytest.raises(CannotMeasureError, match=r"DM_TABLE_LOAD .*the kernel needs .* no-such"),
        mapped_device(target, journal, "0 8 no-such-target x", what="x"),
    ):
        pytest.fail("there is no such target")
