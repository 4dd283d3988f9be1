"""What a loaded kernel module was given when it was loaded, and loading it anew with other values.

Many parameters are read when a module is loaded, and never again. A kernel that lacks one ignores
it, says so in its log alone, and loads the module: so what it has is read back.
"""

import errno
from collections.abc import Mapping
from pathlib import Path

from loadstone.errors import CannotMeasureError
from loadstone.programs import load_module, run_program

RELOADED = ("erofs",)
"""The modules that Loadstone loads anew; nothing takes down another."""

_MODULES = Path("/sys/module")
_USES = {"erofs": "findmnt -t erofs lists what is mounted; unmount it"}


def is_module(name: str) -> bool:
    """Whether it is loaded as a module, rather than built in or absent."""
    return (_MODULES / name / "initstate").exists()


def module_parameters(name: str) -> Mapping[str, str]:
    """Those that can be read, by name; none where it is not there, or is just being unloaded."""
    try:
        files = list((_MODULES / name / "parameters").iterdir())
        return {path.name: path.read_text().strip() for path in files}
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENODEV):
            return {}
        raise


def reload_module(name: str, parameters: Mapping[str, str]) -> None:
    """Unload a module, and load it with these parameters.

    Raises:
        CannotMeasureError: it is in use, or will not load.
    """
    problem = run_program("modprobe", "kmod", "-r", name)
    if problem is not None:
        raise CannotMeasureError(
            f"modprobe -r {name}: {problem}",
            remedy=f"end what uses the module: {_USES[name]}",
        )
    load_module(name, *(f"{key}={value}" for key, value in parameters.items()))
