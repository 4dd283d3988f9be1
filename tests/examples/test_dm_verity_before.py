"""The example that makes the dm-verity of before, on a source of the test's own."""

import io
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

_PROGRAM = Path(__file__).parents[2] / "examples" / "dm-verity-before" / "make_module.py"
_TARGET = "dm-verity-target.c"
_OTHERS = (
    *("dm-verity.h", "dm-verity-fec.c", "dm-verity-fec.h"),
    *("dm-verity-verify-sig.c", "dm-verity-verify-sig.h"),
)
# The two spots that are changed, and what is around them.
_CODE = """\
static void finish(struct bio *bio)
{
\tif (bio->bi_status &&
\t    (!verity_fec_is_enabled(io->v) ||
\t     verity_is_system_shutting_down() ||
\t     (bio->bi_opf & REQ_RAHEAD))) {
\t\treturn;
\t}
}
static int verify(void)
{
\tif (is_right) {
\t\treturn 0;
\t} else if (verity_recheck(v, io, start, cur_block) == 0) {
\t\treturn 0;
\t}
}
"""
_CHANGED = """\
static void finish(struct bio *bio)
{
\tif (bio->bi_status &&
\t    (!verity_fec_is_enabled(io->v) ||
\t     verity_is_system_shutting_down())) {
\t\treturn;
\t}
}
static int verify(void)
{
\tif (is_right) {
\t\treturn 0;
\t} else if (0 && verity_recheck(v, io, start, cur_block) == 0) {
\t\treturn 0;
\t}
}
"""


def source_of(place: Path, files: Mapping[str, str]) -> Path:
    """A source package's archive with these among others."""
    source = place / "linux-source-6.1.tar.xz"
    with tarfile.open(source, "w:xz") as archive:
        for name, text in {"dm-zero.c": "zero", **files, "dm.c": "core"}.items():
            member = tarfile.TarInfo(f"linux-source-6.1/drivers/md/{name}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return source


def whole(code: str = _CODE) -> dict[str, str]:
    return {**{name: f"of {name}" for name in _OTHERS}, _TARGET: code}


def make(directory: Path, source: Path) -> "subprocess.CompletedProcess[str]":
    words: list[str | Path] = [sys.executable, _PROGRAM, directory, "--source", source]
    return subprocess.run(words, check=False, capture_output=True, text=True, timeout=60)


def test_two_spots_are_changed_and_all_else_is_taken_as_it_is(tmp_path: Path) -> None:
    done = make(tmp_path / "before", source_of(tmp_path, whole()))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    made = {path.name: path.read_text() for path in (tmp_path / "before").iterdir()}
    assert made.pop("Kbuild").startswith("obj-m := dm-verity.o\n")
    assert made == whole(_CHANGED)


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        (_CODE.replace("REQ_RAHEAD", "REQ_META"), "REQ_RAHEAD"),
        (_CODE.replace("verity_recheck(v, io, start, cur_block)", "recheck()"), "verity_recheck"),
        (_CODE + _CODE, "REQ_RAHEAD"),
        (_CHANGED, "REQ_RAHEAD"),
    ],
)
def test_a_source_without_these_spots_is_the_wrong_one(
    tmp_path: Path, code: str, complaint: str
) -> None:
    done = make(tmp_path / "before", source_of(tmp_path, whole(code)))
    assert done.returncode == 2
    assert done.stderr.startswith(f"{_TARGET} does not have this once: ")
    assert complaint in done.stderr
    assert done.stderr.endswith(": take linux-source-6.1\n")


def test_a_source_that_lacks_a_file_is_the_wrong_one(tmp_path: Path) -> None:
    files = whole()
    del files["dm-verity-fec.c"]
    source = source_of(tmp_path, files)
    done = make(tmp_path / "before", source)
    assert done.returncode == 2
    assert done.stderr == (
        f"{source} has no linux-source-6.1/drivers/md/dm-verity-fec.c: take linux-source-6.1\n"
    )


def test_what_is_no_archive_and_what_is_there_already_are_told(tmp_path: Path) -> None:
    source = tmp_path / "source.tar.xz"
    source.write_text("no archive")
    done = make(tmp_path / "before", source)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    done = make(tmp_path / "before", source)
    assert done.returncode == 2
    assert "File exists" in done.stderr
