"""Loop devices: attached, journaled first, and gone whatever ends the process that made them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from commands import MIB, needs, needs_root
from leftovers import leftovers
from loadstone.errors import CannotMeasureError
from loadstone.provision.journal import Journal
from loadstone.provision.leftovers import clean
from loadstone.provision.loop_device import goes_direct, loop_device
from loadstone.provision.record import Entry
from loadstone.provision.removers import is_mounted
from loadstone.targets.local import LocalTarget

pytestmark = pytest.mark.usefixtures("nothing_is_left")

HOLD = """
import sys, time
from pathlib import Path
from loadstone.provision.journal import Journal
from loadstone.provision.loop_device import loop_device
from loadstone.targets.local import LocalTarget
results, image = Path(sys.argv[1]), sys.argv[2]
with Journal(results) as journal, loop_device(LocalTarget(results), journal, image) as device:
    print(device, flush=True)
    time.sleep(600 if len(sys.argv) > 3 else 0)
"""


@pytest.fixture
def image(place: Path) -> Iterator[Path]:
    """A sparse file of 16 MiB."""
    path = place / "loadstone-image"
    with path.open("wb") as stream:
        stream.truncate(16 * MIB)
    yield path
    path.unlink()
    shutil.rmtree(place / "results", ignore_errors=True)


@pytest.fixture
def target(place: Path) -> Iterator[LocalTarget]:
    target = LocalTarget(place / "results")
    yield target
    target.close()


def orphan(entry: Entry, **changes: object) -> None:
    """Make an entry of this process look like one of a process that has died."""
    record = msgspec.structs.replace(entry.record, **{"pid_start": 1, "lock": "", **changes})
    entry.path.write_bytes(msgspec.json.encode(record))


@needs_root
@pytest.mark.parametrize("direct_io", [True, False])
def test_a_file_is_a_device_as_long_as_the_context(
    target: LocalTarget, image: Path, direct_io: bool
) -> None:
    with Journal(image.parent / "results") as journal:
        with loop_device(target, journal, image, direct_io=direct_io) as device:
            written = os.urandom(4096)
            Path(device).write_bytes(written)
            os.sync()
            assert goes_direct(target, device) <= direct_io
            assert leftovers(image.parent).loops == {os.path.realpath(image)}
        assert journal.take_down() == []
    with image.open("rb") as stream:
        assert stream.read(4096) == written


@needs_root
def test_an_error_goes_on_and_the_device_is_gone(target: LocalTarget, image: Path) -> None:
    with (
        pytest.raises(KeyError),
        Journal(image.parent / "results") as journal,
        loop_device(target, journal, image),
    ):
        raise KeyError


@needs_root
def test_what_a_killed_process_attached_is_detached_by_clean(image: Path) -> None:
    results = image.parent / "results"
    words = [sys.executable, "-c", HOLD, str(results), str(image), "and stay"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"/dev/loop")
    process.kill()
    process.communicate()
    assert leftovers(image.parent).loops
    assert [removal.problem for removal in clean(results)] == [None]
    assert clean(results) == []


@needs_root
def test_a_device_whose_image_was_deleted_is_found_all_the_same(
    target: LocalTarget, image: Path
) -> None:
    with (
        Journal(image.parent / "results") as journal,
        loop_device(target, journal, image) as device,
    ):
        image.unlink()
    assert not (Path("/sys/block") / Path(device).name / "loop").exists()
    image.touch()


@needs_root
@needs("mkfs.ext4")
def test_a_device_that_is_mounted_stays_in_the_journal_until_it_is_not(image: Path) -> None:
    results, point = image.parent / "results", image.parent / "elsewhere"
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    point.mkdir()
    journal = Journal(results)
    entry = journal.entry("loop", str(image))
    subprocess.run(["mount", "-o", "loop", image, point], check=True)
    orphan(entry)
    try:
        (removal,) = clean(results)
        assert "is still in use; end or unmount what uses it" in (removal.problem or "")
    finally:
        subprocess.run(["umount", point], check=True)
    assert [removal.problem for removal in clean(results)] == [None]


@needs_root
@needs("strace")
def test_no_free_device_is_told_with_what_to_do(image: Path) -> None:
    """The kernel has none to give, and those that are there cannot be had either."""
    devices = [word for path in Path("/dev").glob("loop*") for word in ("-P", str(path))]
    done = subprocess.run(
        [
            *("strace", "-f", "-qq", "-o", "/dev/null", *devices),
            *("-e", "trace=ioctl", "-e", "inject=ioctl:error=ENOSPC"),
            *(sys.executable, "-c", HOLD, str(image.parent / "results"), str(image)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    said = done.stderr.splitlines()[-1]
    assert "CannotMeasureError: no loop device over " in said
    assert "No space left on device" in said
    assert "`losetup --all` shows" in said
    assert "modprobe loop max_loop=64" in said


@needs_root
def test_a_user_without_rights_is_told_to_be_root(image: Path, as_nobody: tuple[str, ...]) -> None:
    done = subprocess.run(
        [*as_nobody, sys.executable, "-c", HOLD, str(image.parent / "results"), str(image)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "a loop device is root's to make: open /dev/loop-control" in done.stderr
    assert "Permission denied (EACCES); run as root" in done.stderr


@needs_root
def test_a_file_that_is_no_image_is_refused(target: LocalTarget, image: Path) -> None:
    with (
        pytest.raises(CannotMeasureError, match=r"no loop device over .*none.*: "),
        Journal(image.parent / "results") as journal,
        loop_device(target, journal, image.with_name("loadstone-none")),
    ):
        pytest.fail("was attached")


@pytest.mark.parametrize("kind", ["loop", "mount"])
@pytest.mark.parametrize(
    "name", ["/etc/passwd", "loadstone-image", "/loadstone-x/..", "/dev/loop0"]
)
def test_what_is_not_named_as_ours_is_never_taken_down(
    tmp_path: Path, kind: str, name: str
) -> None:
    orphan(Journal(tmp_path).entry(kind, name))
    (removal,) = clean(tmp_path)
    assert "it is no absolute path of a thing named loadstone-" in (removal.problem or "")


def test_a_link_is_never_unmounted(tmp_path: Path) -> None:
    link = tmp_path / "loadstone-link"
    link.symlink_to("/proc")
    orphan(Journal(tmp_path).entry("mount", str(link)))
    (removal,) = clean(tmp_path)
    link.unlink()
    assert "it is a link" in (removal.problem or "")
    assert is_mounted(Path("/proc"))


@pytest.mark.parametrize("kind", ["loop", "mount"])
def test_what_was_written_down_but_never_made_is_taken_for_gone(tmp_path: Path, kind: str) -> None:
    orphan(Journal(tmp_path).entry(kind, str(tmp_path / "loadstone-none")))
    assert [removal.problem for removal in clean(tmp_path)] == [None]
    assert clean(tmp_path) == []


@needs_root
def test_mounts_on_top_of_each_other_all_go(place: Path) -> None:
    point = place / "loadstone-mount"
    point.mkdir()
    for _ in range(2):
        subprocess.run(["mount", "-t", "tmpfs", "loadstone-test", point], check=True)
    orphan(Journal(place / "results").entry("mount", str(point)))
    assert [removal.problem for removal in clean(place / "results")] == [None]
    assert not point.exists()


@needs_root
def test_a_busy_mount_is_told_and_kept(place: Path) -> None:
    point = place / "loadstone-mount"
    point.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "loadstone-test", point], check=True)
    orphan(Journal(place / "results").entry("mount", str(point)))
    with (point / "held").open("w"):
        (removal,) = clean(place / "results")
        assert "target is busy; end what still uses it" in (removal.problem or "")
    assert [removal.problem for removal in clean(place / "results")] == [None]
