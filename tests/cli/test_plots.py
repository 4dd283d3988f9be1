"""``loadstone report --plots``: where it cannot write, or lacks what PNG is made with."""

import contextlib
import os
import sys
from pathlib import Path

import pytest

from commands import Command, needs_root
from devices import loop, mounted
from report.pages import MEASURED, run_with
from sample_runs import write_run

_WITHOUT = "import sys; sys.modules['resvg_py'] = None; from loadstone.cli import main; main()"
_NO_FONTS = (
    "for at in /usr/share/fonts /usr/local/share/fonts /usr/share/texmf /usr/share/texlive; do "
    '[ ! -d $at ] || mount -t tmpfs none $at; done; HOME=/nonexistent exec "$@"'
)


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """A Run named r."""
    write_run(run_with(*MEASURED), tmp_path / "stored")
    return tmp_path / "stored"


def test_the_files_are_named_and_html_is_written_only_where_it_is_asked_for(
    loadstone: Command, stored: Path
) -> None:
    at = loadstone.place / "pictures"
    done = loadstone("report", "r", "--results", stored, "--plots", at)
    assert (done.code, done.err) == (0, "")
    named = done.out.splitlines()
    assert sorted(named) == sorted(map(str, at.iterdir()))
    assert not list(Path.cwd().glob("r.html"))
    page = loadstone.place / "r.html"
    both = loadstone("report", "r", "--results", stored, "--plots", at, "-o", page)
    assert both.out.splitlines() == [*named, str(page)]
    assert page.read_text().startswith("<!DOCTYPE html>")


def test_an_index_has_no_pictures(loadstone: Command, stored: Path) -> None:
    done = loadstone("report", "--index", "--results", stored, "--plots", loadstone.place / "d")
    assert done.code == 2
    assert done.complaint == "an index has no pictures; leave --index or --plots out"


def _fill(path: Path, but_bytes: int) -> None:
    """Leave room for a picture, but not for all of them."""
    with path.open("wb", buffering=0) as stream:
        with contextlib.suppress(OSError):
            while stream.write(bytes(4096)):
                pass
        stream.truncate(stream.tell() - but_bytes)
    os.sync()


@pytest.mark.root
@needs_root
def test_a_full_disk_leaves_the_old_pictures_and_no_part_of_the_new(
    loadstone: Command, stored: Path
) -> None:
    with (
        loop(loadstone.place / "image", size_bytes=4 << 20) as device,
        mounted(device, loadstone.place / "small") as at,
    ):
        old = at / "r-figures.svg"
        old.write_text("old")
        _fill(at / "rest", but_bytes=24 << 10)
        done = loadstone("report", "r", "--results", stored, "--plots", at)
        assert done.code == 2
        assert "No space left on device (ENOSPC); free space, or name another" in done.complaint
        assert old.read_text() == "old"
        assert {path.name for path in at.iterdir()} == {"r-figures.svg", "rest", "lost+found"}


def test_a_limit_of_file_size_leaves_nothing(loadstone: Command, stored: Path) -> None:
    at = loadstone.place / "d"
    limited = ("prlimit", "--fsize=20000")
    done = loadstone("report", "r", "--results", stored, "--plots", at, before=limited)
    assert done.code == 2
    assert "cannot write the picture" in done.complaint
    assert "File too large (EFBIG)" in done.complaint
    assert not at.exists()


def test_without_its_library_it_names_the_extra_and_writes_nothing(
    loadstone: Command, stored: Path
) -> None:
    at = loadstone.place / "d"
    program = (sys.executable, "-c", _WITHOUT)
    done = loadstone("report", "r", "--results", stored, "--plots", at, program=program)
    assert done.code == 3
    assert "resvg-py" in done.complaint
    assert done.complaint.endswith("; pip install 'loadstone[plots]'")
    assert not at.exists()


@pytest.mark.root
@needs_root
def test_without_a_font_it_says_so_instead_of_leaving_the_words_away(
    loadstone: Command, stored: Path
) -> None:
    at = loadstone.place / "d"
    bare = ("unshare", "--mount", "sh", "-ec", _NO_FONTS, "sh")
    done = loadstone("report", "r", "--results", stored, "--plots", at, before=bare)
    assert done.code == 3
    assert done.complaint == (
        "no font is installed here that PNG pictures could be labelled in; "
        "install the Debian package fonts-dejavu-core"
    )
    assert not at.exists()
