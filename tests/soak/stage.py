"""Where Jobs are broken: their files and devices, the same before each, and what is left after."""

import shutil
from pathlib import Path

from leftovers import leftovers
from loadstone.core import native
from loadstone.model import Job
from native import sample_jobs
from soak.broken_jobs import IMAGE

_IMAGE_BYTES = 1 << 20
_COMPARED_BYTES = 4 << 20

Files = dict[str, tuple[int, bytes]]


class Stage:
    """A directory of the sample Jobs' files, to be reset after each of them."""

    def __init__(self, place: Path) -> None:
        self.place = place
        sample_jobs.prepare(place)
        (place / IMAGE).write_bytes(bytes(_IMAGE_BYTES))
        self._files = self.files()

    @property
    def names(self) -> set[str]:
        """Of the files that were there in the beginning."""
        return set(self._files)

    def files(self) -> Files:
        """How large each file is, and what it begins with: one of the Jobs makes one of 5 GiB.

        That a loop device is over one counts as a file, and so does a directory with all in it.
        """
        found = {f"loop over {Path(image).name}": (0, b"") for image in leftovers(self.place).loops}
        for path in self.place.iterdir():
            found[path.name] = _directory(path) if path.is_dir() else _file(path)
        return found

    def changed(self, files: Files | None = None) -> list[str]:
        """What is not as it was in the beginning, or as in ``files``."""
        before = self._files if files is None else files
        now = self.files()
        return sorted(name for name in now.keys() | before if now.get(name) != before.get(name))

    def reset(self) -> None:
        """Have all as it was in the beginning."""
        options = {"action": "detach", "image": str(self.place / IMAGE)}
        if leftovers(self.place).loops:
            outcome = native.run_job(Job(operation="loop-device", options=options))
            assert outcome.error is None, outcome.error
        for name in self.changed():
            path = self.place / name
            if path.is_dir():
                assert name not in self._files, f"{name} was changed, and no Job changes any"
                shutil.rmtree(path)
            elif name in self._files:
                path.write_bytes(self._files[name][1])
            else:
                path.unlink()

    def remove(self) -> None:
        """Remove the directory."""
        self.reset()
        shutil.rmtree(self.place)


def _file(path: Path) -> tuple[int, bytes]:
    with path.open("rb") as stream:
        return path.stat().st_size, stream.read(_COMPARED_BYTES)


def _directory(path: Path) -> tuple[int, bytes]:
    """How many entries it has, and what each is."""
    found = [(str(one.relative_to(path)), _entry(one)) for one in sorted(path.rglob("*"))]
    return len(found), repr(found).encode()


def _entry(path: Path) -> object:
    if path.is_symlink():
        return str(path.readlink())
    return "directory" if path.is_dir() else _file(path)
