"""The pages of the repository, taken apart: links, anchors, places, commands."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
INDEX = ROOT / "docs" / "README.md"
PAGES = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("*.md")),
)

_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_PLACE = re.compile(r"(?<![\w/.-])(?:bench|native|tests|docs)/[\w./*-]+(?::\w+)?")
_PLACEHOLDER = re.compile(r"[A-Z]{4,}")
_ASSIGNMENT = re.compile(r"[A-Z_]+=.*")


class Place(NamedTuple):
    """A path from the root of the repository, and what is said to be defined there, if anything.

    Words in capitals, such as NAME, stand for anything.
    """

    path: str
    definition: str

    def files(self) -> list[Path]:
        return list(ROOT.glob(_PLACEHOLDER.sub("*", self.path.rstrip("./"))))

    def is_there(self) -> bool:
        if not self.definition:
            return bool(self.files())
        return any(self._is_defined_in(file) for file in self.files())

    def _is_defined_in(self, file: Path) -> bool:
        # A call is indented in both.
        begin = r"^ *(?:def|class) " if file.suffix == ".py" else r"^\w[\w *]*\b"
        return bool(re.search(rf"{begin}{self.definition}\(", file.read_text(), re.MULTILINE))


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return [text for found, text in _FENCE.findall(page.read_text()) if found == language]


def prose(page: Path) -> str:
    """All but the fenced blocks."""
    return _FENCE.sub("", page.read_text())


def codes(page: Path) -> list[str]:
    """What stands between backticks."""
    return _CODE.findall(prose(page))


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """The relative links: the file, and the anchor in it or nothing."""
    for link in _LINK.findall(prose(page)):
        if "://" not in link:
            path, _, anchor = link.partition("#")
            yield (page.parent / path).resolve() if path else page, anchor


def anchors(page: Path) -> set[str]:
    """Those of its headings, as GitHub makes them."""
    found: dict[str, int] = {}
    for heading in _HEADING.findall(prose(page)):
        kept = "".join(char for char in heading.lower() if char.isalnum() or char in " -_")
        slug = kept.replace(" ", "-")
        found[slug] = found.get(slug, -1) + 1
        if found[slug]:
            found[f"{slug}-{found[slug]}"] = 0
    return set(found)


def places(page: Path) -> list[Place]:
    """The paths below bench, native, tests and docs that a page names, also in its commands."""
    text = _LINK.sub("", page.read_text())
    found = (place.partition(":") for place in _PLACE.findall(text))
    return [Place(path, definition) for path, _, definition in found]


def commands(page: Path, program: str) -> Iterator[list[str]]:
    """The words behind a program's name, of every line of a console block that starts it."""
    for block in blocks(page, "console"):
        for line in block.splitlines():
            if line.lstrip().startswith(("$ ", "# ")):
                words = shlex.split(line.lstrip()[2:], comments=True)
                while words and _ASSIGNMENT.fullmatch(words[0]):
                    words = words[1:]
                if words[:1] == [program]:
                    yield words[1:]


def mentions(page: Path, program: str) -> Iterator[list[str]]:
    """The same of what stands between backticks, where it may be a part of a command."""
    for code in codes(page):
        words = code.split()
        if words[0] == program and len(words) > 1:
            yield words[1:]


def rows(page: Path, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading."""
    below = page.read_text().partition(f"# {heading}\n")[2]
    lines = re.search(r"(?:^\|.*\n)+", below, re.MULTILINE)
    assert lines, f"{name_of(page)} has no table below {heading}"
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines[0].split("\n"))
    return [row for row in cells if len(row) > 1][2:]
