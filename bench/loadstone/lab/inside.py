"""The guest's side: sets up the storage, calibrates the clock, carries out the Plan.

The guest's script runs it as ``python -m loadstone.lab.inside ASSIGNMENT.json``. It writes
Messages to standard output; all other output goes to standard error. With the option ``--shell``
it opens an interactive shell instead, and prints plain text.
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

from loadstone import programs, targets
from loadstone.environment.calibration import boot_calibration
from loadstone.errors import CannotMeasureError, LoadstoneError, system_words
from loadstone.lab.loading import load_own
from loadstone.lab.protocol import (
    CALIBRATED,
    EARLIER_BOOT,
    THIS_BOOT,
    Assignment,
    Failure,
    Finished,
    Message,
    Notice,
    RunCreated,
    StepEnded,
    StepStarted,
    StorageReady,
    encode,
)
from loadstone.model import Fact, Input, Step, Trial
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
"""In effect none: an instruction clock jumps from timer to timer while its guest waits for the
host, so only the host can tell when a Job, or a program, takes too long."""


class HostObserver:
    """Sends Messages to the host; an Observer, so that those of a Run are sent too."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def send(self, message: Message) -> None:
        """Send one Message at once."""
        self._stream.write(encode(message))
        self._stream.flush()

    def say(self, text: str) -> None:
        self.send(Notice(text=text))

    def begin(self, path: Path, steps: int) -> None:
        self.send(RunCreated(manifest=store.load(path).manifest, steps=steps))

    def expect(self, steps: int) -> None:
        """A Plan of the lab adds no rounds."""

    def starting(self, step: Step) -> None:
        self.send(StepStarted(step=step))

    def ended(self, step: Step, trial: Trial | None) -> None:
        self.send(StepEnded(step=step, trial=trial))


def main() -> None:
    """Carry out the Assignment in the file named on the command line."""
    assignment = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Assignment)
    programs.LIMIT_S.set(None)
    if "--shell" in sys.argv[2:]:
        _serve_shell(assignment)
        return
    host = HostObserver(_private_stdout())
    try:
        load_own(assignment.modules)
        with _local() as target, _input(assignment, target, host) as input:
            if assignment.plan is not None:
                plan = msgspec.structs.replace(assignment.plan, input=input)
                # A guest's own clock does not step: between its Runs there is a boot.
                runner.run_plan(plan, target, RESULTS, host, with_controls=False)
    except LoadstoneError as error:
        host.send(Finished(failure=_failure(error)))
    else:
        host.send(Finished())


def _failure(error: LoadstoneError) -> Failure:
    return Failure(
        what=error.what,
        remedy=error.remedy,
        exit_code=error.exit_code,
        notes=tuple(getattr(error, "__notes__", ())),
        details=error.details,
    )


def _local() -> contextlib.AbstractContextManager[Target]:
    """This guest as a Target; opened once, as an emulated processor takes seconds for a worker."""
    return targets.connect("local", RESULTS, Access(limit_s=_LIMIT_S))


@contextlib.contextmanager
def _input(assignment: Assignment, target: Target, host: HostObserver) -> Iterator[Input]:
    """The Plan's input: a directory on the simulated device, or whole simulated devices."""
    wanted = assignment.plan.input if assignment.plan is not None else Input()
    if assignment.device_bytes:
        with _devices(assignment, target, host.send) as devices:
            yield msgspec.structs.replace(wanted, devices=devices, erase=devices)
        return
    with _storage(assignment, target, host.send) as place:
        yield placed_input(wanted, place, host)


@contextlib.contextmanager
def _devices(
    assignment: Assignment, target: Target, send: Callable[[Message], None]
) -> Iterator[tuple[str, ...]]:
    """Makes the simulated devices that the Plan takes whole, and sends their facts."""
    profile, sizes = assignment.storage, assignment.device_bytes
    send(Notice(text=f"up, Linux {os.uname().release}; making {len(sizes)} × {profile.name}"))
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
        send(StorageReady(place=None, facts=facts))
        yield devices


@contextlib.contextmanager
def _storage(
    assignment: Assignment, target: Target, send: Callable[[Message], None]
) -> Iterator[Path]:
    """Makes and mounts the file system on the simulated device, and sends its facts."""
    wanted = assignment.file_system
    what = f"storage {assignment.storage.name} with {wanted.type}"
    send(Notice(text=f"up, Linux {os.uname().release}; loading modules, making {what}"))
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
        send(StorageReady(place=str(made.path), facts=facts))
        yield made.path


def _calibration(assignment: Assignment, target: Target) -> dict[str, Fact]:
    """The calibration, and in which boot it was measured."""
    if assignment.calibration:
        return {**assignment.calibration, CALIBRATED: EARLIER_BOOT}
    return {**boot_calibration(target.execute), CALIBRATED: THIS_BOOT}


def _serve_shell(assignment: Assignment) -> None:
    """Run a shell on the storage until it exits."""
    try:
        load_own(assignment.modules)
        with _local() as target, _storage(assignment, target, _print) as place:
            # Not $SHELL: that is the program that started this one.
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
        sys.exit("\n".join((*error.details, f"loadstone: {error}")))


def _print(message: Message) -> None:
    match message:
        case Notice(text=text):
            sys.stderr.write(f"{text}\n")
        case StorageReady(place=place):
            sys.stderr.write(f"storage at {place}; files and Runs here are gone with the guest\n")


def _private_stdout() -> IO[bytes]:
    """Standard output, for Messages only: what other code prints goes to standard error."""
    stream = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return stream


def placed_input(wanted: Input, place: Path, host: HostObserver) -> Input:
    """The Input with its files on the simulated device; a file of the user's is copied there.

    A directory of the user's is read where it is, by Workloads that make something of it.
    """
    if wanted.file is None or Path(wanted.file).is_dir():
        return msgspec.structs.replace(wanted, directory=str(place))
    host.say(f"copying {printable(wanted.file)} to the storage")
    # What a Workload makes of it, an image, lies there as well.
    return Input(file=str(_copied(Path(wanted.file), place)), directory=str(place))


def _copied(file: Path, place: Path) -> Path:
    copy = place / file.name
    try:
        shutil.copyfile(file, copy)
        # It is read once, and has no place in the memory of the guest beside its copy.
        with file.open("rb") as source:
            os.posix_fadvise(source.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    except OSError as error:
        raise CannotMeasureError(
            f"cannot copy {printable(str(file))} to the storage: {system_words(error.errno or 0)}",
            remedy="take larger --storage, more --memory, or a smaller file",
        ) from error
    return copy


if __name__ == "__main__":
    main()
