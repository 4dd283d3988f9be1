"""Debian's adbd on this machine: in a root, a process tree and a network of its own."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from commands import until
from device.adb_server import AdbServer
from device.android import adbd_words, properties, root_script
from device.cable import Cable
from device.phone import Phone

MakeAdbd = Callable[[int], "Adbd"]

# adbd listens at every address, and at AF_VSOCK, where other machines of a host's could reach it.
# Of the network it gets one of its own; of AF_VSOCK, which has but one for all, it is kept by a
# privileged port number, and by taking the privilege, which its own network does not ask for.
_PORT = 555
_UNPRIVILEGED = ("setpriv", "--bounding-set", "-net_bind_service", "--")

_UNSHARED = ("unshare", "--mount", "--pid", "--net", "--fork", "--kill-child")

# Nodes can be used, but not be put in place of: what a root's adbd writes to, it unlinks before.
_DEV = """\
mount --bind /dev dev
mount -o remount,bind,ro dev
mount --rbind /dev/pts dev/pts
mount --bind "$1" usr
mount -o remount,bind,ro usr
"""

# By the ELF header: class, byte order, an executable or a shared object, the machine. F has the
# interpreter opened now, outside of the root. A user namespace has formats of its own.
_EMULATED = {
    "aarch64": ("qemu-aarch64-static", r"\x02", r"\xb7\x00"),
    "armv7l": ("qemu-arm-static", r"\x01", r"\x28\x00"),
}
_REGISTER = """\
set -e
formats=$1 rule=$2; shift 2
mount -t binfmt_misc none $formats
printf '%s' "$rule" > $formats/register
exec "$@"
"""

# Without its parent's care for SIGCHLD the kernel itself buries the children.
_INIT = """\
chown 2000:2000 data/local/tmp
chroot . /system/bin/ifconfig lo up
echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start
echo ready
exec env --ignore-signal=CHLD sleep infinity
"""


class Adbd(Phone):
    """An adbd that runs as root or as Android's user ``shell``, over a directory of this machine's.

    ``place`` is what it has at ``/data/local/tmp``. The kernel, its devices and its ``/sys`` are
    this machine's.

    Args:
        base: what ``debian_root`` returned.
        uid: 0 or 2000.
    """

    def __init__(self, server: AdbServer, base: Path, place: Path, uid: int) -> None:
        self.place = place
        self._mounted = place.with_name(f"{place.name}-root")
        self._mounted.mkdir()
        self._log = place.with_name(f"{place.name}.log")
        self._emulation: tuple[str, ...] = ()
        self._init = self._make_namespaces(base)
        self._enter = ("nsenter", "--target", str(self._init.pid), "--net", "--mount", "--pid")
        cable = Cable(_PORT, ("nsenter", "--target", str(self._init.pid), "--net"))
        cable.plug_in()
        super().__init__(server, cable, uid)

    @property
    def root(self) -> Path:
        """Its root, as this machine can write there: ``root / "system/etc/properties"``.

        Symbolic links that begin with ``/`` lead out of it.
        """
        return Path(f"/proc/{self._init.pid}/root{self._mounted}")

    @property
    def process(self) -> psutil.Process:
        """adbd itself."""
        (found,) = psutil.Process(self._outside.pid).children()
        return found

    def start(self) -> None:
        """Start adbd."""
        words = [
            *_UNPRIVILEGED,
            *self._emulation,
            *adbd_words(str(self._mounted), _PORT, self.uid),
        ]
        with self._log.open("wb") as stream:
            self._outside = subprocess.Popen(
                [*_tied(), *self._enter, "--", *words],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
            )
        until(lambda: b"adbd started" in self._log.read_bytes(), "adbd to start")

    def kill(self) -> None:
        """End adbd alone, as by SIGKILL; what it had started may live on."""
        self.process.kill()
        self._outside.wait()

    def restart(self) -> None:
        """Another adbd, which adb's server knows."""
        if self._outside.poll() is None:
            self.kill()
        self.start()
        self.connect()

    def processes(self) -> list[psutil.Process]:
        """All that lives there, but for adbd and the one that holds the namespaces."""
        own = {self._init.pid, *(child.pid for child in self._children())}
        space = Path(f"/proc/{self._init.pid}/ns/pid").readlink()
        return [process for process in _of_space(space) if process.pid not in own]

    def emulate(self, architecture: str) -> None:
        """Be a phone of another processor from now on: QEMU carries out that one's programs.

        Args:
            architecture: as ``uname -m`` says it, ``aarch64`` or ``armv7l``. Its user is root.
        """
        qemu, elf_class, machine = _EMULATED[architecture]
        magic = rf"\x7fELF{elf_class}\x01\x01" + r"\x00" * 9 + r"\x02\x00" + machine
        mask = r"\xff" * 7 + r"\x00" + r"\xff" * 8 + r"\xfe" + r"\xff" * 3
        rule = f":{qemu}:M::{magic}:{mask}:{shutil.which(qemu)}:F"
        formats = f"{self._mounted}/proc/sys/fs/binfmt_misc"
        apart = ("unshare", "--user", "--map-root-user", "--mount")
        self._emulation = (*apart, "sh", "-c", _REGISTER, "sh", formats, rule)
        # Of a user namespace root has no rights over what belongs to nobody in it.
        os.chown(self.place, 0, 0)
        self.program("uname", f"#!/system/bin/sh\necho {architecture}\n")
        self.restart()

    def set_properties(self, values: dict[str, str]) -> None:
        """What getprop prints from now on."""
        (self.root / "system/etc/properties").write_text(properties(values))

    def program(self, name: str, text: str) -> None:
        """Put a program in its PATH, or in the place of one."""
        path = self.root / "system/bin" / name
        path.unlink(missing_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def give_su(self) -> None:
        """From now on ``su -c COMMAND`` makes root of anybody."""
        path = self.root / "system/xbin/su"
        shutil.copyfile(self.root / "usr/bin/busybox", path)
        path.chmod(0o4755)
        users = self.root / "system/etc/passwd"
        users.write_text(users.read_text().replace("root:x:", "root::"))

    def own_directory(self, path: str) -> Path:
        """Put an empty directory of the test's in the place of one, as ``/sys/class/thermal``.

        Returns:
            Where this machine can write there.
        """
        place = f"{self._mounted}{path}"
        enter = ("nsenter", "--target", str(self._init.pid), "--mount")
        subprocess.run([*enter, "mount", "-t", "tmpfs", "none", place], check=True)
        return self.root / path.lstrip("/")

    def remove(self) -> None:
        """End all of it."""
        self.forget()
        self._init.kill()
        self._outer.wait()
        self._outside.wait()
        self._mounted.rmdir()

    def _make_namespaces(self, base: Path) -> psutil.Process:
        root = root_script(str(base), str(self._mounted))
        script = f"set -e\n{root}{_DEV}mount --bind {self.place} data/local/tmp\n{_INIT}"
        with self._log.open("ab") as log:
            self._outer = subprocess.Popen(
                [*_tied(), *_UNSHARED, "sh", "-c", script, "sh", base / "usr"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self._outer.stdout is not None
        with self._outer.stdout as stream:
            assert stream.readline() == b"ready\n", self._log.read_text()
        (init,) = psutil.Process(self._outer.pid).children()
        return init

    def _children(self) -> Iterator[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            yield from psutil.Process(self._outside.pid).children()


def _tied() -> list[str]:
    return ["setpriv", "--pdeathsig", "KILL", "--"]


def _of_space(space: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with contextlib.suppress(OSError):
            if Path(f"/proc/{process.pid}/ns/pid").readlink() == space:
                yield process
