"""The command that boots a guest, and the script that the guest then runs."""

import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from loadstone.errors import CannotMeasureError
from loadstone.lab.initramfs import InitConfig, write_initramfs
from loadstone.lab.machine import Machine, qemu_options, virtme_options
from loadstone.programs import find_program

# What a guest mounts file systems of its own over; its root is this machine's, read-only.
_OF_THE_KERNEL = ("/run", "/dev", "/proc", "/sys")
_EMPTY = ("/var/log", "/var/tmp", "/var/cache")
_HOME = "/root"

# On 6.1 the self-tests of the crypto API take a fifth of a boot's instructions.
_WITHOUT_SELF_TESTS = "--kopt=cryptomgr.notests"
_NONE: Mapping[str, Path] = {}


def virtme_argv(
    machine: Machine,
    image: Path,
    directory: Path,
    shares: Sequence[Path],
    drives: Sequence[Path] = (),
    more: Sequence[str] = (),
    own: Mapping[str, Path] = _NONE,
) -> list[str]:
    """The command that boots a kernel; the caller adds what to run there.

    Args:
        image: the kernel, staged (see ``kernels.stage``).
        directory: for links, the initramfs, and a wrapper by which QEMU dies with its parent; on
            a path of plain characters.
        shares: paths that the guest would not see otherwise (see ``hidden``).
        drives: host files that the guest gets as virtio-blk disks.
        more: further options of QEMU.
        own: files of modules that the initramfs has instead of the kernel's, by name.

    Raises:
        CannotMeasureError: a program is missing.
    """
    argv = [*_die_with_parent(), _program("virtme-run"), "--kimg", str(image), "--mods", "none"]
    argv += ["--force-9p", "--user", "root", _WITHOUT_SELF_TESTS, *virtme_options(machine)]
    argv += ["--qemu-bin", str(_qemu_wrapper(machine, directory))]
    for number, share in enumerate(shares):
        # By a link: virtme-run refuses a path with, say, Debian's ~ in it.
        link = directory / f"share{number}"
        link.symlink_to(share)
        argv.append(f"--rodir={guest_place(number)}={link}")
    initramfs = directory / "initramfs"
    write_initramfs(initramfs, _modules_of(image), _init_config(), own)
    options = [*qemu_options(machine), "-initrd", str(initramfs), *_drive_options(drives), *more]
    return [*argv, *(f"--qemu-opt={word}" for word in options)]


def script(shares: Sequence[Path], modules: Path | None, body: str) -> str:
    """The shell script of a guest: mounts the shares and the modules, then runs ``body``.

    Args:
        modules: the kernel's, staged, in a directory named after its release; None for none.
    """
    lines = ["set -e", "mkdir -p /run/loadstone/tmp", "export TMPDIR=/run/loadstone/tmp"]
    for number, share in enumerate(shares):
        place = shlex.quote(str(share))
        lines += [f"mkdir -p {place}", f"mount --bind {guest_place(number)} {place}"]
    if modules is not None:
        lines += [
            "mkdir -p /lib/modules",
            "mount -t tmpfs none /lib/modules",
            f"ln -s {shlex.quote(str(modules))} /lib/modules",
        ]
    return "\n".join([*lines, body, "exit", ""])


def hidden(paths: Sequence[Path]) -> list[Path]:
    """Those of the paths that a guest does not see, as it mounts file systems over them."""
    real = sorted({path.resolve() for path in paths})
    places = (*_OF_THE_KERNEL, *_covered_directories())
    covered = [path for path in real if any(path.is_relative_to(place) for place in places)]
    return [path for path in covered if not any(up in covered for up in path.parents)]


def guest_place(number: int) -> str:
    """Where a guest mounts a share, before it binds it to its own path."""
    return f"/run/loadstone/share{number}"


def own_paths() -> list[Path]:
    """The paths of this program: interpreter, packages, its own code and core."""
    core = find_spec("loadstone._native")
    assert core is not None
    assert core.origin is not None
    code = Path(__file__).parents[2]
    return [Path(sys.prefix), Path(sys.base_prefix), code, Path(core.origin).parent]


def _drive_options(drives: Sequence[Path]) -> Iterator[str]:
    """With format=raw: QEMU write-protects the first block of an image that it guesses is raw."""
    for number, drive in enumerate(drives):
        # A comma ends a value unless it is doubled.
        file = str(drive).replace(",", ",,")
        yield from ("-drive", f"if=none,id=loadstone{number},format=raw,file={file}")
        yield from ("-device", f"virtio-blk-pci,drive=loadstone{number},serial=loadstone")


def _covered_directories() -> tuple[str, ...]:
    """The directories that get an empty file system; root's home too if this user is not root."""
    return _EMPTY if os.geteuid() == 0 else (*_EMPTY, _HOME)


def _init_config() -> InitConfig:
    # A container's root may lack /lib/modules, over which a guest mounts its modules.
    writable = None if Path("/lib/modules").is_dir() else "/lib"
    return InitConfig(covered=_covered_directories(), writable=writable)


def _modules_of(image: Path) -> Path:
    """The modules of a staged kernel."""
    release = image.name.removeprefix("vmlinuz-")
    return image.parents[1] / "lib" / "modules" / release


def _die_with_parent() -> list[str]:
    """A prefix for a command: it is killed when its parent ends, also by SIGKILL."""
    return [_program("setpriv"), "--pdeathsig", "KILL", "--"]


def _qemu_wrapper(machine: Machine, directory: Path) -> Path:
    """A script that starts QEMU, which would otherwise outlive a killed virtme-run."""
    wrapper = directory / "qemu"
    qemu = _program(f"qemu-system-{machine.architecture}")
    wrapper.write_text(f'#!/bin/sh\nexec {shlex.join([*_die_with_parent(), qemu])} "$@"\n')
    wrapper.chmod(0o700)
    return wrapper


def _program(name: str) -> str:
    """The path of a program; those of Python packages are in the interpreter's directory."""
    installed = Path(sys.executable).with_name(name)
    found = installed if installed.exists() else find_program(name)
    if found is None:
        raise CannotMeasureError(
            f"no program {name} here",
            remedy="install what `loadstone doctor --target lab` names",
        )
    return str(found)
