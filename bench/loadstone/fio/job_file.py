"""A job file of fio, as fio parses it: sections of options, each with its line."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from loadstone.errors import UsageError, system_words
from loadstone.fio.values import ALIASES
from loadstone.model import Noun
from loadstone.text import printable

_LIMIT_BYTES = 1 << 20
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
# Which fio replaces by what the machine has that it runs on.
_KEYWORDS = ("$pagesize", "$mb_memory", "$ncpus")
_GLOBAL = "global"


class JobOption(Noun, frozen=True, kw_only=True):
    """An option by its first name; empty where it stands without a value."""

    name: str
    value: str
    line: int


class Section(Noun, frozen=True, kw_only=True):
    """A job: its own options, and of each ``[global]`` above it those that it has not."""

    name: str
    line: int
    options: Mapping[str, JobOption]


class JobFile(Noun, frozen=True, kw_only=True):
    """What fio would run of it."""

    path: str
    sections: tuple[Section, ...]

    def error(self, line: int, what: str, *, remedy: str | None = None) -> UsageError:
        """What is wrong with a line."""
        return UsageError(f"{printable(self.path)}:{line}: {what}", remedy=remedy)


def read_job_file(path: Path, environment: Mapping[str, str]) -> JobFile:
    """Read a job file.

    A comment begins at any ``;`` or ``#``; of an option that is given twice the last counts.

    Args:
        environment: what ``${NAME}`` stands for.

    Raises:
        UsageError: it cannot be read, or fio would refuse it or read other values than are written.
    """
    text = _read(path)
    return _Parser(JobFile(path=str(path), sections=()), environment).parse(text)


class _Parser:
    """Goes through the lines of one file."""

    def __init__(self, file: JobFile, environment: Mapping[str, str]) -> None:
        self._file = file
        self._environment = environment
        self._global: dict[str, JobOption] = {}
        self._jobs: list[tuple[str, int, dict[str, JobOption]]] = []
        self._open: dict[str, JobOption] | None = None

    def parse(self, text: str) -> JobFile:
        for number, line in _lines(text):
            if header := re.fullmatch(r"\[(.*)\]", line):
                self._begin(header[1], number)
            else:
                self._add(line, number)
        if not self._jobs:
            raise self._file.error(1, "has no job", remedy="write a section, such as [read]")
        sections = (
            Section(name=name, line=line, options=options) for name, line, options in self._jobs
        )
        return JobFile(path=self._file.path, sections=tuple(sections))

    def _begin(self, name: str, line: int) -> None:
        # So does fio: [globals] is global, and [GLOBAL] is a job.
        if name.startswith(_GLOBAL):
            self._open = self._global
            return
        self._open = dict(self._global)
        self._jobs.append((name, line, self._open))

    def _add(self, text: str, line: int) -> None:
        if re.match(r"include\s", text):
            raise self._file.error(
                line,
                f"{printable(text)}: one file is read, and none that it includes",
                remedy="write what that one has in its place",
            )
        if self._open is None:
            raise self._file.error(
                line,
                f"{printable(text)}: stands above any section",
                remedy="write [global], or the job's name in brackets, above it",
            )
        name, equals, value = text.partition("=")
        name = name.rstrip()
        if equals and value[:1].isspace():
            raise self._file.error(
                line,
                f"{printable(name)}: to fio the blank behind = belongs to the value, and `= 4k` "
                "is 4 bytes",
                remedy=f"write {printable(name)}={printable(value.strip())}",
            )
        first_name = ALIASES.get(name, name)
        self._open[first_name] = JobOption(
            name=first_name, value=self._expanded(value, line), line=line
        )

    def _expanded(self, value: str, line: int) -> str:
        for name in _VARIABLE.findall(value):
            if name not in self._environment:
                raise self._file.error(
                    line, f"${{{printable(name)}}} is not set", remedy="set it, or write its value"
                )
        for keyword in _KEYWORDS:
            if keyword in value:
                raise self._file.error(
                    line,
                    f"{keyword} is known to fio alone, on the machine that it runs on",
                    remedy="write the number",
                )
        return _VARIABLE.sub(lambda found: self._environment[found[1]], value)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Those that say something, without comments."""
    for number, line in enumerate(text.splitlines(), 1):
        if said := re.split("[;#]", line, maxsplit=1)[0].strip():
            yield number, said


def _read(path: Path) -> str:
    name = printable(str(path))
    try:
        with path.open("rb") as stream:
            data = stream.read(_LIMIT_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"--fio {name}: cannot be read: {system_words(error.errno or 0)}",
            remedy="name a job file of fio",
        ) from error
    if len(data) > _LIMIT_BYTES or b"\0" in data:
        raise UsageError(f"--fio {name}: is no job file", remedy="name a job file of fio")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{name}:{line}: is not UTF-8", remedy="save it as UTF-8") from None
