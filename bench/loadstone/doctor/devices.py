"""What workloads on whole block devices need: device-mapper, loops, trees, images, zram."""

from collections.abc import Iterator

from loadstone.core.explain import describe
from loadstone.doctor.probes import NO_REMEDY, Check, Group, met, unmet
from loadstone.errors import CannotMeasureError
from loadstone.model import Job
from loadstone.programs import find_program, run_program
from loadstone.provision import erofs_image, squashfs_image
from loadstone.provision.f2fs_image import TYPE
from loadstone.provision.file_system import PACKAGES
from loadstone.provision.zram_errors import explain_zram
from loadstone.targets import Target

_LOOP_CONTROL = "/dev/loop-control"
_LAB = "`loadstone lab run dm-flush` boots a kernel that has it"


def devices(target: Target) -> Iterator[Check]:
    """Each thing that workloads of block devices and of file systems of their own take."""
    yield _device_mapper(target)
    yield _loop(target)
    yield _program(target, "veritysetup", "cryptsetup-bin", "dm-verity", "hash trees")
    yield _program(target, erofs_image.PROGRAM, erofs_image.PACKAGE, "erofs-read", "images")
    yield _program(
        target, squashfs_image.PROGRAM, squashfs_image.PACKAGE, "compression", "SquashFS images"
    )
    if target.is_this_machine:
        workload = "zoned-gc, and no f2fs-read but in a --dir on F2FS"
        yield _program(target, "mkfs.f2fs", PACKAGES[TYPE], workload, "file system")
        yield _null_blk()
    yield _zram(target)


def _device_mapper(target: Target) -> Check:
    outcome = target.execute(Job(operation="dm-table", options={"action": "version"}))
    if outcome.error is None and not outcome.crash:
        parts = (outcome.values[f"version_{part}"] for part in ("major", "minor", "patch"))
        return met(Group.DEVICES, "device-mapper", f"interface {'.'.join(map(str, parts))}")
    why = describe(outcome.error) if outcome.error else outcome.crash
    return unmet(
        Group.DEVICES,
        "device-mapper",
        f"no dm-flush, dm-verity, dm-verity-fec, virtual-ab: {why}",
        f"as root: modprobe dm_mod, where the kernel has it as a module; {_LAB}",
    )


def _loop(target: Target) -> Check:
    # The control node itself has no text to read.
    if target.read_text("/sys/class/misc/loop-control/dev") is not None:
        return met(Group.DEVICES, "loop devices", _LOOP_CONTROL)
    return unmet(
        Group.DEVICES,
        "loop devices",
        f"there is no {_LOOP_CONTROL}: no device of our own can be made",
        "as root: modprobe loop; or name a device with --device and --erase",
    )


def _program(target: Target, name: str, package: str, workload: str, makes: str) -> Check:
    """A program of this machine, without which a workload has not what that makes."""
    if not target.is_this_machine:
        return unmet(
            Group.DEVICES,
            name,
            f"it is a program of this machine, and {target.name} is another: no {workload} there",
            f"measure {workload} with --target local, or in `loadstone lab run {workload}`",
        )
    program = find_program(name)
    if program is not None:
        return met(Group.DEVICES, name, str(program))
    return unmet(
        Group.DEVICES,
        name,
        f"no {name} here: no {workload}, as nothing makes its {makes}",
        f"install the Debian package {package}",
    )


def _null_blk() -> Check:
    """None is made, and no module loaded, to find out."""
    try:
        refusal = run_program("modprobe", "kmod", "--dry-run", "null_blk")
    except CannotMeasureError as error:
        return unmet(Group.DEVICES, "null_blk", error.what, error.remedy or NO_REMEDY)
    if refusal is None:
        return met(Group.DEVICES, "null_blk", "a module of this kernel, or a part of it")
    return unmet(
        Group.DEVICES,
        "null_blk",
        f"no zoned-gc, no simulated storage for --device: modprobe null_blk: {refusal}",
        "`loadstone lab run zoned-gc` boots a kernel that has it",
    )


def _zram(target: Target) -> Check:
    """None is made to find out."""
    outcome = target.execute(Job(operation="zram-device", options={"action": "inspect"}))
    if outcome.crash:
        return unmet(
            Group.DEVICES, "zram devices", f"no page-classes: {outcome.crash}", "see dmesg"
        )
    if outcome.error is None:
        return met(Group.DEVICES, "zram devices", f"the next is zram{outcome.values['number']}")
    why = explain_zram(outcome.error)
    return unmet(
        Group.DEVICES, "zram devices", f"no page-classes: {why.what}", why.remedy or NO_REMEDY
    )
