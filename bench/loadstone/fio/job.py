"""One job of a job file: its options taken one by one, and what comes of those that remain."""

from collections.abc import Callable, Collection
from typing import TypeVar

from loadstone.errors import LoadstoneError, UsageError
from loadstone.fio.job_file import JobFile, JobOption, Section
from loadstone.fio.keys import KNOWN, OTHERS, ignored_because, remedy_of
from loadstone.fio.values import kb_base_of, of_direction, parse_count, parse_flag, parse_size
from loadstone.model import Noun
from loadstone.text import did_you_mean, printable

_T = TypeVar("_T")


class Deviation(Noun, frozen=True, kw_only=True):
    """An option that would mean something else here, or nothing, so that the figures change."""

    line: int
    job: str
    option: str
    what: str
    remedy: str

    @property
    def words(self) -> str:
        """Without its place."""
        return f"[{printable(self.job)}] {printable(self.option)}: {self.what}"


class JobReader:
    """Hands out the options of a job.

    ``deviations`` are those that nobody agreed to, ``agreed`` those that somebody did; ``remarks``
    are what to say besides.

    Args:
        accepted: names of options whose deviation is agreed to.
    """

    def __init__(self, file: JobFile, section: Section, accepted: Collection[str]) -> None:
        self.file = file
        self.section = section
        self.deviations: list[Deviation] = []
        self.agreed: list[Deviation] = []
        self.remarks: list[str] = []
        self._accepted = accepted
        self._left = dict(section.options)
        self._kb_base = kb_base_of({name: one.value for name, one in self._left.items()})

    def text(self, name: str, default: str = "") -> str:
        """An option as it is written."""
        option = self._left.pop(name, None)
        return default if option is None else option.value

    def has(self, name: str) -> bool:
        """Whether it is given, and was not taken yet."""
        return name in self._left

    def size(self, name: str, default: int | None = None) -> int | None:
        """An option in bytes.

        Raises:
            UsageError: it is no size.
        """
        return self._parsed(name, lambda text: parse_size(text, self._kb_base), default)

    def count(self, name: str, default: int) -> int:
        """An option that is a whole number.

        Raises:
            UsageError: it is none.
        """
        return self._parsed(name, parse_count, default)

    def flag(self, name: str, default: bool = False) -> bool:
        """An option that is on or off.

        Raises:
            UsageError: it is neither.
        """
        return self._parsed(name, parse_flag, default)

    def block_size(self, direction: str) -> int:
        """``bs`` of a direction: 4 KiB where nothing is said.

        Raises:
            UsageError: it is no size.
        """

        def parse(text: str) -> int:
            return parse_size(of_direction(text, direction) or "4096", self._kb_base)

        return self._parsed("bs", parse, 4096)

    def deviates(self, name: str, what: str, remedy: str) -> None:
        """Note what an option would change; harmless where that was agreed to."""
        found = Deviation(
            line=self.line(name), job=self.section.name, option=name, what=what, remedy=remedy
        )
        (self.agreed if name in self._accepted else self.deviations).append(found)

    def refuse(self, name: str, what: str, remedy: str) -> UsageError:
        """An option that no workload has, whatever is agreed to."""
        words = f"[{printable(self.section.name)}] {name}: {what}"
        return self.file.error(self.line(name), words, remedy=remedy)

    def line(self, name: str) -> int:
        """Where an option stands; of one that is a default, where the job begins."""
        option = self.section.options.get(name)
        return self.section.line if option is None else option.line

    def finish(self, kind: str) -> None:
        """Sort what was not taken into what changes no figure and what does.

        Args:
            kind: of the mapping: ``read``, ``write`` or ``flush``.
        """
        for option in self._left.values():
            reason = ignored_because(option.name, option.value, kind)
            if reason is None:
                self._deviates_as_unknown(option)
            else:
                self.remarks.append(f"{option.name}: ignored: {reason}")
        self._left.clear()

    def _deviates_as_unknown(self, option: JobOption) -> None:
        what = "no workload of Loadstone has it, and figures may change without it"
        if option.name not in KNOWN | OTHERS:
            what = f"is not known{did_you_mean(option.name, KNOWN)}"
        self.deviates(option.name, what, remedy_of(printable(option.name)))

    def _parsed(self, name: str, parse: Callable[[str], _T], default: _T) -> _T:
        if not self.has(name):
            return default
        option = self._left.pop(name)
        try:
            return parse(option.value)
        except UsageError as error:
            words = f"[{printable(self.section.name)}] {name}: {error.what}"
            raise self.file.error(option.line, words, remedy=error.remedy) from None


def error_of(file: JobFile, deviations: list[Deviation]) -> LoadstoneError:
    """All of them; the first with its remedy."""
    first, *others = sorted(deviations, key=lambda one: one.line)
    error = file.error(first.line, first.words, remedy=first.remedy)
    error.details = tuple(
        f"{printable(file.path)}:{one.line}: {one.words}; {one.remedy}" for one in others
    )
    return error
