"""The compressors, by the names and levels that mkfs.erofs and F2FS have."""

from loadstone.errors import UsageError
from loadstone.model import Noun
from loadstone.text import did_you_mean, printable

_LEVELS = {"lz4": range(0, 1), "lz4hc": range(1, 13), "zstd": range(1, 23)}
_DEFAULT_LEVELS = {"lz4": 0, "lz4hc": 9, "zstd": 3}


class Algorithm(Noun, frozen=True, kw_only=True):
    """``lz4``, which has no levels (0), ``lz4hc`` or ``zstd``."""

    name: str
    level: int

    @property
    def label(self) -> str:
        """With its level, where it has any."""
        return f"{self.name}:{self.level}" if self.level else self.name

    def library(self, version: int) -> str:
        """The library that has it, with its version: ``libzstd 1.5.4`` of 10504."""
        name = "libzstd" if self.name == "zstd" else "liblz4"
        return f"{name} {version // 10000}.{version // 100 % 100}.{version % 100}"


def parse_algorithms(text: str) -> tuple[Algorithm, ...]:
    """Read ``NAME[:LEVEL],…``.

    Raises:
        UsageError: there is no such algorithm or level, or one is given twice.
    """
    found = tuple(_parse(word) for word in text.split(","))
    if len(set(found)) < len(found):
        raise UsageError(
            f"--algorithm {printable(text)}: one is given twice", remedy="leave it out once"
        )
    return found


def _parse(word: str) -> Algorithm:
    name, colon, level = word.partition(":")
    if name not in _LEVELS:
        raise UsageError(
            f"--algorithm {printable(name)}: no such algorithm{did_you_mean(name, _LEVELS)}",
            remedy=f"take one of {', '.join(_LEVELS)}",
        )
    if not colon:
        return Algorithm(name=name, level=_DEFAULT_LEVELS[name])
    levels = _LEVELS[name]
    # More digits than any level has are no number to try.
    if not (level.isdecimal() and len(level) < 4 and int(level) in levels and int(level)):
        some = f"{levels[0]} to {levels[-1]}" if len(levels) > 1 else "none"
        raise UsageError(
            f"--algorithm {printable(word)}: no such level", remedy=f"{name} has {some}"
        )
    return Algorithm(name=name, level=int(level))
