"""The guest's side: makes the storage, calibrates the clock, carries out the Plan.

Run by the guest's script as ``python -m loadstone.lab.inside ASSIGNMENT.json``. What it has to
say goes to standard output as Messages; all other output goes to standard error. With
``--shell`` behind it, a person sits there instead: they get words, and a shell for a Plan.
"""

import contextlib
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import msgspec

from loadstone import targets
from loadstone.environment.calibration import boot_calibration
from loadstone.errors import CannotMeasureError, LoadstoneError, system_words
from loadstone.lab.protocol import (
    CALIBRATED,
    EARLIER_BOOT,
    THIS_BOOT,
    Assignment,
    Began,
    Ended,
    Fact,
    Message,
    Over,
    Ready,
    Said,
    Starting,
    encode,
)
from loadstone.model import Input, Step, Trial
from loadstone.provision.file_system import made_file_system
from loadstone.provision.simulated.device import NAME, simulated_device
from loadstone.provision.simulated.profile import device_bytes, storage_facts, whole_bytes
from loadstone.runs import runner, store
from loadstone.targets import Target
from loadstone.targets.access import Access
from loadstone.text import printable

PLACE = Path("/run/loadstone/storage")
RESULTS = Path("/run/loadstone/results")

_LIMIT_S = 1e8
"""A clock of instructions leaps from timer to timer while its guest waits for the host: only the
host can tell when a Job takes too long."""


class Speaker:
    """Tells the host what goes on; as an Observer it does so of a Run."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def tell(self, message: Message) -> None:
        """Send one Message."""
        self._stream.write(encode(message))
        self._stream.flush()

    def say(self, text: str) -> None:
        self.tell(Said(text=text))

    def begin(self, path: Path, steps: int) -> None:
        self.tell(Began(manifest=store.load(path).manifest, steps=steps))

    def starting(self, step: Step) -> None:
        self.tell(Starting(step=step))

    def ended(self, step: Step, trial: Trial | None) -> None:
        self.tell(Ended(step=step, trial=trial))


def main() -> None:
    """Carry out the Assignment in the file named on the command line."""
    assignment = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Assignment)
    if "--shell" in sys.argv[2:]:
        _serve_shell(assignment)
        return
    speaker = Speaker(_private_stdout())
    try:
        with _local() as target, _input(assignment, target, speaker) as input:
            if assignment.plan is not None:
                plan = msgspec.structs.replace(assignment.plan, input=input)
                runner.run_plan(plan, target, RESULTS, speaker)
    except LoadstoneError as error:
        words = "; ".join((error.what, *getattr(error, "__notes__", ())))
        speaker.tell(Over(error=words, remedy=error.remedy, exit_code=error.exit_code))
    else:
        speaker.tell(Over())


def _local() -> contextlib.AbstractContextManager[Target]:
    """This guest. One for all that it does, as a worker takes an emulated processor seconds."""
    return targets.connect("local", RESULTS, Access(limit_s=_LIMIT_S))


@contextlib.contextmanager
def _input(assignment: Assignment, target: Target, speaker: Speaker) -> Iterator[Input]:
    """What the Plan is carried out on: a file system on the simulated device, or devices."""
    wanted = assignment.plan.input if assignment.plan is not None else Input()
    if assignment.device_bytes:
        with _devices(assignment, target, speaker.tell) as devices:
            yield msgspec.structs.replace(wanted, devices=devices, erase=devices)
        return
    with _storage(assignment, target, speaker.tell) as place:
        yield _placed(wanted, place, speaker)


@contextlib.contextmanager
def _devices(
    assignment: Assignment, target: Target, tell: Callable[[Message], None]
) -> Iterator[tuple[str, ...]]:
    """The simulated devices that the Plan takes whole; their facts are told."""
    profile, sizes = assignment.storage, assignment.device_bytes
    tell(Said(text=f"up, Linux {os.uname().release}; making {len(sizes)} × {profile.name}"))
    with contextlib.ExitStack() as stack:
        devices = tuple(
            stack.enter_context(
                simulated_device(
                    profile,
                    max(whole_bytes(profile, size), device_bytes(profile, assignment.memory_bytes)),
                    name=f"{NAME}{number or ''}",
                )
            )
            for number, size in enumerate(sizes)
        )
        facts = {**storage_facts(profile), **_calibration(assignment, target)}
        tell(Ready(place=None, facts=facts))
        yield devices


@contextlib.contextmanager
def _storage(
    assignment: Assignment, target: Target, tell: Callable[[Message], None]
) -> Iterator[Path]:
    """The simulated device with its file system, mounted; its facts are told."""
    wanted = assignment.file_system
    what = f"storage {assignment.storage.name} with {wanted.type}"
    tell(Said(text=f"up, Linux {os.uname().release}; loading modules, making {what}"))
    with (
        simulated_device(
            assignment.storage, device_bytes(assignment.storage, assignment.memory_bytes)
        ) as device,
        made_file_system(device, wanted.type, wanted.mkfs, wanted.mount, PLACE) as made,
    ):
        facts = {
            **storage_facts(assignment.storage),
            **made.facts,
            **_calibration(assignment, target),
        }
        tell(Ready(place=str(made.path), facts=facts))
        yield made.path


def _calibration(assignment: Assignment, target: Target) -> dict[str, Fact]:
    """The costs of known work, and whether it is this boot that they were measured in."""
    if assignment.calibration:
        return {**assignment.calibration, CALIBRATED: EARLIER_BOOT}
    return {**boot_calibration(target.execute), CALIBRATED: THIS_BOOT}


def _serve_shell(assignment: Assignment) -> None:
    """A shell on the storage, until its user leaves."""
    try:
        with _local() as target, _storage(assignment, target, _print) as place:
            # Not $SHELL: that is the program by which this one was started.
            shell = pwd.getpwuid(os.getuid()).pw_shell or "/bin/sh"
            paths = (str(Path(sys.executable).parent), "/usr/local/sbin", "/usr/sbin", "/sbin")
            environment = {
                **os.environ,
                "PATH": ":".join((*paths, os.environ["PATH"])),
                "SHELL": shell,
            }
            environment["LOADSTONE_RESULTS"] = str(RESULTS)
            environment["LOADSTONE_DIR"] = str(place)
            subprocess.call([shell], cwd=place, env=environment)
    except LoadstoneError as error:
        sys.exit(f"loadstone: {error}")


def _print(message: Message) -> None:
    match message:
        case Said(text=text):
            sys.stderr.write(f"{text}\n")
        case Ready(place=place):
            sys.stderr.write(f"storage at {place}; files and Runs here are gone with the guest\n")


def _private_stdout() -> IO[bytes]:
    """Standard output for Messages alone: what others print goes to standard error."""
    stream = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return stream


def _placed(wanted: Input, place: Path, speaker: Speaker) -> Input:
    """The subject with its files on the simulated device; the user's own is copied there."""
    if wanted.file is None:
        return msgspec.structs.replace(wanted, directory=str(place))
    speaker.say(f"copying {printable(wanted.file)} to the storage")
    return Input(file=str(_copied(Path(wanted.file), place)))


def _copied(file: Path, place: Path) -> Path:
    copy = place / file.name
    try:
        shutil.copyfile(file, copy)
    except OSError as error:
        raise CannotMeasureError(
            f"cannot copy {printable(str(file))} to the storage: {system_words(error.errno or 0)}",
            remedy="take a larger storage, more --memory, or a smaller file",
        ) from error
    return copy


if __name__ == "__main__":
    main()
