"""This machine. Jobs run in a worker process of their own."""

import contextlib
import gzip
import os
import select
import shlex
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

import msgspec

from loadstone.core import native, remote_files, worker
from loadstone.durable import cannot_write, not_unicode
from loadstone.environment.dma_heaps import HEAPS, heap_facts
from loadstone.environment.init_on_alloc import COMMAND_LINE, CONFIG, init_on_alloc
from loadstone.environment.machine import machine_facts
from loadstone.environment.path import MACHINE_SAMPLES, path_facts, path_samples
from loadstone.errors import CannotMeasureError, TargetError, UsageError, system_words
from loadstone.model import Environment, Job, Outcome
from loadstone.programs import own_environment, own_python, run_to_end
from loadstone.targets import Say
from loadstone.targets.access import Access
from loadstone.targets.cancel import CancelToken
from loadstone.targets.shell import ShellEnd, run_here, user_here

SCHEME = "local"
SUMMARY = "this machine"
IS_THIS_MACHINE = True
EXAMPLE_FILE = "/home/me/model.gguf"

_EXIT_LIMIT_S = 10.0
# A device's worth of data may be copied, or hashed.
_COMMAND_LIMIT_S = 4 * 3600.0


class LocalTarget:
    """Executes Jobs through the core, in a child of a worker process.

    Args:
        limit_s: how long any Job and any command may take, instead of its own limit.
    """

    name = SCHEME
    is_this_machine = IS_THIS_MACHINE
    # Of no use: this machine is never lost.
    lost_remedy = "start the run again"

    def __init__(self, results: Path, limit_s: float | None = None) -> None:
        self._scratch = results.absolute() / "scratch"
        self._limit_s = limit_s
        self._worker: subprocess.Popen[bytes] | None = None
        self._cancel_token = CancelToken()

    def environment(self, path: str | None) -> Environment:
        facts = machine_facts(self.read_text, self.read_texts)
        if facts["memory.init_on_alloc"] is None:
            facts["memory.init_on_alloc"] = init_on_alloc(self.read_text(COMMAND_LINE), _config())
        facts |= {
            "machine.architecture": os.uname().machine,
            "machine.page_bytes": os.sysconf("SC_PAGESIZE"),
            "user.is_root": os.geteuid() == 0,
            **heap_facts(remote_files.list_names(native.run_job, HEAPS)),
        }
        if path is not None:
            seen = remote_files.require_file(native.run_job, path)
            facts |= path_facts(seen, self.read_text, self.read_texts, native.run_job)
        return Environment(target=self.name, facts=facts)

    def samples(self, path: str | None) -> tuple[str, ...]:
        if path is None:
            return MACHINE_SAMPLES
        seen = remote_files.require_file(native.run_job, path)
        return path_samples(seen, self.read_text, self.read_texts, native.run_job)

    def execute(self, job: Job) -> Outcome:
        self._cancel_token.raise_if_cancelled(job.operation)
        process = self._running_worker()
        if self._limit_s is not None:
            job = msgspec.structs.replace(job, timeout_s=self._limit_s)
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            worker.send(process.stdin, job)
            outcome = worker.receive(process.stdout, Outcome)
        except BrokenPipeError:
            outcome = None
        except UnicodeEncodeError as error:
            # Nothing of it was sent.
            raise not_unicode(error) from None
        except BaseException:
            # What cleans up next must not race with a Job that still makes files.
            self.close()
            raise
        if outcome is None:
            self.close()
            self._cancel_token.raise_if_cancelled(job.operation)
            return Outcome(crash=f"the worker process: {worker.describe_exit(process.returncode)}")
        if outcome.error and outcome.error.step == worker.CANNOT_START:
            raise _cannot_start(job.operation, OSError(outcome.error.code, ""))
        return outcome

    def scratch(self) -> Path:
        try:
            self._scratch.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(self._scratch, error) from error
        return self._scratch

    def run_command(self, *words: str) -> str:
        command = shlex.join(words)
        try:
            done = run_to_end(words, _COMMAND_LIMIT_S)
        except OSError as error:
            raise TargetError(
                f"{command}: {system_words(error.errno or 0)}",
                remedy=f"install {words[0]}, and have it in PATH",
            ) from error
        if done.returncode:
            raise TargetError(
                f"{command}: {done.stderr.strip()} (exit {done.returncode})",
                remedy="run it by hand to see what it lacks",
            )
        return done.stdout

    def run_shell(self, command: str, directory: str, limit_s: float) -> ShellEnd:
        return run_here(
            command,
            directory,
            limit_s if self._limit_s is None else self._limit_s,
            lambda: self._cancel_token.raise_if_cancelled("a command"),
        )

    def user_name(self) -> str:
        return user_here()

    def read_text(self, path: str) -> str | None:
        try:
            return Path(path).read_text(errors="replace")
        except OSError:
            return None

    def read_texts(self, paths: Sequence[str]) -> Mapping[str, str]:
        texts = ((path, self.read_text(path)) for path in paths)
        return {path: text for path, text in texts if text is not None}

    def write_text(self, path: str, text: str) -> None:
        try:
            Path(path).write_text(text)
        except OSError as error:
            raise TargetError(
                f"write {path}: {system_words(error.errno or 0)}",
                remedy="see who may write to it; most settings of the kernel are root's",
            ) from error

    def remove_file(self, path: str) -> None:
        try:
            Path(path).unlink()
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise TargetError(
                f"remove {path}: {system_words(error.errno or 0)}", remedy="remove it by hand"
            ) from error

    def interrupt(self) -> None:
        self._cancel_token.cancel()
        if (process := self._worker) is not None:
            process.kill()

    def await_return(self, say: Say) -> None:
        """Return at once: this machine is never lost."""

    def close(self) -> None:
        """End the worker at once, and with it the Job that it carries out."""
        process, self._worker = self._worker, None
        if process is None:
            return
        process.kill()
        process.wait()
        if process.stdout is not None:
            _await_end(process.stdout)
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(BrokenPipeError):
                if pipe is not None:
                    pipe.close()

    def _running_worker(self) -> subprocess.Popen[bytes]:
        if self._worker is None or self._worker.poll() is not None:
            self.close()
            self._worker = _start_worker()
        return self._worker


def _start_worker() -> subprocess.Popen[bytes]:
    """Start one in a session of its own: Ctrl-C goes to the Run, which then ends the worker."""
    try:
        return subprocess.Popen(
            own_python("loadstone.core.worker"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            env=own_environment(),
        )
    except OSError as error:
        raise _cannot_start("the worker", error) from error


def _cannot_start(what: str, error: OSError) -> CannotMeasureError:
    found = CannotMeasureError(
        f"cannot start a process for {what}: {system_words(error.errno or 0)}",
        remedy="allow more processes, files and memory (ulimit -u, -n, -v and the cgroup's limits)",
    )
    found.__cause__ = error
    return found


def _await_end(pipe: IO[bytes]) -> None:
    """Wait until a pipe has no writer: the Job's own process is one for as long as it lives."""
    end_s = time.monotonic() + _EXIT_LIMIT_S
    while (left_s := end_s - time.monotonic()) > 0:
        if select.select([pipe], [], [], left_s)[0] and not os.read(pipe.fileno(), 1 << 16):
            return


@contextlib.contextmanager
def connect(address: str, results: Path, access: Access) -> Iterator[LocalTarget]:
    """Open this machine; ``address`` has no meaning here.

    Raises:
        UsageError: an address was given.
    """
    if address:
        raise UsageError(
            f"--target local:{address}: local takes no address", remedy="write --target local"
        )
    target = LocalTarget(results, access.limit_s)
    try:
        yield target
    finally:
        target.close()


def _config() -> str | None:
    """The running kernel's own account of how it was built, where it has one."""
    try:
        with gzip.open(CONFIG, "rt", errors="replace") as config:
            return config.read()
    except (OSError, EOFError):
        return None
