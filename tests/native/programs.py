"""``loadstone-agent``, built as a test asks for it, and what it answers to one Job."""

import errno
import fcntl
import json
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

SOURCE = Path(__file__).parents[2] / "native"

ADDRESS = ("LOADSTONE_SANITIZE=ON",)
THREAD = ("LOADSTONE_SANITIZE_THREAD=ON",)
"""What the core is built with to be watched: memory, or threads that race."""

# A report of a sanitizer ends the program with this code, which no job does.
_REPORT_CODE = 99
_OPTIONS = f"exitcode={_REPORT_CODE}:detect_leaks=%d:print_stacktrace=1"


class Failure(NamedTuple):
    """The core's error: the name of its errno, the step, the path, the offset."""

    code: str
    step: str
    path: str
    offset: int


class Answer(NamedTuple):
    """What ``loadstone-agent`` printed."""

    failure: Failure | None
    values: Mapping[str, int]
    spans: int
    histograms: int


class Model(NamedTuple):
    """A file and its checksums."""

    file: Path
    checksums: Path
    bytes: int


class Program(NamedTuple):
    """The built program, and the words that stand before it (``strace``, ``setpriv``)."""

    path: Path
    prefix: tuple[str, ...] = ()
    finds_leaks: bool = True

    def under(self, *prefix: str, finds_leaks: bool = True) -> "Program":
        return self._replace(prefix=prefix, finds_leaks=finds_leaks)

    def start(self, operation: str, **options: object) -> subprocess.Popen[str]:
        words = [f"{key.replace('_', '-')}={value}" for key, value in options.items()]
        sanitizers = dict.fromkeys(
            ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"), _OPTIONS % self.finds_leaks
        )
        return subprocess.Popen(
            [*self.prefix, str(self.path), f"operation={operation}", *words],
            env=os.environ | sanitizers,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="surrogateescape",
            start_new_session=True,
        )

    def run(self, operation: str, **options: object) -> Answer:
        """Carry out one job; a crash, a hang or a report of a sanitizer fails the test."""
        return finish(self.start(operation, **options))

    def load(self, model: Model, **options: object) -> Answer:
        """A model-load of ``model``, verified and with the page cache as it is if not told."""
        return self.run("model-load", **load_options(model, **options))

    def make_model(self, directory: Path, size_bytes: int, name: str = "model") -> Model:
        model = Model(directory / name, directory / f"{name}.sums", size_bytes)
        assert self.run("make-file", file=model.file, bytes=size_bytes).failure is None
        assert self.run("checksum", file=model.file, output=model.checksums).failure is None
        return model


def load_options(model: Model, **options: object) -> dict[str, object]:
    defaults: dict[str, object] = {
        "file": model.file,
        "checksums": model.checksums,
        "engine": "pread",
        "io": "buffered",
        "destination": "anon",
        "cache": "as-is",
        "verify": "full",
    }
    return defaults | options


def finish(process: subprocess.Popen[str]) -> Answer:
    try:
        output, errors = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        kill(process)
        raise
    said = f"{process.args!r} ended with {process.returncode}: {errors}"
    assert process.returncode in (0, 1), said
    assert "Sanitizer" not in errors, said
    assert "runtime error" not in errors, said
    outcome = _outcome(output)
    assert outcome["death"] is None, f"{outcome['crash']}: {said}"
    answer = _answer(outcome)
    assert (answer.failure is None) == (process.returncode == 0), said
    return answer


def kill(process: subprocess.Popen[str]) -> None:
    """End a program and what runs it."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def describe_exit(process: subprocess.Popen[str]) -> str | None:
    """How the process of a Job ended that did not answer."""
    output, _ = process.communicate(timeout=60)
    crash: str | None = _outcome(output)["death"]
    return crash


def _outcome(output: str) -> dict[str, Any]:
    """The line behind the one that says who answers."""
    _, line = output.splitlines()
    outcome: dict[str, Any] = json.loads(line)
    return outcome


def _answer(line: dict[str, Any]) -> Answer:
    error = line["error"]
    failure = error and Failure(
        errno.errorcode[error["code"]], error["step"], error["path"], error["offset"]
    )
    return Answer(failure, line["values"], len(line["spans"]), len(line["histograms"]))


class Builds(NamedTuple):
    """Builds of the program below a directory: each made once, for whichever process asks first."""

    directory: Path

    def program(self, compiler: str, *options: str) -> Program:
        """The program as this compiler and these options make it."""
        return Program(self.tree(compiler, *options) / "loadstone-agent")

    def tree(self, compiler: str, *options: str) -> Path:
        """The directory of such a build; what the tools said is in its ``said``.

        Raises:
            AssertionError: the build failed.
        """
        tree = self.directory / "-".join((Path(compiler).name, *options))
        tree.mkdir(parents=True, exist_ok=True)
        with (tree / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (tree / "said").exists():
                said = _build(tree, compiler, options)
                (tree / "said").write_text(said)
        return tree


def _build(tree: Path, compiler: str, options: tuple[str, ...]) -> str:
    configure = [
        *("cmake", "-S", str(SOURCE), "-B", str(tree), "-G", "Ninja"),
        *("-DLOADSTONE_PYTHON=OFF", "-DLOADSTONE_AGENT=ON", "-DCMAKE_BUILD_TYPE=Release"),
        *("-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", *(f"-D{option}" for option in options)),
    ]
    said = ""
    for command in (configure, ["cmake", "--build", str(tree)]):
        done = subprocess.run(
            command,
            env=os.environ | {"CC": compiler},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        said += done.stdout
        assert done.returncode == 0, said
    return said
