"""Standard output and error: what they cannot take is replaced, and a failure to write is told.

Text for people goes out in the encoding of the stream; data for programs is UTF-8 on any stream.
"""

import codecs
import errno
import io
import os
import sys
from typing import TextIO

from loadstone.errors import LoadstoneError, UsageError, system_words

_HANDLER = "loadstone"
# As wide as what they stand for where tables have them, so that these stay aligned.
_SUBSTITUTES = {
    "→": ">",
    "×": "x",
    "–": "-",
    "✓": "+",
    "±": "+/-",
    "µ": "u",
    "°": " ",
    "…": "...",
}
_REMEDIES = {
    errno.ENOSPC: "free space",
    errno.EDQUOT: "free space",
    errno.EFBIG: "raise the limit of a file's size (ulimit -f), or write elsewhere",
}


class _Stream(io.TextIOWrapper):
    """A stream of text that says how it cannot be written."""

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError as error:
            self._give_up(error)
        return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self._give_up(error)

    @property
    def encoding(self) -> str:  # type: ignore[override]  # typeshed has it as an attribute
        # click takes one that it knows as ASCII for a mistake, and writes UTF-8 to it.
        name = super().encoding
        return "ascii-only" if codecs.lookup(name).name == "ascii" else name

    def _give_up(self, error: OSError) -> None:
        raise _cannot_write(self, error) from error


class _Messages(_Stream):
    """One that drops what cannot be written: there is nowhere to say so."""

    def _give_up(self, error: OSError) -> None:
        _drop_rest(self, error)


def adapt_standard_streams() -> None:
    """Have the standard streams take any text, and closed ones take nothing else along."""
    codecs.register_error(_HANDLER, _substitute)
    _open_closed()
    _replace("stdout", _Stream)
    _replace("stderr", _Messages)


def write_data(data: str | bytes) -> None:
    """Write data for programs to standard output: text as UTF-8, whatever the locale.

    A byte of a file's name that is not UTF-8 becomes U+FFFD.

    Raises:
        UsageError: it is no text, and would go to a terminal.
        LoadstoneError: it cannot be written.
    """
    if isinstance(data, bytes) and sys.stdout.isatty():
        raise UsageError(
            "this is no text, and standard output is a terminal", remedy="name a file with -o"
        )
    sys.stdout.flush()
    try:
        sys.stdout.buffer.write(data if isinstance(data, bytes) else _known(data).encode())
        sys.stdout.buffer.flush()
    except OSError as error:
        raise _cannot_write(sys.stdout, error) from error


def _known(text: str) -> str:
    return text.encode(errors="surrogateescape").decode(errors="replace")


def _open_closed() -> None:
    """Where a stream was closed (``>&-``), a file opened later would be printed into."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            stream = os.fdopen(os.open(os.devnull, os.O_RDWR), "r" if name == "stdin" else "w")
            setattr(sys, name, stream)


def _replace(name: str, kind: type[_Stream]) -> None:
    stream = getattr(sys, name)
    adapted = _adapted(stream, kind)
    setattr(sys, name, adapted)
    if getattr(sys, f"__{name}__") is stream:
        # Which is asked for the terminal's width.
        setattr(sys, f"__{name}__", adapted)


def _adapted(stream: TextIO, kind: type[_Stream]) -> TextIO:
    if type(stream) is not io.TextIOWrapper:
        # Somebody else's, who looks after it: a test runner's, say.
        return stream
    encoding, is_line_buffered = stream.encoding, stream.line_buffering
    return kind(
        stream.detach(), encoding=encoding, errors=_HANDLER, line_buffering=is_line_buffered
    )


def _substitute(error: UnicodeError) -> tuple[str | bytes, int]:
    """What is written instead of characters that an encoding lacks (``codecs.register_error``).

    Bytes that are not UTF-8, as in a file's name, go out as they came in.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    char = error.object[error.start]
    if "\udc80" <= char <= "\udcff":
        return bytes([ord(char) - 0xDC00]), error.start + 1
    escaped = char.encode("ascii", "backslashreplace").decode()
    return _SUBSTITUTES.get(char, escaped), error.start + 1


def _cannot_write(stream: TextIO, error: OSError) -> LoadstoneError:
    _drop_rest(stream, error)
    code = error.errno or 0
    return LoadstoneError(
        f"cannot write to standard output: {system_words(code)}",
        remedy=_REMEDIES.get(code, "write elsewhere"),
    )


def _drop_rest(stream: TextIO, error: OSError) -> None:
    """What is still buffered would be tried again at exit, and change the exit code.

    Raises:
        BrokenPipeError: nobody reads it any more, which the caller passes on.
    """
    if isinstance(error, BrokenPipeError):
        raise error
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)
