"""Operations on small files and loop devices: clean under sanitizers, and safe with any name."""

import errno
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices import run
from leftovers import leftovers
from native import places
from native.programs import SOURCE, Answer, Failure, Program

pytestmark = pytest.mark.native

_TUNABLE = Path("/proc/sys/vm/laptop_mode")
_SAMPLE_BYTES = 32768


@pytest.fixture(scope="module")
def reader(compiler: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program around the reader of texts, under sanitizers."""
    program = tmp_path_factory.mktemp(f"text-{compiler}") / "text"
    source = Path(__file__).with_name("text.c")
    words = ("-std=gnu11", "-D_GNU_SOURCE", "-g", "-fsanitize=address,undefined")
    place = (f"-I{SOURCE / 'src'}", f"-I{SOURCE / 'include'}")
    run(compiler, *words, *place, "-o", str(program), str(source))
    return program


def failure_of(answer: Answer) -> Failure:
    assert answer.failure is not None
    return answer.failure


def read(reader: Path, path: Path, offset: int = 0) -> tuple[int, ...]:
    """Errno; or length, length up to a NUL, length of the whole lines."""
    words = [str(reader), str(path), str(offset)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=10)
    assert (done.returncode, done.stderr) == (0, "")
    return tuple(map(int, done.stdout.split()))


def test_a_text_is_read_from_a_byte_on_up_to_what_a_sample_holds(
    reader: Path, tmp_path: Path
) -> None:
    path = tmp_path / "text"
    path.write_text("0123456789abcde\n" * 4096)
    most = _SAMPLE_BYTES - 1
    assert read(reader, path) == (most, most, most // 16 * 16)
    assert read(reader, path, 65536 - 5) == (5, 5, 5)
    assert read(reader, path, 65536) == (0, 0, 0)
    assert read(reader, path, 1 << 40) == (0, 0, 0)
    path.write_bytes(b"x" * 65536)
    assert read(reader, path) == (most, most, 0)
    path.write_bytes(b"a\0b\n")
    assert read(reader, path) == (4, 1, 4)
    assert read(reader, Path("/proc/self/mountinfo"), 10)[0] > 0


def test_what_cannot_be_read_is_an_error_and_nobody_is_waited_for(
    reader: Path, tmp_path: Path
) -> None:
    assert read(reader, tmp_path / "none") == (errno.ENOENT,)
    assert read(reader, tmp_path) == (errno.EISDIR,)
    os.mkfifo(tmp_path / "fifo")
    assert read(reader, tmp_path / "fifo") == (0, 0, 0)


def test_a_text_has_to_have_a_place(checked: Program) -> None:
    failure = failure_of(checked.run("read-text", file="/proc/version"))
    assert failure[:2] == ("ENODATA", "sample for the text")


@pytest.mark.root
def test_a_tunable_takes_a_text(checked: Program) -> None:
    places.need_root()
    before = _TUNABLE.read_text()
    try:
        text = str(int(before) + 1)
        assert checked.run("write-text", file=_TUNABLE, text=text).failure is None
        assert _TUNABLE.read_text().strip() == text
        failure = failure_of(checked.run("write-text", file=_TUNABLE, text="words"))
        assert failure == ("EINVAL", "write text", str(_TUNABLE), -1)
    finally:
        _TUNABLE.write_text(before)


def test_a_text_goes_to_files_of_the_kernel_only(checked: Program, tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("precious")
    link.symlink_to("file")
    os.mkfifo(tmp_path / "fifo")
    for path in (file, link, tmp_path / "fifo", tmp_path, Path("/dev/null")):
        failure = failure_of(checked.run("write-text", file=path, text="x"))
        assert failure == ("EPERM", "write text", str(path), -1)
    assert file.read_text() == "precious"
    failure = failure_of(checked.run("write-text", file=tmp_path / "none", text="x"))
    assert failure[:2] == ("ENOENT", "write text")
    assert not (tmp_path / "none").exists()


def test_where_it_is_not_known_whose_a_file_is_the_system_says_why(
    job: Program, tmp_path: Path
) -> None:
    places.need_tool("strace", "strace")
    traced = job.under(
        "strace", "-f", "-o", str(tmp_path / "log"), "-e", "inject=fstatfs:error=EIO"
    )
    failure = failure_of(traced.run("write-text", file="/proc/self/comm", text="x"))
    assert failure[:2] == ("EIO", "write text")


def test_stat_reports_what_the_system_call_does(checked: Program, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * 5000)
    values = checked.run("stat", file=file).values
    facts, room = file.stat(), os.statvfs(file)
    assert values["type"] == stat.S_IFREG
    assert values["file_bytes"] == 5000
    assert values["allocated_bytes"] == facts.st_blocks * 512
    assert (values["inode"], values["mtime_ns"]) == (facts.st_ino, facts.st_mtime_ns)
    number = (values["device_major"], values["device_minor"])
    assert number == (os.major(facts.st_dev), os.minor(facts.st_dev))
    assert values["readable"] == 0
    assert abs(values["free_bytes"] - room.f_bavail * room.f_frsize) < room.f_blocks * room.f_frsize
    device = checked.run("stat", file="/dev/null").values
    assert (device["type"], device["rdev_major"], device["rdev_minor"]) == (stat.S_IFCHR, 1, 3)
    assert "readable" not in device
    assert checked.run("stat", file=tmp_path).values["type"] == stat.S_IFDIR
    failure = failure_of(checked.run("stat", file=tmp_path / "none"))
    assert failure == ("ENOENT", "stat", str(tmp_path / "none"), -1)


def test_a_file_of_ours_is_removed_and_one_that_is_gone_is_fine(
    checked: Program, tmp_path: Path
) -> None:
    file = tmp_path / "loadstone-a"
    file.touch()
    for _ in range(2):
        assert checked.run("remove-file", file=file).failure is None
        assert not file.exists()
    assert checked.run("remove-file", file=tmp_path / "none" / "loadstone-a").failure is None


@pytest.mark.parametrize("name", ["precious", "loadstone", "loadstone-x/../precious", "x/"])
def test_no_other_file_is_removed(checked: Program, tmp_path: Path, name: str) -> None:
    (tmp_path / "loadstone-x").mkdir()
    for kept in ("precious", "loadstone", "x"):
        (tmp_path / kept).touch()
    failure = failure_of(checked.run("remove-file", file=f"{tmp_path}/{name}"))
    assert failure == ("EPERM", "file name", f"{tmp_path}/{name}", -1)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "loadstone",
        "loadstone-x",
        "precious",
        "x",
    ]


def test_what_is_no_file_stays_and_so_does_what_has_no_whole_path(
    checked: Program, tmp_path: Path
) -> None:
    (tmp_path / "loadstone-link").symlink_to("precious")
    (tmp_path / "loadstone-directory").mkdir()
    for name in ("loadstone-link", "loadstone-directory"):
        failure = failure_of(checked.run("remove-file", file=tmp_path / name))
        assert failure[:2] == ("EINVAL", "file name")
    assert failure_of(checked.run("remove-file", file="loadstone-a"))[0] == "EPERM"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_hole_has_a_size_and_no_blocks(checked: Program, tmp_path: Path) -> None:
    file = tmp_path / "hole"
    assert checked.run("make-file", file=file, bytes=1 << 40, content="sparse").failure is None
    assert (file.stat().st_size, file.stat().st_blocks) == (1 << 40, 0)
    failure = failure_of(checked.run("make-file", file=file, bytes=1, content="sparse"))
    assert failure[:2] == ("EEXIST", "create")
    failure = failure_of(
        checked.run("make-file", file=tmp_path / "large", bytes=1 << 62, content="sparse")
    )
    assert failure[:2] == ("EFBIG", "ftruncate")


@pytest.fixture
def image(tmp_path: Path) -> Iterator[Path]:
    """A sparse image of 4 MiB; after the test no device lies over it."""
    places.need_root()
    path = tmp_path / "loadstone-image"
    with path.open("wb") as stream:
        stream.truncate(4 << 20)
    yield path
    assert not leftovers(tmp_path).loops


def detach(program: Program, image: Path) -> None:
    assert program.run("loop-device", action="detach", image=image).failure is None


def _lies_over(minor: int) -> str:
    return Path(f"/sys/block/loop{minor}/loop/backing_file").read_text().strip()


@pytest.mark.root
@pytest.mark.parametrize("direct", ["on", "off"])
def test_an_image_becomes_a_device_and_is_freed(checked: Program, image: Path, direct: str) -> None:
    answer = checked.run("loop-device", action="attach", image=image, direct=direct)
    assert answer.failure is None
    minor = answer.values["minor"]
    assert _lies_over(minor) == str(image.resolve())
    dio = Path(f"/sys/block/loop{minor}/loop/dio").read_text().strip()
    assert answer.values["is_direct"] == int(dio)
    assert direct == "on" or dio == "0"
    for _ in range(2):
        detach(checked, image)
        assert not leftovers(image.parent).loops


@pytest.mark.root
def test_all_devices_over_an_image_go_also_where_its_name_is_gone(
    checked: Program, image: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    for _ in range(3):
        answer = checked.run("loop-device", action="attach", image=image)
        assert answer.failure is None
    image.unlink()
    detach(checked, link / image.name)
    assert not Path(f"/sys/block/loop{answer.values['minor']}/loop").exists()


@pytest.mark.root
def test_the_device_of_another_image_stays(checked: Program, image: Path, tmp_path: Path) -> None:
    other = tmp_path / "loadstone-image2"
    shutil.copyfile(image, other)
    assert checked.run("loop-device", action="attach", image=other).failure is None
    detach(checked, image)
    assert leftovers(tmp_path).loops == {str(other.resolve())}
    detach(checked, other)


@pytest.mark.root
@pytest.mark.parametrize("action", ["attach", "detach"])
@pytest.mark.parametrize("name", ["/etc/passwd", "loadstone-image", "/loadstone-x/..", ""])
def test_only_images_of_ours_are_touched(checked: Program, action: str, name: str) -> None:
    failure = failure_of(checked.run("loop-device", action=action, image=name))
    assert failure == ("EPERM", "image name", name, -1)


@pytest.mark.root
def test_what_is_no_file_is_no_image(checked: Program, tmp_path: Path) -> None:
    places.need_root()
    os.mkfifo(tmp_path / "loadstone-fifo")
    for name, code in (("loadstone-fifo", "EINVAL"), ("loadstone-none", "ENOENT")):
        path = tmp_path / name
        failure = failure_of(checked.run("loop-device", action="attach", image=path))
        assert failure == (code, "open image", str(path), -1)


def _under_strace(program: Program, *injections: str) -> Program:
    """With the first words to any loop device broken, but not those to the control node."""
    places.need_tool("strace", "strace")
    words = [word for path in Path("/dev").glob("loop[0-9]*") for word in ("-P", str(path))]
    words += [word for injection in injections for word in ("-e", f"inject={injection}")]
    return program.under("strace", "-f", "-qq", "-o", "/dev/null", *words, finds_leaks=False)


@pytest.mark.root
@pytest.mark.parametrize("code", ["EINVAL", "ENOTTY"])
@pytest.mark.parametrize("direct", ["on", "off"])
def test_a_kernel_that_cannot_configure_at_once_is_taken_step_by_step(
    job: Program, image: Path, code: str, direct: str
) -> None:
    old = _under_strace(job, f"ioctl:error={code}:when=1")
    answer = old.run("loop-device", action="attach", image=image, direct=direct)
    assert answer.failure is None
    assert _lies_over(answer.values["minor"]) == str(image.resolve())
    detach(job, image)


@pytest.mark.root
def test_a_step_that_fails_leaves_no_device(job: Program, image: Path) -> None:
    steps = {"1..2": "LOOP_SET_FD", "1..3+2": "LOOP_SET_STATUS64", "2": "LOOP_GET_STATUS64"}
    for when, step in steps.items():
        broken = _under_strace(job, f"ioctl:error=EINVAL:when={when}")
        failure = failure_of(broken.run("loop-device", action="attach", image=image))
        assert failure[:2] == ("EINVAL", step)
        assert not leftovers(image.parent).loops


@pytest.mark.root
def test_a_device_that_somebody_else_took_first_is_no_error(job: Program, image: Path) -> None:
    raced = _under_strace(job, "ioctl:error=EBUSY:when=1..3")
    answer = raced.run("loop-device", action="attach", image=image)
    assert answer.failure is None
    assert answer.values["is_direct"] in (0, 1)
    detach(job, image)


@pytest.mark.root
def test_without_rights_the_control_node_is_named(job: Program, image: Path) -> None:
    with places.open_directory() as place:
        program = Program(Path(shutil.copy(job.path, place)))
        nobody = program.under("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
        failure = failure_of(nobody.run("loop-device", action="attach", image=image))
    assert failure == ("EACCES", "open", "/dev/loop-control", -1)
