"""A Target that is not this machine: what it calls ``/far`` lies elsewhere here.

Whatever opens one of its paths by this machine's own calls finds nothing there, and whatever has
it work on a path that is not its own fails the test.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from loadstone.errors import TargetError
from loadstone.model import CoreError, Environment, Job, Outcome
from loadstone.targets import Say
from loadstone.targets.local import LocalTarget
from loadstone.targets.shell import ShellEnd

PREFIX = "/far"
_KERNELS = ("/proc/", "/sys/", "/dev/")
_PATHS = ("file", "image", "output", "checksums", "device", "baseline")


class FarTarget:
    """The local core behind a wall; ``jobs`` are those that it was asked for.

    Args:
        place: a directory of this machine that is ``/far`` there.
        hides: paths that there are none of there, such as a kernel's that lacks a driver.
    """

    name = "far:1"
    is_this_machine = False
    lost_remedy = "plug it in again"

    def __init__(self, place: Path, hides: tuple[str, ...] = ()) -> None:
        assert not Path(PREFIX).exists(), f"{PREFIX} has to be a name of nothing here"
        self.place = place
        self.jobs: list[Job] = []
        self.is_lost = False
        self._hides = hides
        self._local = LocalTarget(place / "unused")

    def execute(self, job: Job) -> Outcome:
        if self.is_lost:
            return Outcome(crash="the cable was pulled", target_lost=True)
        self.jobs.append(job)
        options = {
            key: self._here(value) if key in _PATHS and value else value
            for key, value in job.options.items()
        }
        assert not any(str(self.place) in value for value in job.options.values()), job
        samples = tuple(map(self._here, job.samples))
        if any(value in self._hides for value in (*options.values(), *samples)):
            return Outcome(error=CoreError(code=2, step="open", path=job.operation))
        outcome = self._local.execute(
            msgspec.structs.replace(job, options=options, samples=samples)
        )
        error = outcome.error
        return msgspec.structs.replace(
            outcome,
            error=error and msgspec.structs.replace(error, path=self._there(error.path)),
            before=self._told(job.samples, outcome.before),
            after=self._told(job.samples, outcome.after),
        )

    def environment(self, path: str | None) -> Environment:
        found = self._local.environment(None if path is None else self._here(path))
        facts = {
            name: self._there(fact) if isinstance(fact, str) else fact
            for name, fact in found.facts.items()
        }
        return Environment(target=self.name, facts=facts)

    def samples(self, path: str | None) -> tuple[str, ...]:
        return self._local.samples(None if path is None else self._here(path))

    def scratch(self) -> Path:
        (self.place / "scratch").mkdir(exist_ok=True)
        return Path(PREFIX) / "scratch"

    def run_command(self, *words: str) -> str:
        raise AssertionError(f"no phone may have {words[0]}")

    def run_shell(self, command: str, directory: str, limit_s: float) -> ShellEnd:
        return self._local.run_shell(command, directory, limit_s)

    def user_name(self) -> str:
        return self._local.user_name()

    def read_text(self, path: str) -> str | None:
        return None if path in self._hides else self._local.read_text(self._here(path))

    def read_texts(self, paths: Sequence[str]) -> Mapping[str, str]:
        texts = ((path, self.read_text(path)) for path in paths)
        return {path: text for path, text in texts if text is not None}

    def write_text(self, path: str, text: str) -> None:
        self._local.write_text(self._here(path), text)

    def remove_file(self, path: str) -> None:
        if self.is_lost:
            raise TargetError("the cable was pulled")
        self._local.remove_file(self._here(path))

    def interrupt(self) -> None:
        raise AssertionError("nobody stops it")

    def await_return(self, say: Say) -> None:
        say("it is back")
        self.is_lost = False

    def close(self) -> None:
        self._local.close()

    def _here(self, path: str) -> str:
        """Where a path of the Target's lies on this machine."""
        if re.match(rf"{PREFIX}(/|$)", path):
            return f"{self.place}{path.removeprefix(PREFIX)}"
        assert path.startswith(_KERNELS), f"{path} is not a path of {self.name}"
        return path

    def _there(self, text: str) -> str:
        return text.replace(str(self.place), PREFIX)

    def _told(self, samples: Sequence[str], texts: Mapping[str, str]) -> dict[str, str]:
        return {path: self._there(texts.get(self._here(path), "")) for path in samples}
