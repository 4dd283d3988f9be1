"""A real headless Chromium for tests of pages: one for a file of tests, off the network."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_PROGRAM = "chromium"
# Its own sandbox needs user namespaces, which containers lack; the pages are ours.
_OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
PHONE_PX, DESK_PX = 390, 1200
LIGHT, DARK = "light", "dark"
_SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Debian's Chromium, driven by Playwright."""
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install '.[dev]'"
    )
    program = shutil.which(_PROGRAM)
    if program is None:
        pytest.skip(f"{_PROGRAM} is not installed: apt-get install {_PROGRAM}")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=list(_OPTIONS))
        yield started
        started.close()


@contextlib.contextmanager
def opened(
    browser: "Browser", file: Path, width_px: int = DESK_PX, scheme: str = LIGHT
) -> Iterator["Page"]:
    """A page in a window of that width; whatever it complains of, or asks from elsewhere, fails."""
    context = browser.new_context(
        viewport={"width": width_px, "height": 900},
        color_scheme="dark" if scheme == DARK else "light",
        offline=True,
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.goto(file.as_uri())
    yield page
    context.close()
    assert complaints == []


def serious_violations(page: "Page") -> list[str]:
    """What axe-core finds of a page that is serious or critical, each with where it is."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright",
        reason="axe-core is not installed: pip install '.[dev]'",
    )
    found: list[dict[str, Any]] = axe.Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['help']} ({one['nodes'][0]['html'][:200]})"
        for one in found
        if one["impact"] in _SERIOUS
    ]


def overflow_px(page: "Page") -> int:
    """How far a page reaches beyond its window: more than 0 has to be scrolled sideways."""
    wide: int = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return wide
