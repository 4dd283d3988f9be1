"""What workloads on whole block devices need: device-mapper, loops, trees, images, zram."""

from collections.abc import Iterator

from loadstone.core.explain import describe
from loadstone.doctor.probes import NO_REMEDY, Check, Group, met, unmet
from loadstone.model import Job
from loadstone.programs import find_program
from loadstone.provision import erofs_image
from loadstone.provision.zram_errors import explain_zram
from loadstone.targets import Target

_LOOP_CONTROL = "/dev/loop-control"
_LAB = "`loadstone lab run dm-flush` boots a kernel that has it"


def devices(target: Target) -> Iterator[Check]:
    """Each thing that dm-flush, dm-verity, folio-write's own file systems, page-classes or
    erofs-read take."""
    yield _device_mapper(target)
    yield _loop(target)
    yield _program(target, "veritysetup", "cryptsetup-bin", "dm-verity", "hash trees")
    yield _program(target, erofs_image.PROGRAM, erofs_image.PACKAGE, "erofs-read", "images")
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
        f"no dm-flush, no dm-verity: {why}",
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
