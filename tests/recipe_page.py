"""The recipes' files, and the page that shows each of them whole.

``python tests/recipe_page.py`` writes into the page what the files are now.
"""

import re
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "recipes.md"
RECIPES = ROOT / "examples" / "recipes"
_LANGUAGES = {".c": "c", ".h": "c", ".py": "python"}
# A line that begins with the link to a file, and the block below it.
_SHOWN = re.compile(
    r"(^\[(?P<name>\w+\.\w+)\]\(\.\./examples/recipes/(?P=name)\)[^\n]*\n\n```)(\w+)\n(.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


def files() -> Mapping[str, Path]:
    """By name."""
    return {path.name: path for path in sorted(RECIPES.iterdir()) if path.suffix in _LANGUAGES}


def shown(text: str) -> list[str]:
    """The names of the files that a page shows."""
    return [found["name"] for found in _SHOWN.finditer(text)]


def brought_up_to_date(text: str) -> str:
    """The page with what the files are now."""

    def block(found: re.Match[str]) -> str:
        path = files()[found["name"]]
        return f"{found[1]}{_LANGUAGES[path.suffix]}\n{path.read_text()}```"

    return _SHOWN.sub(block, text)


if __name__ == "__main__":
    PAGE.write_text(brought_up_to_date(PAGE.read_text()))
