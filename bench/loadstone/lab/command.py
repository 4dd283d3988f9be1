"""The command that boots a guest, and the script that it then carries out."""

import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from loadstone.errors import CannotMeasureError
from loadstone.lab.initramfs import Boot, write_initramfs
from loadstone.lab.machine import Machine, qemu_options, virtme_options
from loadstone.programs import find_program

# What a guest covers with file systems of its own; the root below is this machine's, read-only.
_OF_THE_KERNEL = ("/run", "/dev", "/proc", "/sys")
_EMPTY = ("/var/log", "/var/tmp", "/var/cache")
_HOME = "/root"

# On 6.1 the self-tests of its ciphers are a fifth of the instructions that a boot takes.
_WITHOUT_SELF_TESTS = "--kopt=cryptomgr.notests"


def virtme_argv(
    machine: Machine,
    image: Path,
    directory: Path,
    shares: Sequence[Path],
    drives: Sequence[Path] = (),
    more: Sequence[str] = (),
) -> list[str]:
    """The command that boots a kernel; what is to run there is the caller's to add.

    Args:
        image: the kernel, staged (see ``kernels.stage``).
        directory: for links, and a small program that starts QEMU so that it dies with its
            parent; on a path of plain characters.
        shares: what the guest would not see without help (see ``hidden``).
        drives: host files that the guest gets as virtio-blk disks.
        more: further words for QEMU.

    Raises:
        CannotMeasureError: a program that it takes is not on this machine.
    """
    argv = [*_tied(), _program("virtme-run"), "--kimg", str(image), "--mods", "none"]
    argv += ["--force-9p", "--user", "root", _WITHOUT_SELF_TESTS, *virtme_options(machine)]
    argv += ["--qemu-bin", str(_tied_qemu(machine, directory))]
    for number, share in enumerate(shares):
        # By a link: virtme-run takes no path with, say, Debian's ~ in it.
        link = directory / f"share{number}"
        link.symlink_to(share)
        argv.append(f"--rodir={guest_place(number)}={link}")
    initramfs = directory / "initramfs"
    write_initramfs(initramfs, _modules_of(image), _boot())
    options = [*qemu_options(machine), "-initrd", str(initramfs), *_drive_options(drives), *more]
    return [*argv, *(f"--qemu-opt={word}" for word in options)]


def script(shares: Sequence[Path], modules: Path | None, body: str) -> str:
    """The shell script of a guest: makes visible what it needs, then ``body``, then the end.

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
    """Those of the paths that a guest does not see: it has mounted something over them."""
    real = sorted({path.resolve() for path in paths})
    places = (*_OF_THE_KERNEL, *_covered())
    covered = [path for path in real if any(path.is_relative_to(place) for place in places)]
    return [path for path in covered if not any(up in covered for up in path.parents)]


def guest_place(number: int) -> str:
    """Where a guest has what is shared with it, before it is put where it belongs."""
    return f"/run/loadstone/share{number}"


def own_paths() -> list[Path]:
    """What this program is made of: interpreter, packages, its own code and core."""
    core = find_spec("loadstone._native")
    assert core is not None
    assert core.origin is not None
    code = Path(__file__).parents[2]
    return [Path(sys.prefix), Path(sys.base_prefix), code, Path(core.origin).parent]


def _drive_options(drives: Sequence[Path]) -> Iterator[str]:
    """Raw, said so: QEMU does not let a guest write the first block of what it guessed raw."""
    for number, drive in enumerate(drives):
        # A comma ends a value unless it is doubled.
        file = str(drive).replace(",", ",,")
        yield from ("-drive", f"if=none,id=loadstone{number},format=raw,file={file}")
        yield from ("-device", f"virtio-blk-pci,drive=loadstone{number},serial=loadstone")


def _covered() -> tuple[str, ...]:
    """Of a user without rights a guest hides root's home."""
    return _EMPTY if os.geteuid() == 0 else (*_EMPTY, _HOME)


def _boot() -> Boot:
    """A container's root may lack the directory over which a guest mounts its modules."""
    return Boot(covered=_covered(), writable=None if Path("/lib/modules").is_dir() else "/lib")


def _modules_of(image: Path) -> Path:
    """Where staging laid the modules of a kernel beside it."""
    release = image.name.removeprefix("vmlinuz-")
    return image.parents[1] / "lib" / "modules" / release


def _tied() -> list[str]:
    """Words before a command that have it killed when its parent is gone, also by SIGKILL."""
    return [_program("setpriv"), "--pdeathsig", "KILL", "--"]


def _tied_qemu(machine: Machine, directory: Path) -> Path:
    """virtme-run starts QEMU as its child, and would leave it behind."""
    starter = directory / "qemu"
    qemu = _program(f"qemu-system-{machine.architecture}")
    starter.write_text(f'#!/bin/sh\nexec {shlex.join([*_tied(), qemu])} "$@"\n')
    starter.chmod(0o700)
    return starter


def _program(name: str) -> str:
    """The path of a program; those of Python packages lie beside the interpreter."""
    beside = Path(sys.executable).with_name(name)
    found = beside if beside.exists() else find_program(name)
    if found is None:
        raise CannotMeasureError(
            f"{name} is not on this machine",
            remedy="`loadstone doctor --target lab` says what to install",
        )
    return str(found)
