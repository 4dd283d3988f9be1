"""Reads kernel modules: a ``.ko`` as a build or a user made it."""

import hashlib
from pathlib import Path

from loadstone.errors import UsageError, system_words
from loadstone.lab.apt import program_of
from loadstone.model import Noun
from loadstone.programs import run_to_end


class ModuleFile(Noun, frozen=True, kw_only=True):
    """A module: its name and those of the modules that it needs, as the kernel writes them.

    ``suffix`` is ``.ko``, or ``.ko.xz`` and the like where ``content`` is compressed.
    """

    name: str
    needs: tuple[str, ...]
    suffix: str
    content: bytes

    @property
    def sha256(self) -> str:
        """The hash of the file."""
        return hashlib.sha256(self.content).hexdigest()


def read_module(path: Path) -> ModuleFile:
    """Read a module.

    Raises:
        UsageError: the file is none, or cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        words = system_words(error.errno or 0)
        raise UsageError(f"cannot read {path}: {words}", remedy="check the path") from error
    stem, dot, ending = path.name.partition(".ko")
    if not dot or ending not in ("", ".gz", ".xz", ".zst"):
        raise UsageError(f"{path} is no FILE.ko", remedy="name a module, or its Kbuild directory")
    needs = _field(path, "depends").split(",")
    return ModuleFile(
        name=module_name(_field(path, "name") or stem),
        needs=tuple(module_name(name) for name in needs if name),
        suffix=dot + ending,
        content=content,
    )


def module_name(text: str) -> str:
    """The kernel's name of a module: its file's, with underscores."""
    return Path(text).name.partition(".")[0].replace("-", "_")


def _field(path: Path, name: str) -> str:
    done = run_to_end([program_of("modinfo"), "-F", name, str(path)])
    if done.returncode != 0:
        reason = done.stderr.strip().replace("\n", ", ") or f"exit code {done.returncode}"
        raise UsageError(
            f"{path} is no readable module: {reason}", remedy="build it again, or name its sources"
        )
    return done.stdout.strip()
