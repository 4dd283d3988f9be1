"""Options that describe a guest."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from loadstone.cli._options import option

if TYPE_CHECKING:
    from loadstone.lab.kernels import Kernel

GUEST = ("storage", "fs", "mkfs", "mount", "clock", "processor", "append", "memory", "boot_limit_s")
"""The parameters of ``guest_options``, without ``verbose``."""

_Command = TypeVar("_Command", bound=Callable[..., Any])


def guest_options(command: _Command) -> _Command:
    """Storage, file system, clock, memory and time limits of a guest."""
    for add in reversed(
        (
            option(
                "--storage",
                default="ufs40",
                show_default=True,
                metavar="PROFILE",
                help="Simulated device: ufs21, ufs31, ufs40, nvme, zoned, zoned-large, disk, "
                "or FILE.toml[:NAME].",
            ),
            option("--fs", metavar="TYPE", help="File system on it [ext4; f2fs if zoned]."),
            option("--mkfs", default="", metavar="WORDS", help="Further options of its mkfs."),
            option("--mount", default="", metavar="WORDS", help="Its mount options."),
            option(
                "--clock",
                type=click.Choice(["instructions", "wall"]),
                default="instructions",
                show_default=True,
                help="What the guest's time is: its count of instructions, or the host's clock.",
            ),
            option(
                "--processor",
                type=str,
                metavar="MODEL",
                help="QEMU's -cpu when emulating [max,-erms,-fsrm: see docs/lab.md].",
            ),
            option(
                "--append",
                default="",
                metavar="WORDS",
                help="Parameters for the end of the kernel's command line.",
            ),
            option(
                "--memory",
                default="4GiB",
                show_default=True,
                metavar="SIZE",
                help="The guest's memory.",
            ),
            option(
                "--boot-limit",
                "boot_limit_s",
                type=click.FloatRange(min=1),
                default=300.0,
                show_default=True,
                metavar="SECONDS",
                help="How long a boot may take.",
            ),
            click.option("--verbose", is_flag=True, help="Show the guests' consoles."),
        )
    ):
        command = add(command)
    return command


module_option = click.option(
    "--module",
    "modules",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="DIR|FILE.ko",
    help="A module to load first: sources with a Kbuild, built for each kernel, or a file; "
    "repeat it for more.",
)


def find_kernels(
    names: tuple[str, ...], modules: tuple[Path, ...], say: Callable[[str], None]
) -> "list[Kernel]":
    """The kernels that ``--kernel`` names, each with the modules that ``--module`` names.

    Raises:
        UsageError: one does not exist or cannot be booted.
        CannotMeasureError: a module does not build.
    """
    from loadstone.lab.kernels import find_kernel
    from loadstone.lab.own_modules import with_modules

    kernels = [find_kernel(name) for name in names]
    return [with_modules(kernel, modules, say) for kernel in kernels]
