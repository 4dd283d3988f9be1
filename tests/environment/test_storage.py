"""The layers that a path lies on, down to the lowest device; what cannot be looked through."""

import contextlib
import ctypes
import errno
import os
import stat
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from commands import MIB, needs, needs_root
from devices import loop, mounted, number_of, run
from environment.ufs_phone import DISK, VIRTUAL, add_block, ufs_phone
from fake_phone import Phone
from loadstone.core.remote_files import FileStat, require_file
from loadstone.environment.path import MACHINE_SAMPLES, path_facts, path_samples
from loadstone.environment.storage import Storage, find_storage
from loadstone.model import CoreError, Fact, Job, Outcome
from loadstone.targets.local import LocalTarget

_MAPPED = "0f4ff6e0-2a0b-4b8f-8d38-0c4f0a9c1a55"
_ID = {"btrfs_id_high": 0x0F4FF6E02A0B4B8F, "btrfs_id_low": 0x8D380C4F0A9C1A55 - (1 << 64)}


@pytest.fixture
def local(place: Path) -> Iterator[LocalTarget]:
    target = LocalTarget(place / "results")
    yield target
    target.close()


def storage_of(target: LocalTarget, path: Path) -> Storage:
    seen = require_file(target.execute, str(path))
    return find_storage(seen, target.read_text, target.read_texts, target.execute)


def bare_mount(source: str, point: Path, fs_type: str, options: str = "") -> None:
    """mount(2) as it is: mount(8) would follow links, and make a loop device of a file."""
    libc = ctypes.CDLL(None, use_errno=True)
    words = (source.encode(), str(point).encode(), fs_type.encode(), 0, options.encode())
    if libc.mount(*words):
        code = ctypes.get_errno()
        reason = f"mount {fs_type} on {source}: {os.strerror(code)}; a kernel with {fs_type} has it"
        assert code in (errno.ENODEV, errno.ENOTBLK, errno.EINVAL), reason
        pytest.skip(reason)


@contextlib.contextmanager
def unmounted_again(point: Path) -> Iterator[Path]:
    point.mkdir(exist_ok=True)
    try:
        yield point
    finally:
        subprocess.run(["umount", str(point)], check=False, capture_output=True)


def lowest_names(storage: Storage) -> list[str]:
    return [node.name for node in storage.lowest]


@needs_root
def test_a_loop_device_is_looked_through_to_what_its_image_lies_on(
    local: LocalTarget, place: Path
) -> None:
    below = storage_of(local, place)
    image = place / "image"
    with loop(image, size_bytes=16 * MIB) as device, mounted(device, place / "at") as at:
        storage = storage_of(local, at)
        facts = local.environment(str(at)).facts
        samples = local.samples(str(at))
    name, number = Path(device).name, number_of_closed(storage)
    assert [node.name for node in storage.stacks] == [name]
    assert storage.lowest == below.lowest
    assert storage.unseen == below.unseen
    assert storage.caches[0] == f"the page cache of {image} below {name}"
    assert facts["image.paths"] == str(image)
    assert str(facts["block.stack"]).startswith(f"{name} ({image})")
    assert f"/sys/dev/block/{number}/stat" in samples
    own = {f"/sys/class/block/{one}/stat" for one in lowest_names(below)}
    assert storage.unseen or own <= set(samples)


def number_of_closed(storage: Storage) -> str | None:
    return storage.stacks[0].number


@needs_root
def test_a_loop_device_without_a_page_cache_of_its_own_has_none_below(
    local: LocalTarget, place: Path
) -> None:
    image = place / "image"
    with loop(image, "--direct-io=on", size_bytes=16 * MIB) as device:
        if (Path("/sys/class/block") / Path(device).name / "loop/dio").read_text().strip() != "1":
            pytest.skip("this file system has no direct I/O: TMPDIR on ext4, XFS or btrfs")
        storage = storage_of(local, Path(device))
    assert [image.is_direct for image in storage.images] == [True]
    assert storage.caches == ()


@needs_root
@needs("mkfs.btrfs")
def test_all_devices_of_a_btrfs_are_found_by_their_number(local: LocalTarget, place: Path) -> None:
    """Also where it was mounted by a link, as those in /dev/mapper are."""
    size = 128 * MIB
    with (
        loop(place / "one", size_bytes=size) as one,
        loop(place / "two", size_bytes=size) as two,
        unmounted_again(place / "at") as at,
    ):
        run("mkfs.btrfs", "-q", "-f", "-d", "raid1", one, two)
        link = place / "mapper"
        link.symlink_to(one)
        for device in (str(link), two):
            run("btrfs", "device", "scan", device)
        bare_mount(str(link), at, "btrfs")
        facts, samples = local.environment(str(at)).facts, local.samples(str(at))
        numbers = {number_of(one), number_of(two)}
        run("umount", str(at))
        run("btrfs", "device", "scan", "--forget", two)
        run("wipefs", "-a", two)
        bare_mount(one, at, "btrfs", "degraded")
        degraded = local.environment(str(at)).facts
    names = sorted(Path(device).name for device in (one, two))
    assert facts["block.names"] == " + ".join(names)
    assert {f"/sys/dev/block/{number}/stat" for number in numbers} <= set(samples)
    assert "cache.unseen" not in facts
    assert degraded["block.device"] is None
    assert degraded["cache.unseen"] == "btrfs, of whose 2 devices 1 are known"


@needs_root
def test_under_an_overlay_is_the_file_system_that_has_the_file(
    local: LocalTarget, place: Path
) -> None:
    for name in ("lower", "upper", "work", "at"):
        (place / name).mkdir()
    (place / "lower/model").write_bytes(b"below")
    options = ",".join(f"{name}dir={place / name}" for name in ("lower", "upper", "work"))
    with unmounted_again(place / "at") as at:
        bare_mount("overlay", at, "overlay", options)
        storage = storage_of(local, at / "model")
        facts = local.environment(str(at / "model")).facts
    below = storage_of(local, place)
    assert (storage.stacks, storage.fs_type) == (below.stacks, below.fs_type)
    assert (facts["fs.type"], facts["fs.lower_type"]) == ("overlay", below.fs_type)


@needs_root
@needs("mkfs.erofs")
def test_a_file_system_right_on_a_file_is_looked_through(local: LocalTarget, place: Path) -> None:
    (place / "content").mkdir()
    (place / "content/model").write_bytes(os.urandom(MIB))
    run("mkfs.erofs", "--quiet", str(place / "image"), str(place / "content"))
    with unmounted_again(place / "at") as at:
        bare_mount(str(place / "image"), at, "erofs")
        storage = storage_of(local, at / "model")
    assert storage.caches == (f"the page cache of {place / 'image'} below erofs",)
    assert storage.lowest == storage_of(local, place).lowest


@needs_root
@needs("bindfs")
def test_what_a_program_serves_is_not_looked_through(local: LocalTarget, place: Path) -> None:
    if not Path("/dev/fuse").exists():
        pytest.skip("this kernel has no FUSE: modprobe fuse")
    (place / "from").mkdir()
    with unmounted_again(place / "at") as at:
        run("bindfs", str(place / "from"), str(at))
        storage = storage_of(local, at)
    assert storage.unseen == (f"fuse ({place / 'from'})",)
    assert storage.lowest == ()


# From here on on trees of other machines, as their kernels write them.


@pytest.fixture
def phone(tmp_path: Path) -> Phone:
    return ufs_phone(tmp_path)


def seen_at(path: str, device: tuple[int, int]) -> FileStat:
    return FileStat(
        real_path=path,
        is_text=True,
        type=stat.S_IFREG,
        file_bytes=1,
        allocated_bytes=0,
        inode=1,
        mtime_ns=0,
        device=device,
        rdev=(0, 0),
        free_bytes=0,
        readable=0,
    )


class Core:
    """Answers what a core would on a phone where these files are."""

    def __init__(self, phone: Phone, files: Mapping[str, dict[str, int]]) -> None:
        self._phone = phone
        self._files = files

    def __call__(self, job: Job) -> Outcome:
        if job.operation == "list-directories":
            return self._phone.execute(job)
        if job.operation == "dm-targets":
            return Outcome(error=CoreError(code=errno.EACCES, step="open", path="/dev/mapper"))
        path = job.options["file"]
        if path not in self._files:
            return Outcome(error=CoreError(code=errno.ENOENT, step="stat", path=path))
        names = ("file_bytes", "allocated_bytes", "inode", "mtime_ns", "free_bytes", "type")
        numbers = ("device_major", "device_minor", "rdev_major", "rdev_minor")
        values = dict.fromkeys((*names, *numbers, "attributes"), 0) | {"btrfs": -errno.ENOTTY}
        return Outcome(values=values | self._files[path], before={path: path})


def facts_on(
    phone: Phone,
    mountinfo: str,
    device: tuple[int, int] = (0, 40),
    files: Mapping[str, dict[str, int]] | None = None,
) -> tuple[dict[str, Fact], list[str]]:
    phone.put("/proc/self/mountinfo", f"{mountinfo}\n")
    core, seen = Core(phone, files or {}), seen_at("/data/model", device)
    reads = (phone.read_text, phone.read_texts, core)
    samples = path_samples(seen, *reads)[len(MACHINE_SAMPLES) :]
    return path_facts(seen, *reads), [path for path in samples if path.endswith("/stat")]


def test_a_btrfs_below_a_mapper_link_is_found_by_its_id(phone: Phone) -> None:
    phone.link(f"/sys/fs/btrfs/{_MAPPED}/devices/dm-7", f"{VIRTUAL}/dm-7")
    known = {"/data/model": {"btrfs": 0, "btrfs_devices": 1, **_ID}}
    mount = "22 1 0:40 / /data rw - btrfs /dev/mapper/userdata rw"
    facts, samples = facts_on(phone, mount, files=known)
    assert facts["block.device"] == "254:7"
    assert samples == ["/sys/dev/block/254:7/stat", "/sys/class/block/sda33/stat"]


@pytest.mark.parametrize(
    ("mount", "unseen"),
    [
        ("0:40 / /data rw - nfs4 server:/models rw", "nfs4 (server:/models)"),
        ("0:40 / /data rw - 9p models rw,trans=virtio", "9p (models)"),
        ("0:40 / /data rw - virtiofs virtiofs rw", "virtiofs"),
        ("0:40 / /data rw - fuse.sshfs me@host:/m rw", "fuse.sshfs (me@host:/m)"),
        ("0:40 / /data rw - zfs tank/models rw", "zfs (tank/models)"),
        ("0:40 / /data rw - overlay overlay rw,lowerdir=/l1:/l2", "what lies below overlay"),
        ("0:40 / /data rw - cifs //server/models rw", "cifs (//server/models)"),
    ],
)
def test_layers_that_cannot_be_looked_through_are_named(
    phone: Phone, mount: str, unseen: str
) -> None:
    facts, samples = facts_on(phone, f"22 1 {mount}")
    assert (facts["cache.unseen"], facts["block.device"], samples) == (unseen, None, [])


def test_files_in_memory_have_no_layer_below(phone: Phone) -> None:
    facts, _ = facts_on(phone, "22 1 0:40 / /data rw - tmpfs tmpfs rw")
    assert "cache.unseen" not in facts


def test_a_block_device_that_a_program_serves_is_one_of_them(phone: Phone) -> None:
    add_block(phone, f"{VIRTUAL}/nbd0", "43:0")
    facts, samples = facts_on(phone, "22 1 43:0 / /data rw - ext4 /dev/nbd0 rw", (43, 0))
    assert facts["cache.unseen"] == "what serves nbd0"
    assert samples == ["/sys/dev/block/43:0/stat"]


def test_fuse_on_a_block_device_is_its_program_s(phone: Phone) -> None:
    facts, samples = facts_on(phone, "22 1 8:0 / /data rw - fuseblk /dev/sda rw", (8, 0))
    assert facts["cache.unseen"] == "fuseblk (/dev/sda)"
    assert samples == ["/sys/dev/block/8:0/stat"]


def test_an_image_that_is_not_found_hides_what_is_below(phone: Phone) -> None:
    add_block(phone, f"{VIRTUAL}/loop0", "7:0")
    phone.put(f"{VIRTUAL}/loop0/loop/backing_file", "/gone.img (deleted)\n")
    facts, samples = facts_on(phone, "22 1 7:0 / /data rw - ext4 /dev/loop0 rw", (7, 0))
    assert facts["cache.unseen"] == "/gone.img (deleted), which is not found from here"
    assert samples == ["/sys/dev/block/7:0/stat"]


def test_an_xfs_may_have_data_on_its_realtime_device_too(phone: Phone) -> None:
    block = {"type": stat.S_IFBLK, "rdev_major": 259, "rdev_minor": 17}
    mount = "22 1 8:0 / /data rw - xfs /dev/sda rw,rtdev=/dev/sda33,noquota"
    facts, _ = facts_on(phone, mount, (8, 0), {"/dev/sda33": block})
    assert facts["block.names"] == "sda + sda33"
    unknown, _ = facts_on(phone, mount, (8, 0))
    assert unknown["block.device"] is None


def test_an_image_on_an_image_ends_at_the_disk(phone: Phone) -> None:
    for number, image in enumerate(("/data/a.img", "/a")):
        add_block(phone, f"{VIRTUAL}/loop{number}", f"7:{number}")
        phone.put(f"{VIRTUAL}/loop{number}/loop/backing_file", f"{image}\n")
        phone.put(f"{VIRTUAL}/loop{number}/loop/dio", f"{number}\n")
    files = {
        "/data/a.img": {"type": stat.S_IFREG, "device_major": 7, "device_minor": 1},
        "/a": {"type": stat.S_IFREG, "device_major": 8},
    }
    mounts = "20 1 8:0 / / rw - xfs /dev/sda rw\n22 1 7:0 / /data rw - ext4 /dev/loop0 rw"
    facts, samples = facts_on(phone, mounts, (7, 0), files)
    assert facts["block.stack"] == "loop0 (/data/a.img) over loop1 (/a) over sda"
    assert facts["cache.below"] == "the page cache of /data/a.img below loop0"
    assert samples == ["/sys/dev/block/7:0/stat", f"/sys/class/block/{Path(DISK).name}/stat"]


def test_an_image_on_itself_ends(phone: Phone) -> None:
    add_block(phone, f"{VIRTUAL}/loop0", "7:0")
    phone.put(f"{VIRTUAL}/loop0/loop/backing_file", "/data/a.img\n")
    files = {"/data/a.img": {"type": stat.S_IFREG, "device_major": 7}}
    facts, _ = facts_on(phone, "22 1 7:0 / /data rw - ext4 /dev/loop0 rw", (7, 0), files)
    assert facts["cache.unseen"] == "/data/a.img"
