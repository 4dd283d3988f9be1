"""What a machine is: the facts about a Target that decide a storage benchmark's figures."""

from collections.abc import Callable, Mapping, Sequence

ReadText = Callable[[str], str | None]
ReadTexts = Callable[[Sequence[str]], Mapping[str, str]]
"""Reads those of several small files that can be read, by path, in one go."""
RunCommand = Callable[..., str | None]
"""Runs a command: its standard output, or None where it could not be run or failed."""
