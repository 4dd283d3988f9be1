"""Prepares one boot: its command, directory, disk, staged kernel and shares."""

import compileall
import shlex
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from loadstone.lab.command import hidden, own_paths, virtme_argv
from loadstone.lab.directory import disk_image, lab_directory
from loadstone.lab.kernels import Kernel, stage
from loadstone.lab.loading import OWN_ROOT
from loadstone.lab.machine import Machine
from loadstone.lab.own_modules import stage_own
from loadstone.lab.protocol import Assignment
from loadstone.model import Noun
from loadstone.programs import own_python
from loadstone.provision.journal import Journal
from loadstone.provision.simulated.profile import Driver, device_bytes, whole_bytes


class Parts(Noun, frozen=True, kw_only=True):
    """A boot's command, its directory, the staged modules, and the paths shared with the guest.

    ``own`` is the root of the user's own modules, or None without any.
    """

    argv: list[str]
    directory: Path
    modules: Path | None
    shares: list[Path]
    own: Path | None


@contextmanager
def boot_parts(
    kernel: Kernel, assignment: Assignment, machine: Machine, journal: Journal, results: Path
) -> Iterator[Parts]:
    """Everything that a guest needs except its script; removed at the end.

    Raises:
        LoadstoneError: a part cannot be made, or a program is missing.
    """
    with ExitStack() as stack:
        directory = stack.enter_context(lab_directory(journal))
        drives = []
        if assignment.storage.driver is Driver.VIRTIO_BLK:
            size_bytes = max(
                device_bytes(assignment.storage, assignment.memory_bytes),
                *(whole_bytes(assignment.storage, size) for size in assignment.device_bytes),
                0,
            )
            drives.append(stack.enter_context(disk_image(size_bytes, journal, results)))
        image = stage(kernel, directory)
        staged = directory / "lib" / "modules" / kernel.release
        own = stage_own(kernel, staged, directory / "own")
        _compile_bytecode()
        shares = hidden([*own_paths(), *_user_paths(kernel, assignment), directory])
        yield Parts(
            argv=virtme_argv(machine, image, directory, shares, drives, own=own),
            directory=directory,
            modules=staged if kernel.modules is not None else None,
            shares=shares,
            own=directory / "own" if own else None,
        )


def assignment_script(assignment: Assignment, own: Path | None, *options: str) -> str:
    """The lines of a guest's script that run ``loadstone.lab.inside`` on an Assignment.

    Args:
        own: the root of the user's own modules, if there are any.
    """
    link = f"ln -s {shlex.quote(str(own))} {OWN_ROOT}" if own else ""
    command = own_python("loadstone.lab.inside", "/run/loadstone/assignment.json", *options)
    return f"""\
{link}
cat > /run/loadstone/assignment.json <<'LOADSTONE'
{msgspec.json.encode(assignment).decode()}
LOADSTONE
export PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1
exec {shlex.join(command)}"""


def _compile_bytecode() -> None:
    """Compile on the host: a guest takes seconds for it, and its root is read-only.

    A directory that this user may not write to stays as it is.
    """
    compileall.compile_dir(Path(__file__).parents[1], quiet=2)


def _user_paths(kernel: Kernel, assignment: Assignment) -> Iterator[Path]:
    """Paths of the user's choice that the guest needs."""
    if kernel.modules is not None:
        yield kernel.modules
    if assignment.plan is not None and assignment.plan.input.file is not None:
        named = Path(assignment.plan.input.file)
        yield named if named.is_dir() else named.parent
