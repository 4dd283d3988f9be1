"""How what was set up is taken down; what is not ours is refused, what is gone is done.

Those that use their ``execute`` work on any Target, by the core's operations, which refuse once
more whatever is not named ``loadstone-…``. The others act on this machine.
"""

import contextlib
import errno
import posixpath
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import msgspec

from loadstone.core.explain import describe
from loadstone.core.remote_files import Execute, read_text, stat_file
from loadstone.durable import UNDECODABLE
from loadstone.environment.mounts import parse_mountinfo
from loadstone.errors import (
    CannotMeasureError,
    InterruptedRunError,
    LoadstoneError,
    RunError,
    TargetError,
    as_root,
    system_words,
)
from loadstone.model import CoreError, Job, Noun
from loadstone.programs import run_program
from loadstone.provision.module_parameters import RELOADED, module_parameters, reload_module
from loadstone.targets.shell import LIMIT_S, RunShell
from loadstone.text import printable

CONTROL_GROUP = "control-group"
"""The kind of those that are made for a Run."""

SUSPENSION = "dm-suspension"
"""The kind of a device-mapper device's suspension."""

ZRAM, ZRAM_SWAP = "zram", "swap"
"""The kinds of a zram device, and of swap on one."""

MODULE = "module"
"""The kind of a kernel module that is loaded with other parameters."""

BOOT_ID = "/proc/sys/kernel/random/boot_id"
"""Differs from boot to boot; with a boot all its zram devices are gone."""

IMMUTABLE = "immutable"
"""The kind of a file of ours that has the immutable attribute."""

COMMAND = "command"
"""The kind of the command that is run at the end of what other commands of the user's changed."""

CONFIGFS = Path("/sys/kernel/config")

_PREFIX = "loadstone-"
# Without device-mapper there is no device of it either.
_NAME = "device-mapper name"
_OPEN_CONTROL = "open device-mapper control"
_ABSENT = {errno.ENOENT, errno.ENODEV, errno.ENXIO}
_GONE = {errno.ENOENT, errno.ENOTDIR}
_REFUSED = {errno.EACCES, errno.EPERM}
_ZRAM = re.compile(r"zram(?P<number>\d{1,7}) (?P<bytes>\d{1,20}) (?P<boot>[0-9a-f-]{36})")
_MODULE_STATE = re.compile(r"(?P<boot>[0-9a-f-]{36})(?P<parameters>( \w+=[\w.-]*)*)")
_TUNABLES = re.compile(
    r"/sys/devices/.+/(bdi|cpufreq|cpuidle|devfreq|queue)/.+|/sys/kernel/mm/.+"
    r"|/sys/fs/(btrfs|erofs|ext4|f2fs|xfs)/.+|/sys/module/dm_\w+/parameters/\w+|/proc/sys/vm/\w+"
)


def remove_file(execute: Execute, path: str, _: str = "") -> None:
    """Remove a regular file named ``loadstone-…``.

    Raises:
        RunError: it is none, or the system refuses.
    """
    _require_ours(path, "file")
    error = _execute(execute, Job(operation="remove-file", options={"file": path}))
    if error is None:
        return
    if error.step == "file name":
        raise RunError("it is not a regular file")
    raise _refusal(error.code)


def make_mutable(execute: Execute, path: str, _: str = "") -> None:
    """Take the immutable attribute (chattr +i) from a file named ``loadstone-…``.

    Raises:
        RunError: it is none, or the system refuses.
    """
    _require_ours(path, "file")
    options = {"file": path, "immutable": "off"}
    error = _execute(execute, Job(operation="file-immutable", options=options))
    # By then the attribute is gone.
    if error is None or error.code in _GONE or error.step in ("syncfs", "drop_caches", "read"):
        return
    if error.step == "file name":
        raise RunError("it is not a regular file")
    by_hand = f"chattr -i {shlex.quote(path)}"
    remedy = f"{as_root()}: {by_hand}" if error.code in _REFUSED else by_hand
    raise RunError(describe(error), remedy=remedy)


def restore_tunable(execute: Execute, path: str, value: str) -> None:
    """Write its old value to a file of sysfs or procfs that Loadstone may have changed.

    Raises:
        RunError: it is no such file, or the system refuses.
    """
    if "\0" in path or not value.isprintable() or not value:
        raise RunError("its name or old value is no plain text")
    found = stat_file(execute, path)
    is_gone = isinstance(found, CoreError) and found.code in _GONE
    if isinstance(found, CoreError) and not is_gone:
        raise _refusal(found.code)
    real = posixpath.normpath(path) if isinstance(found, CoreError) else found.real_path
    if not _TUNABLES.fullmatch(real):
        raise RunError("it is no tunable that Loadstone changes")
    if is_gone:
        return
    options = {"file": real, "text": value}
    error = _execute(execute, Job(operation="write-text", options=options))
    if error is not None and error.code not in _GONE:
        raise _refusal(error.code)


def detach_loop(execute: Execute, image: str, _: str = "") -> None:
    """Free every loop device whose backing file is ``image``, a file named ``loadstone-…``.

    Raises:
        RunError: that is no name of ours, a device stays in use, or the system refuses.
    """
    _require_ours(image, "thing")
    options = {"action": "detach", "image": image}
    error = _execute(execute, Job(operation="loop-device", options=options))
    if error is None:
        return
    if error.code == errno.EBUSY:
        raise RunError(f"{error.path} is still in use", remedy="end or unmount what uses it")
    raise RunError(describe(error), remedy=as_root() if error.code in _REFUSED else None)


def remove_mapped(execute: Execute, name: str, _: str = "") -> None:
    """Remove a device-mapper device named ``loadstone-…``.

    Raises:
        RunError: that is no name of ours, or the kernel refuses.
    """
    error = _change_mapped(execute, "remove", name)
    if error is not None:
        remedy = as_root() if error.code in _REFUSED else "end or unmount what uses it"
        raise RunError(describe(error), remedy=remedy)


def resume_mapped(execute: Execute, name: str, _: str = "") -> None:
    """Resume a device-mapper device named ``loadstone-…``, if it is suspended.

    Raises:
        RunError: that is no name of ours, or the kernel refuses.
    """
    error = _change_mapped(execute, "resume", name)
    if error is not None and error.code not in _ABSENT:
        raise RunError(describe(error), remedy=as_root() if error.code in _REFUSED else None)


def _change_mapped(execute: Execute, action: str, name: str) -> CoreError | None:
    if "\0" in name:
        raise RunError(f"it is no device named {_PREFIX}…")
    options = {"action": action, "name": name}
    error = _execute(execute, Job(operation="dm-table", options=options))
    if error is not None and error.step == _OPEN_CONTROL and error.code in _ABSENT:
        return None
    # The core refuses any other name, so that no table of anybody else's is ever at risk.
    if error is not None and error.step == _NAME:
        raise RunError(f"it is no device named {_PREFIX}…")
    return error


def remove_control_group(execute: Execute, directory: str, _: str = "") -> None:
    """Remove a control group named ``loadstone-…`` that no process is in any more.

    Raises:
        RunError: that is no name of ours, no control group, or the kernel refuses.
    """
    _require_ours(directory, "control group")
    options = {"action": "remove", "directory": directory}
    error = _execute(execute, Job(operation="control-group", options=options))
    if error is None:
        return
    if error.code == errno.EBUSY:
        raise RunError(
            "processes are still in it", remedy=f"end those that {directory}/cgroup.procs lists"
        )
    raise RunError(describe(error), remedy=as_root() if error.code in _REFUSED else None)


def remove_zram(execute: Execute, name: str, detail: str) -> None:
    """Remove a zram device of ours, no longer swapped on first.

    Args:
        name: ``zram`` and its number.
        detail: its size in bytes, by which it is known, and the boot that it is of.

    Raises:
        RunError: no such name or detail is of ours, the device has another size, or the kernel
            refuses.
    """
    _end_zram(execute, "zram-device", "remove", name, detail)


def end_zram_swap(execute: Execute, name: str, detail: str) -> None:
    """Have the kernel swap on a zram device of ours no longer; as ``remove_zram``.

    Raises:
        RunError: as ``remove_zram``, or less memory is available than is swapped out.
    """
    _end_zram(execute, "zram-swap", "off", name, detail)


def _end_zram(execute: Execute, operation: str, action: str, name: str, detail: str) -> None:
    found = _ZRAM.fullmatch(f"{name} {detail}")
    if not found:
        raise RunError("it is no number, size and boot of a zram device")
    if _boot(execute) != found["boot"]:
        return
    options = {"action": action, "number": found["number"], "bytes": found["bytes"]}
    error = _execute(execute, Job(operation=operation, options=options))
    if error is not None:
        raise _zram_refusal(error, name)


def _boot(execute: Execute) -> str:
    boot = read_text(execute, BOOT_ID)
    if isinstance(boot, CoreError):
        raise _refusal(boot.code)
    return boot.strip()


def _zram_refusal(error: CoreError, name: str) -> RunError:
    if error.step == "owner of zram":
        return RunError(
            f"it is not ours, as it has another size: {error.path}", remedy="ours is gone"
        )
    if error.code == errno.EBUSY:
        return RunError(f"{name} is still in use", remedy="end or unmount what uses it")
    if error.code == errno.ENOMEM:
        return RunError(
            f"what is swapped out does not fit into memory: {describe(error)}",
            remedy="end processes that take much memory",
        )
    return RunError(describe(error), remedy=as_root() if error.code in _REFUSED else None)


def unmount(_: Execute, point: str, __: str = "") -> None:
    """Unmount what lies on a directory named ``loadstone-…``, and remove that directory.

    Raises:
        RunError: that is no name of ours, or what is mounted there is in use.
        OSError: the directory cannot be removed.
    """
    _require_ours(point, "thing")
    if Path(point).is_symlink():
        raise RunError("it is a link")
    while is_mounted(Path(point)):
        refusal = run_program("umount", "mount", point)
        if refusal is not None:
            raise RunError(f"umount {point}: {refusal}", remedy="end what still uses it")
    try:
        Path(point).rmdir()
    except (FileNotFoundError, NotADirectoryError):
        return


def restore_module(execute: Execute, name: str, detail: str) -> None:
    """Load a kernel module as it was loaded; it stays where it has not been changed.

    Args:
        detail: the boot that it was loaded in, and its parameters, each ``key=value``.

    Raises:
        RunError: Loadstone loads no such module anew, or it is in use.
    """
    found = _MODULE_STATE.fullmatch(detail)
    if name not in RELOADED or not found:
        raise RunError("it is no module that Loadstone loads anew, or no boot and parameters")
    if _boot(execute) != found["boot"]:
        return
    was = dict(word.split("=") for word in found["parameters"].split())
    if module_parameters(name) == was:
        return
    try:
        reload_module(name, was)
    except CannotMeasureError as error:
        raise RunError(error.what, remedy=error.remedy) from error


def remove_null_blk(_: Execute, name: str, __: str = "") -> None:
    """Take down a null_blk by its directory in configfs, named ``loadstone…``.

    Raises:
        RunError: that is no name of ours.
        OSError: the system refused.
    """
    if not re.fullmatch(r"loadstone[\w-]*", name):
        raise RunError("it is no null_blk of ours")
    directory = CONFIGFS / "nullb" / name
    with contextlib.suppress(FileNotFoundError):
        (directory / "power").write_text("0")
        directory.rmdir()


def remove_directory(_: Execute, name: str, __: str = "") -> None:
    """Remove a directory named ``loadstone-…`` with all that is in it.

    Raises:
        RunError: that is no name of ours, or no plain directory.
        OSError: the system refused.
    """
    _require_ours(name, "directory")
    path = Path(name)
    if path.is_symlink() or (path.exists() and not path.is_dir()) or path.is_mount():
        raise RunError("it is not a plain directory")
    with contextlib.suppress(FileNotFoundError):
        # Links in it are removed, never followed.
        shutil.rmtree(path)


class RecordedCommand(Noun, frozen=True, kw_only=True):
    """A shell command, and the directory that it starts in where that is on this machine."""

    command: str
    directory: str

    @staticmethod
    def of(detail: str) -> "RecordedCommand":
        """What the detail of a Record of the kind ``COMMAND`` says.

        Raises:
            RunError: it says no such thing.
        """
        try:
            return msgspec.json.decode(detail, type=RecordedCommand)
        except UNDECODABLE as error:
            raise RunError("its detail is no command") from error


def run_last_command(run_shell: RunShell, detail: str) -> None:
    """Run the command of a Record.

    Raises:
        RunError: it failed, was killed, or took too long.
    """
    recorded = RecordedCommand.of(detail)
    try:
        end = run_shell(recorded.command, recorded.directory, LIMIT_S)
    except InterruptedRunError:
        # That was for the Run, and comes once.
        end = run_shell(recorded.command, recorded.directory, LIMIT_S)
    problem = end.problem
    if problem is not None:
        raise RunError(
            f"`{printable(recorded.command)}`: {problem}",
            remedy="run it by hand; it has to succeed",
        )


def is_mounted(point: Path) -> bool:
    """Whether something is mounted right there; also where it would not answer any more."""
    real = _real_path(point)
    mounts = parse_mountinfo(Path("/proc/self/mountinfo").read_text(errors="surrogateescape"))
    return any(mount.point == real for mount in mounts)


def _require_ours(name: str, kind: str) -> None:
    path = PurePosixPath(name)
    if not path.is_absolute() or not path.name.startswith(_PREFIX) or "\0" in name:
        raise RunError(f"it is no absolute path of a {kind} named {_PREFIX}…")


def _execute(execute: Execute, job: Job) -> CoreError | None:
    outcome = execute(job)
    if outcome.target_lost:
        # What to do is said by who knows the Target.
        raise TargetError(outcome.crash or "it is gone")
    if outcome.crash:
        remedy = "see dmesg for why its process died"
        raise LoadstoneError(f"{job.operation}: {outcome.crash}", remedy=remedy)
    return outcome.error


def _refusal(code: int) -> RunError:
    return RunError(system_words(code), remedy=as_root() if code in _REFUSED else None)


def _real_path(path: Path) -> str:
    """As the kernel tells of it: the way there without links, the last step as it is."""
    return str(path.parent.resolve() / path.name)


class Remover(Noun, frozen=True, kw_only=True):
    """How things of one kind are taken down.

    ``remove`` is given what executes Jobs where the thing is, and its Record's name and detail;
    ``run``, of what takes a shell instead, is given that and the detail. It makes sure that the
    name is one of ours, takes what is already gone for taken down, and raises LoadstoneError or
    OSError; a remedy is what there is to do besides seeing to it by hand, None where nothing is
    known. ``is_local`` says that it works on this machine alone, and ``is_on_disk`` that another
    machine which shares the disk can do it, too.
    """

    remove: Callable[[Execute, str, str], None] | None = None
    run: Callable[[RunShell, str], None] | None = None
    is_local: bool = False
    is_on_disk: bool = False


REMOVERS: dict[str, Remover] = {
    "file": Remover(remove=remove_file, is_on_disk=True),
    IMMUTABLE: Remover(remove=make_mutable, is_on_disk=True),
    "tunable": Remover(remove=restore_tunable),
    "loop": Remover(remove=detach_loop),
    "dm-table": Remover(remove=remove_mapped),
    SUSPENSION: Remover(remove=resume_mapped),
    CONTROL_GROUP: Remover(remove=remove_control_group),
    ZRAM: Remover(remove=remove_zram),
    ZRAM_SWAP: Remover(remove=end_zram_swap),
    "directory": Remover(remove=remove_directory, is_local=True, is_on_disk=True),
    "mount": Remover(remove=unmount, is_local=True),
    MODULE: Remover(remove=restore_module, is_local=True),
    "null_blk": Remover(remove=remove_null_blk, is_local=True),
    COMMAND: Remover(run=run_last_command),
}
"""By the kind of a Record. Kinds stay: a journal of an earlier version has them.

``tunable``: the name is a file of sysfs or procfs, the detail its old value as it is written.
``loop``: the name is the image, as no device is known before there is one. ``mount``: the name is
the mount point, which goes as well. ``dm-table`` and ``dm-suspension``: the name of the
device-mapper device.
``null_blk``: that of its directory in configfs. ``control-group``: the name is its directory.
``immutable``: the name is the file, whose own Record comes before.
``zram`` and ``swap`` on one: the name is ``zram`` and its number, the detail its size in bytes and
the id of the boot. ``module``: the name is the module, the detail the id of the boot and its
parameters. ``command``: the name is that of a knob, the detail a ``RecordedCommand`` in JSON.
"""
