"""Operation file-immutable: of files of ours alone, and not stopped by an inode in memory."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import needs, needs_root
from immutable import is_immutable, set_immutable
from native.programs import Program

pytestmark = pytest.mark.native


@pytest.fixture
def file(place: Path) -> Iterator[Path]:
    file = place / "loadstone-file"
    file.write_bytes(b"data")
    try:
        set_immutable(file, False)
    except OSError:
        pytest.skip("no immutable attribute here: TMPDIR on ext4, XFS or btrfs")
    yield file
    if file.exists():
        set_immutable(file, False)


@needs_root
@pytest.mark.root
def test_the_attribute_is_given_and_taken_away(checked: Program, file: Path) -> None:
    for on in (True, True, False, False, True, False):
        word = "on" if on else "off"
        assert checked.run("file-immutable", file=file, immutable=word).failure is None
        assert is_immutable(file) == on
    file.write_bytes(b"more")


@needs_root
@needs("strace")
@pytest.mark.root
def test_where_an_inode_in_memory_has_it_refused_it_is_forgotten_first(
    checked: Program, file: Path
) -> None:
    """As F2FS may refuse; the second ioctl sets the attribute."""

    def refusing(when: str) -> Program:
        inject = f"--inject=ioctl:error=EOPNOTSUPP:when={when}"
        words = ("strace", "-f", "-qqq", "-o", "/dev/null", "-P", str(file), inject)
        return checked.under(*words, finds_leaks=False)

    set_immutable(file, True)
    answer = refusing("2").run("file-immutable", file=file, immutable="off")
    assert answer.failure is None
    assert not is_immutable(file)
    answer = refusing("2+2").run("file-immutable", file=file, immutable="on")
    assert answer.failure == ("ENOTSUP", "FS_IOC_SETFLAGS", str(file), -1)
    assert not is_immutable(file)


@needs_root
@pytest.mark.root
def test_a_user_without_rights_is_refused(checked: Program, file: Path) -> None:
    words = ("setpriv", "--bounding-set=-linux_immutable")
    answer = checked.under(*words).run("file-immutable", file=file, immutable="on")
    assert answer.failure == ("EPERM", "FS_IOC_SETFLAGS", str(file), -1)
    # Nothing is to be changed.
    answer = checked.under(*words).run("file-immutable", file=file, immutable="off")
    assert answer.failure is None


@pytest.mark.parametrize(
    ("name", "code", "step"),
    [
        ("precious", "EPERM", "file name"),
        ("loadstone-x/../precious", "EPERM", "file name"),
        ("loadstone-link", "EINVAL", "file name"),
        ("loadstone-x", "EINVAL", "file name"),
        ("loadstone-none", "ENOENT", "open"),
        ("precious/loadstone-a", "ENOTDIR", "open"),
    ],
)
def test_nothing_else_is_touched(
    checked: Program, place: Path, name: str, code: str, step: str
) -> None:
    (place / "precious").touch()
    (place / "loadstone-x").mkdir()
    (place / "loadstone-link").symlink_to("precious")
    path = f"{place}/{name}"
    failure = checked.run("file-immutable", file=path, immutable="on").failure
    assert failure == (code, step, path, -1)
    shutil.rmtree(place / "loadstone-x")
    (place / "precious").unlink()
