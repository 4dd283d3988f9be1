"""Block devices: what anybody uses is refused and stays as it was, what is made is gone."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from commands import MIB, needs, needs_root
from devices import checksum, frozen, loop, mounted, number_of, partition, run, swapped_on
from leftovers import leftovers
from loadstone.errors import CannotMeasureError, UsageError
from loadstone.model import Input
from loadstone.provision.block_device import BlockDevice, block_devices, claim
from loadstone.provision.journal import Journal
from loadstone.provision.leftovers import clean
from loadstone.targets.local import LocalTarget

pytestmark = pytest.mark.usefixtures("nothing_is_left")

CLAIM = """
import sys
from pathlib import Path
from loadstone.provision.block_device import claim
from loadstone.targets.local import LocalTarget
print(claim(LocalTarget(Path(sys.argv[1])), sys.argv[2], 0))
"""

HOLD = """
import sys, time
from pathlib import Path
from loadstone.provision.block_device import block_devices
from loadstone.provision.journal import Journal
from loadstone.provision.leftovers import clean
from loadstone.model import Input
from loadstone.targets.local import LocalTarget
results, input = Path(sys.argv[1]), Input(directory=sys.argv[2])
target, sizes = LocalTarget(results), (1 << 20, 1 << 20)
with (
    Journal(results) as journal,
    block_devices(target, input, journal, sizes, written_bytes=0) as devices,
):
    print(len(devices), flush=True)
    time.sleep(600)
"""

IN_USE = "it is in use, and nothing was written to it"
END_IT = "unmount it or end what uses it, or name another"


@pytest.fixture
def target(place: Path) -> Iterator[LocalTarget]:
    target = LocalTarget(place / "results")
    yield target
    target.close()
    shutil.rmtree(place / "results", ignore_errors=True)


@pytest.fixture
def device(place: Path) -> Iterator[str]:
    """A loop device of 4 MiB, which can have partitions."""
    with loop(place / "image", "--partscan") as device:
        yield device


def refused(target: LocalTarget, named: str, needed_bytes: int = 0) -> str:
    """What is said of a device that may not be taken; it holds afterwards what it held."""
    before = checksum(named) if Path(named).is_block_device() else None
    with pytest.raises(UsageError) as caught:
        claim(target, named, needed_bytes)
    assert before is None or checksum(named) == before
    said = str(caught.value)
    assert said.startswith(f"--device {named}: ")
    return said.removeprefix(f"--device {named}: ")


@needs_root
def test_a_device_that_nobody_uses_is_taken_and_stays_as_it_is(
    target: LocalTarget, device: str
) -> None:
    before = checksum(device)
    taken = claim(target, device, 4 * MIB)
    assert checksum(device) == before
    assert (taken.path, taken.bytes, taken.number) == (device, 4 * MIB, number_of(device))
    assert taken.facts == {"device.kind": "named"}
    directory = f"/sys/dev/block/{number_of(device)}"
    assert taken.samples(target) == (f"{directory}/stat", f"{directory}/queue/iostats")


@needs_root
def test_a_link_to_a_device_is_the_device(target: LocalTarget, device: str, place: Path) -> None:
    link = place / "link"
    link.symlink_to(device)
    assert claim(target, str(link), 0).path == device


@needs_root
def test_a_partition_may_be_taken_and_its_flushes_are_counted_at_its_disk(
    target: LocalTarget, device: str
) -> None:
    with partition(device) as part:
        taken = claim(target, part, 2 * MIB)
        assert (taken.path, taken.bytes, taken.number) == (part, 2 * MIB, number_of(part))
        files = [Path(path).resolve() for path in taken.samples(target)]
        disk = Path(f"/sys/class/block/{Path(device).name}").resolve()
        assert files == [disk / "stat", disk / "queue/iostats"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_bytes(b"data"), "it is no block device"),
        (lambda path: path.mkdir(), "it is no block device"),
        (lambda path: path.symlink_to("/dev/null"), "it is no block device"),
        (lambda path: path.symlink_to("/dev/full"), "it is no block device"),
        (os.mkfifo, "it is no block device"),
        (lambda path: path.symlink_to("nowhere"), "No such file or directory (ENOENT)"),
        (Path.exists, "No such file or directory (ENOENT); check the name"),
    ],
    ids=["file", "directory", "null", "full", "fifo", "dangling", "missing"],
)
def test_what_is_no_block_device_is_refused_without_waiting(
    target: LocalTarget, place: Path, make: Callable[[Path], object], words: str
) -> None:
    make(place / "thing")
    assert words in refused(target, str(place / "thing"))


@needs_root
def test_a_read_only_device_is_refused(target: LocalTarget, place: Path) -> None:
    with loop(place / "image", "--read-only") as device:
        assert refused(target, device).startswith("it is read-only; name another, or blockdev")


@needs_root
@pytest.mark.parametrize("fs_type", ["ext4", "btrfs"])
def test_a_mounted_device_is_refused_with_where(
    target: LocalTarget, place: Path, fs_type: str
) -> None:
    """btrfs gives its mount a device number that is not the disk's."""
    if shutil.which(f"mkfs.{fs_type}") is None:
        pytest.skip(f"needs mkfs.{fs_type}: apt-get install e2fsprogs btrfs-progs")
    point = place / "at here"
    with (
        loop(place / "image", size_bytes=128 * MIB) as device,
        mounted(device, point, fs_type),
        frozen(point),
    ):
        said = refused(target, device)
        assert said == f"{IN_USE}: mounted on {point}; {END_IT}"


@needs_root
@needs("mkswap", "swapon")
def test_a_device_that_is_swapped_on_is_refused(target: LocalTarget, device: str) -> None:
    with swapped_on(device):
        said = refused(target, device)
        assert said == f"{IN_USE}: swapped on; {END_IT}"


@needs_root
def test_a_device_that_a_process_holds_is_refused(target: LocalTarget, device: str) -> None:
    fd = os.open(device, os.O_RDONLY | os.O_EXCL)
    try:
        assert "somebody holds it exclusively (fuser -v tells who)" in refused(target, device)
    finally:
        os.close(fd)
    assert claim(target, device, 0).path == device


@needs_root
@needs("addpart")
def test_a_disk_with_partitions_is_refused_with_their_names(
    target: LocalTarget, device: str
) -> None:
    with partition(device) as part:
        assert f"it has partitions ({Path(part).name}); name one of them" in refused(target, device)
    assert claim(target, device, 0).path == device


@needs_root
@needs("addpart", "mkfs.ext4")
def test_a_disk_whose_partition_is_mounted_is_refused_with_where(
    target: LocalTarget, device: str, place: Path
) -> None:
    with partition(device) as part, mounted(part, place / "at") as at, frozen(at):
        said = refused(target, device)
        assert said.startswith(f"{IN_USE}: its partition {Path(part).name} is mounted on ")
        assert f"mounted on {place / 'at'}; {END_IT}" in said
        assert f"{IN_USE}: mounted on {place / 'at'}" in refused(target, part)


@needs_root
@needs("addpart", "mkswap")
def test_a_disk_whose_partition_is_swapped_on_is_refused(target: LocalTarget, device: str) -> None:
    with partition(device) as part, swapped_on(part):
        assert f"its partition {Path(part).name} is swapped on;" in refused(target, device)


@needs_root
@needs("addpart")
def test_a_disk_whose_partition_somebody_holds_is_refused(target: LocalTarget, device: str) -> None:
    with partition(device) as part:
        fd = os.open(part, os.O_RDONLY | os.O_EXCL)
        try:
            assert f"its partition {Path(part).name} may be held;" in refused(target, device)
            assert "somebody holds it exclusively" in refused(target, part)
        finally:
            os.close(fd)


@needs_root
def test_a_device_that_is_too_small_is_refused_with_both_sizes(
    target: LocalTarget, device: str
) -> None:
    said = refused(target, device, 4 * MIB + 1)
    assert said == (
        "it holds 4194304 bytes, and the Cases take 4194305 bytes; name a larger one, or --set less"
    )
    assert refused(target, device, 8 * MIB).startswith("it holds 4 MiB, and the Cases take 8 MiB;")


@pytest.mark.alone
@needs_root
def test_a_device_without_a_medium_is_refused(target: LocalTarget) -> None:
    """A loop device that has no file."""
    assert refused(target, run("losetup", "--find"), 1).startswith("it holds 0 B, ")


@needs_root
def test_a_user_without_rights_is_told_so(
    place: Path, device: str, as_nobody: tuple[str, ...]
) -> None:
    before = checksum(device)
    done = subprocess.run(
        [*as_nobody, sys.executable, "-c", CLAIM, str(place / "results"), device],
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"UsageError: --device {device}: Permission denied (EACCES); run as root" in done.stderr
    assert checksum(device) == before


@contextlib.contextmanager
def made(
    target: LocalTarget, place: Path, *sizes: int, written_bytes: int = 0, **of: object
) -> Iterator[list[BlockDevice]]:
    """Devices for a Subject that works below ``place``."""
    input = Input(directory=str(place), **of)  # type: ignore[arg-type]
    with (
        Journal(place / "results") as journal,
        block_devices(target, input, journal, sizes, written_bytes=written_bytes) as devices,
    ):
        yield list(devices)


@needs_root
def test_without_a_name_loop_devices_are_made_and_gone_afterwards(
    target: LocalTarget, place: Path
) -> None:
    with made(target, place, 8 * MIB, 3 * 512) as devices:
        assert [one.bytes for one in devices] == [8 * MIB, 3 * 512]
        assert len({one.number for one in devices}) == 2
        images = {str(one.facts["device.image"]) for one in devices}
        assert leftovers(place).loops == {os.path.realpath(image) for image in images}
        assert all(Path(path).exists() for one in devices for path in one.samples(target))
        for one in devices:
            with Path(one.path).open("r+b") as stream:
                assert stream.write(bytes(512)) == 512
    assert leftovers(place).loops == leftovers(place).files == frozenset()
    assert not list((place / "results/journal").iterdir())


@needs_root
def test_an_error_goes_on_and_the_devices_are_gone(target: LocalTarget, place: Path) -> None:
    with pytest.raises(KeyError), made(target, place, MIB, MIB):
        raise KeyError


@needs_root
def test_what_a_killed_process_made_is_removed_by_clean(place: Path) -> None:
    results = place / "results"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(results), str(place)], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"2\n"
    process.kill()
    process.communicate()
    left = leftovers(place)
    assert (len(left.loops), len(left.files)) == (2, 2)
    assert [removal.problem for removal in clean(results)] == [None] * 4
    assert leftovers(place).loops == leftovers(place).files == frozenset()


@needs_root
def test_one_that_cannot_be_made_takes_the_others_down(target: LocalTarget, place: Path) -> None:
    with (
        pytest.raises(
            CannotMeasureError, match=r"make .*/loadstone-device-.* of 1048576TiB: File too"
        ),
        made(target, place, MIB, 1 << 60),
    ):
        pytest.fail("was made")


@needs_root
def test_no_room_is_told_before_anything_is_made(target: LocalTarget, place: Path) -> None:
    small = place / "small"
    small.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=16m", "loadstone-test", str(small))
    try:
        with (
            pytest.raises(CannotMeasureError) as caught,
            made(target, small, MIB, MIB, written_bytes=512 * MIB),
        ):
            pytest.fail("was made")
        assert not list(small.rglob("loadstone-*"))
    finally:
        run("umount", str(small))
    said = str(caught.value)
    assert said.startswith(f"512 MiB are needed, and only 16 MiB free in {small}; free some")


@needs_root
def test_devices_that_were_named_are_taken_in_their_order(target: LocalTarget, place: Path) -> None:
    with ExitStack() as stack:
        names = tuple(stack.enter_context(loop(place / f"image{i}")) for i in range(3))
        before = [checksum(name) for name in names]
        with made(target, place, MIB, 2 * MIB, devices=names) as devices:
            assert [one.path for one in devices] == list(names[:2])
            assert not leftovers(place).files
        assert [checksum(name) for name in names] == before


@needs_root
def test_one_device_by_two_names_is_refused(target: LocalTarget, device: str, place: Path) -> None:
    link = place / "link"
    link.symlink_to(device)
    with (
        pytest.raises(UsageError, match=f"--device {link}: is the same device as {device}"),
        made(target, place, MIB, MIB, devices=(device, str(link))),
    ):
        pytest.fail("was taken twice")


@needs_root
def test_simulated_storage_that_nobody_knows_is_refused(target: LocalTarget, place: Path) -> None:
    with (
        pytest.raises(
            UsageError, match=r"--device sdb: no such storage.* by its path, such as /dev/sdb"
        ),
        made(target, place, MIB, devices=("sdb",)),
    ):
        pytest.fail("was taken")
