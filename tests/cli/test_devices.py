"""``--device`` and ``--erase``: what is said, by which exit code, and that nothing is left."""

import errno
from pathlib import Path

import pytest

from commands import Command, needs, needs_root
from devices import checksum, loop
from loadstone.errors import UsageError, system_words
from loadstone.lab.setup import lab_plan
from loadstone.plan.request import Request, make_plan

pytestmark = pytest.mark.usefixtures("nothing_is_left")

HAS_DEVICE_MAPPER = Path("/sys/class/misc/device-mapper").exists()
without_device_mapper = pytest.mark.skipif(
    HAS_DEVICE_MAPPER, reason="this kernel has device-mapper: boot one without CONFIG_BLK_DEV_DM"
)
ONE, TWO = "/dev/loadstone-none-1", "/dev/loadstone-none-2"
LOST = f"--device {ONE}: all that is on it will be lost; if you want that, name it twice: "


@pytest.mark.parametrize("verb", ["run", "plan"])
@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("dm-flush", "--device", ONE), f"{LOST}--device {ONE} --erase {ONE}"),
        (("dm-verity", "--device", ONE), f"{LOST}--device {ONE} --erase {ONE}"),
        (("dm-flush", "--device", ONE, "--erase", TWO), f"{LOST}--device {ONE} --erase {ONE}"),
        (
            ("dm-flush", "--device", "/dev/my disk;"),
            "--device /dev/my disk;: all that is on it will be lost; if you want that, name it "
            "twice: --device '/dev/my disk;' --erase '/dev/my disk;'",
        ),
        (
            ("dm-flush", "--device", ONE, "--erase", ONE, "--erase", TWO),
            f"--erase {TWO}: no --device is called so; write both alike",
        ),
        (
            ("dm-flush", "--erase", ONE),
            f"--erase {ONE}: no --device is called so; write both alike",
        ),
        (
            ("dm-flush", "--device", ONE, "--device", ONE, "--erase", ONE),
            f"--device {ONE}: is named twice; name two devices",
        ),
        (
            ("dm-flush", "--set", "devices=1,2", "--device", ONE, "--erase", ONE),
            "--device: 1 named, and the Cases take 2; name 2, or --set devices to less",
        ),
        (
            ("model-load", "--device", ONE, "--erase", ONE),
            f"--device {ONE}: model-load works on files and takes no device; leave it out, --dir",
        ),
        (
            ("folio-write", "--device", "ufs40"),
            "--device ufs40: folio-write works on files and takes no device; leave it out, --dir",
        ),
        (("dm-flush", "--device", ""), "--device: '' is no name of a device"),
        (("dm-flush", "--device", "sdb"), "--device sdb: no such storage; there are ufs21, "),
        (("dm-flush", "--device", "ufs04"), "--device ufs04: no such storage (did you mean"),
        (("dm-flush", "--device", "zoned"), "--device zoned: cannot be written at random; take"),
        (("dm-flush", "--device", "disk"), "--device disk: cannot be written at random; take"),
        (("dm-flush", "--device", "a/b.toml:x"), "--device a/b.toml: No such file or directory"),
        (("dm-flush", "--set", "segment=1000"), "segment: 1000 is no multiple of a sector; write"),
        (("dm-flush", "--set", "stride=512"), "stride: 512 is less than a segment of 4000KiB: "),
        (("dm-verity", "--set", "hash_block=8k"), "hash_block: 8192 is none; write 512, 1KiB,"),
        (("dm-verity", "--set", "block=4608"), "block: 4608 is no multiple of the data block;"),
    ],
    ids=lambda value: " ".join(value)[:50] if isinstance(value, tuple) else "",
)
def test_a_mistake_is_told_in_one_line_and_nothing_is_made(
    loadstone: Command, verb: str, words: tuple[str, ...], complaint: str
) -> None:
    done = loadstone(verb, *words)
    assert (done.code, done.out) == (2, ""), done.err
    assert done.complaint.startswith(complaint)
    assert done.err.count("\n") == 1
    assert not list(loadstone.place.iterdir())


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("dm-flush", "--file", "none"), "dm-flush takes no --file and no --size, as it measures"),
        (("dm-flush", "--size", "1m"), "dm-flush takes no --file and no --size, as it measures"),
        (("dm-verity", "--file", "none"), "cannot open "),
    ],
)
def test_a_file_that_cannot_be_measured_is_refused_by_run(
    loadstone: Command, words: tuple[str, ...], complaint: str
) -> None:
    done = loadstone("run", *words)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.complaint.startswith(complaint)


def test_the_plan_of_dm_flush_is_its_published_geometry(loadstone: Command) -> None:
    done = loadstone("plan", "dm-flush", "--rounds", "1", "--seed", "7")
    assert done.code == 0, done.err
    labels = [line.split(maxsplit=1)[1] for line in done.out.splitlines()[1:6]]
    assert labels == ["1 linear", "16 linear", "128 linear", "1024 linear", "1024 linear+delay"]
    assert "on what it makes itself" in done.out.splitlines()[0]
    assert not list(loadstone.place.iterdir())


@needs_root
def test_a_plan_shows_the_devices_and_touches_none(loadstone: Command, place: Path) -> None:
    with loop(place / "image") as device:
        before = checksum(device)
        done = loadstone("plan", "dm-flush", "--device", device, "--erase", device)
        assert done.code == 0, done.err
        assert done.out.splitlines()[0].endswith(f"on {device}")
        assert checksum(device) == before
    assert loadstone("plan", "dm-verity", "--device", "ufs40").out.splitlines()[0].endswith("ufs40")


def test_a_device_is_kept_by_its_absolute_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Run that is resumed in another directory must not find another device there."""
    monkeypatch.chdir("/dev")
    input = make_plan(Request(what="dm-flush", devices=("./my",), erase=("./my",)))[0].input
    assert (input.devices, input.erase) == (("/dev/my",), ("/dev/my",))
    assert make_plan(Request(what="dm-flush", devices=("ufs40",)))[0].input.devices == ("ufs40",)


@needs_root
@needs("strace")
@without_device_mapper
@pytest.mark.parametrize("code", [errno.ENOENT, errno.ENODEV])
@pytest.mark.parametrize("workload", ["dm-flush", "dm-verity"])
def test_without_device_mapper_it_is_said_what_the_kernel_lacks_and_where_it_is(
    loadstone: Command, place: Path, workload: str, code: int
) -> None:
    """No node, or one that a program made where the kernel has no such driver."""
    log, control = place / "strace.log", "/dev/mapper/control"
    inject = f"inject=openat:error={errno.errorcode[code]}"
    strace = ("strace", "-f", "-qq", "-o", str(log), "-P", control, "-e", inject)
    done = loadstone("run", workload, "--rounds", "1", before=strace)
    assert "(INJECTED)" in log.read_text()
    assert (done.code, done.out) == (3, "")
    assert done.err.count("\n") == 1
    said = done.complaint
    assert said.startswith("this kernel has no device-mapper (CONFIG_BLK_DEV_DM): open device-")
    assert f"{control}: {system_words(code)}, and " in said
    assert said.endswith("`loadstone lab run` boots a kernel that has it")
    assert loadstone("run", workload, "--json", "--quiet").out == ""


@needs_root
@without_device_mapper
def test_without_device_mapper_a_named_device_stays_as_it_is(
    loadstone: Command, place: Path
) -> None:
    with loop(place / "image") as device:
        before = checksum(device)
        done = loadstone("run", "dm-flush", "--device", device, "--erase", device)
        assert done.code == 3
        assert checksum(device) == before


@needs_root
@pytest.mark.parametrize("workload", ["dm-flush", "dm-verity"])
def test_a_user_without_rights_is_told_to_be_root(
    loadstone: Command, workload: str, as_nobody: tuple[str, ...]
) -> None:
    done = loadstone("run", workload, before=as_nobody)
    assert (done.code, done.err.count("\n")) == (3, 1)
    assert done.complaint.startswith("device-mapper is root's to use")
    assert done.complaint.endswith("; run as root")


def test_the_lab_takes_no_device() -> None:
    """A guest's devices are simulated: one of this machine would not be there."""
    with pytest.raises(UsageError, match=r"^--device ufs40: in the lab .* with --storage$"):
        lab_plan(Request(what="dm-flush", devices=("ufs40",)))
    with pytest.raises(UsageError, match=rf"^--device {ONE}: in the lab .* with --storage$"):
        lab_plan(Request(what="dm-flush", devices=(ONE,), erase=(ONE,)))
