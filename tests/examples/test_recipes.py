"""The recipes: each is compiled and run, what it loads is the file, and the page shows it whole."""

import errno
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

import recipe_page
from commands import MIB, NOBODY, let_everybody_pass, needs, needs_root, on_a_disk, write_model
from huge_page_pool import reserved
from loadstone.core import native
from loadstone.model import Job
from recipe_page import RECIPES

pytestmark = needs("gcc", "strace")

_BYTES = 9 * MIB + 123
_FLAGS = ("-std=gnu11", "-Wall", "-Wextra", "-Wconversion", "-Werror")
_SHIM = Path(__file__).with_name("short_reads.h")
# How each says that it read the file; also what a fallback would change.
_C = {
    "dma_heap": "buffered",
    "dontcache": "buffered, (RWF_DONTCACHE|POSIX_FADV_DONTNEED)",
    "hugetlb": "direct",
    "map": "mapped",
    "map_copy": "mapped and copied",
    "memfd_collapse": "direct, (huge pages|small pages|not all huge pages)",
    "overlap": "direct",
    "pread_buffered": "buffered",
    "pread_direct": "direct",
    "pread_threads": "direct",
    "thp": "direct",
    "udmabuf": "direct",
    "udmabuf_beside": "direct",
    "uring_direct": "direct",
    "uring_fixed": "direct, (registered|not registered: see ulimit -l)",
}
_OF_C_ALONE = {"memfd_collapse", "uring_direct", "uring_fixed"}
_PYTHON = {name: how for name, how in _C.items() if name not in _OF_C_ALONE}
_DEVICES = {
    "dma_heap": "/dev/dma_heap/system",
    "udmabuf": "/dev/udmabuf",
    "udmabuf_beside": "/dev/udmabuf",
}
_HUGE_PAGES = 8

Words = list[str | Path]
Compile = Callable[..., Path]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with on_a_disk(tmp_path_factory.mktemp("test_recipes")) as path:
        yield path


@pytest.fixture(scope="module")
def file(directory: Path) -> Path:
    """A file whose size is no multiple of anything."""
    return write_model(directory / "a model.gguf", _BYTES)


@pytest.fixture(scope="module")
def content(file: Path) -> bytes:
    return file.read_bytes()


@pytest.fixture(scope="module")
def compiled(directory: Path) -> Compile:
    def build(name: str, *options: str | Path, into: str = "") -> Path:
        """Args: into: the program's name, where it is not the recipe's."""
        path = directory / (into or name)
        if not path.exists():
            words: Words = ["gcc", *_FLAGS, "-O1", *options, "-o", path, RECIPES / f"{name}.c"]
            done = subprocess.run(
                [*words, "-luring", "-lpthread"], check=False, capture_output=True, text=True
            )
            assert (done.returncode, done.stderr) == (0, "")
        return path

    return build


def run(
    *words: str | Path, environment: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """A command, whose errors are in English."""
    return subprocess.run(
        words,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "LC_ALL": "C", "PYTHONDONTWRITEBYTECODE": "1", **(environment or {})},
    )


def python(name: str) -> Words:
    return [sys.executable, RECIPES / f"{name}.py"]


def traced(call: str, fault: str, path: str | Path = "") -> Words:
    """Words before a command, whose calls (of one path) then fail."""
    of_path: Words = ["-P", path] if path else []
    return ["strace", "-f", "-qq", "-o", "/dev/null", *of_path, "-e", f"inject={call}:{fault}"]


def drop_from_cache(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def cached_bytes(file: Path) -> int:
    job = Job(operation="probe", options={"file": str(file)})
    return native.run_job(job).values["cached_bytes"]


def check_loads(
    words: Words, file: Path, content: bytes, how: str, environment: dict[str, str] | None = None
) -> None:
    """Have a recipe load the file and write what it has: by byte the file, read as it says."""
    copy = file.with_name("copy")
    copy.unlink(missing_ok=True)
    done = run(*words, file, copy, environment=environment)
    if "io_uring_setup" in done.stderr:
        pytest.skip(f"{done.stderr.strip()}; or as root: sysctl kernel.io_uring_disabled=0")
    assert (done.returncode, done.stderr) == (0, "")
    loading, ready, said = done.stdout.splitlines()
    assert (loading, ready) == ("loadstone: loading", "loadstone: ready")
    assert re.fullmatch(f"{_BYTES} bytes, {how}", said)
    assert copy.read_bytes() == content


def check_recipe(name: str, words: Words, file: Path, content: bytes, how: str) -> None:
    device = _DEVICES.get(name, "/dev/null")
    if not Path(device).exists():
        pytest.skip(f"needs {device}: tests/lab/test_inside.py has a guest with it")
    drop_from_cache(file)
    if name == "hugetlb":
        with reserved(_HUGE_PAGES):
            check_loads(words, file, content, how)
    else:
        check_loads(words, file, content, how)
    if how.startswith("direct"):
        assert cached_bytes(file) == 0


@pytest.mark.parametrize("name", _C)
def test_what_a_recipe_of_c_loads_is_the_file(
    name: str, compiled: Compile, file: Path, content: bytes
) -> None:
    check_recipe(name, [compiled(name)], file, content, _C[name])


@pytest.mark.parametrize("name", _PYTHON)
def test_what_a_recipe_of_python_loads_is_the_file(name: str, file: Path, content: bytes) -> None:
    check_recipe(name, python(name), file, content, _PYTHON[name])


def test_a_recipe_of_c_is_a_library_for_python(
    compiled: Compile, file: Path, content: bytes
) -> None:
    library = compiled("uring_direct", "-shared", "-fPIC", into="uring_direct.so")
    drop_from_cache(file)
    check_loads([*python("from_c"), library], file, content, "direct")
    assert cached_bytes(file) == 0


@needs("clang")
def test_clang_has_no_complaint_either() -> None:
    done = run("clang", *_FLAGS, "-fsyntax-only", *sorted(RECIPES.glob("*.c")))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("short_bytes", "how"), [(75 * 4096, "direct"), (300001, "buffered")])
def test_short_reads_are_gone_on_with(
    compiled: Compile, file: Path, content: bytes, short_bytes: int, how: str
) -> None:
    """Of whole blocks directly; from amid a block no direct read can begin."""
    options = ("-DPRELOADED", "-shared", "-fPIC", "-x", "c", _SHIM, "-x", "none", "-ldl")
    shim = compiled("pread_direct", *options, into="shim.so")
    environment = {"SHORT_BYTES": str(short_bytes), "LD_PRELOAD": str(shim)}
    check_loads([compiled("pread_direct")], file, content, how, environment)
    check_loads(python("pread_direct"), file, content, how, environment)
    check_loads([compiled("dontcache")], file, content, _C["dontcache"], environment)


@pytest.mark.parametrize(
    ("environment", "how"),
    [
        ({"SHORT_BYTES": str(75 * 4096)}, "direct"),
        ({"SHORT_BYTES": "300001"}, "buffered"),
        ({"FIRST_RESULT": str(-errno.EINVAL)}, "buffered"),
        ({"FIRST_RESULT": str(-errno.EINTR)}, "direct"),
    ],
)
@pytest.mark.parametrize("name", ["overlap", "uring_fixed"])
def test_the_ring_goes_on_after_short_and_refused_reads(
    compiled: Compile, file: Path, content: bytes, name: str, environment: dict[str, str], how: str
) -> None:
    program = compiled(name, "-include", _SHIM, into=f"{name}-short")
    expected = how if how == "buffered" else _C[name]
    check_loads([program], file, content, expected, environment)


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        (0, "read: No data available: the file shrank: keep it still"),
        (-errno.EIO, "read: Input/output error"),
    ],
)
def test_an_error_of_the_ring_is_told(
    compiled: Compile, file: Path, code: int, complaint: str
) -> None:
    program = compiled("overlap", "-include", _SHIM, into="overlap-short")
    done = run(program, file, environment={"FIRST_RESULT": str(code)})
    assert (done.returncode, done.stderr) == (1, f"{file}: {complaint}\n")


@pytest.mark.parametrize(
    ("call", "fault", "how"),
    [
        ("openat", "error=EINVAL:when=1", "buffered"),
        ("%pread", "error=EINVAL:when=1", "buffered"),
        ("%pread", "error=EINTR:when=2", "direct"),
    ],
)
def test_what_is_refused_directly_is_read_through_the_page_cache(
    compiled: Compile, file: Path, content: bytes, call: str, fault: str, how: str
) -> None:
    calls = {"openat": ("openat", "openat"), "%pread": ("pread64", "preadv2,preadv")}[call]
    check_loads([*traced(calls[0], fault, file), compiled("pread_direct")], file, content, how)
    check_loads([*traced(calls[1], fault, file), *python("pread_direct")], file, content, how)


def test_a_file_that_shrinks_meanwhile_is_told(compiled: Compile, file: Path) -> None:
    fault = "retval=0:when=2"
    for words in (
        [*traced("pread64", fault, file), compiled("pread_direct")],
        [*traced("preadv2,preadv", fault, file), *python("pread_direct")],
    ):
        done = run(*words, file)
        assert done.returncode == 1
        assert done.stderr.endswith(": No data available: the file shrank: keep it still\n")
        assert "ready" not in done.stdout


@pytest.mark.parametrize("name", _DEVICES)
def test_where_a_device_is_missing_it_is_named(name: str, compiled: Compile, file: Path) -> None:
    device = _DEVICES[name]
    before = traced("openat", "error=ENOENT", device)
    for words in ([compiled(name)], python(name)):
        done = run(*before, *words, file)
        assert done.returncode == 1
        assert f"open {device}: No such file or directory: " in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_a_kernel_without_io_uring_is_told(compiled: Compile, file: Path) -> None:
    done = run(*traced("io_uring_setup", "error=ENOSYS"), compiled("uring_direct"), file)
    assert done.returncode == 1
    assert "io_uring_setup: Function not implemented: it may be forbidden" in done.stderr


def test_too_few_huge_pages_are_told(compiled: Compile, directory: Path) -> None:
    """For a file that is larger than any memory."""
    large = directory / "large.gguf"
    large.touch()
    os.truncate(large, 1 << 40)
    for words in ([compiled("hugetlb")], python("hugetlb")):
        done = run(*words, large)
        assert done.returncode == 1
        assert "mmap: Cannot allocate memory: reserve them, as root: sysctl vm.nr" in done.stderr


@needs_root
@needs("setpriv", "prlimit")
def test_a_low_limit_of_locked_memory_costs_the_registration_alone(
    compiled: Compile, directory: Path, file: Path
) -> None:
    let_everybody_pass(directory)
    file.chmod(0o644)
    as_nobody = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    done = run(*as_nobody, "prlimit", "--memlock=65536", compiled("uring_fixed"), file)
    assert done.returncode == 0, done.stderr
    assert "direct, not registered: see ulimit -l" in done.stdout


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("none.gguf", "No such file or directory"),
        ("empty.gguf", "holds something"),
        (".", "holds something"),
    ],
)
def test_what_is_no_model_is_told(
    compiled: Compile, directory: Path, path: str, complaint: str
) -> None:
    (directory / "empty.gguf").touch()
    for words in ([compiled("pread_direct")], python("pread_direct"), python("map")):
        done = run(*words, directory / path)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
        assert complaint in done.stderr


def test_the_page_shows_every_file_as_it_is() -> None:
    text = recipe_page.PAGE.read_text()
    assert sorted(recipe_page.shown(text)) == sorted(recipe_page.files())
    assert recipe_page.brought_up_to_date(text) == text, "python tests/recipe_page.py"


def test_every_recipe_is_among_those_that_are_run() -> None:
    assert {path.stem for path in RECIPES.glob("*.c")} == set(_C)
    with_main = {path.stem for path in RECIPES.glob("*.py") if "main(load)" in path.read_text()}
    assert with_main == set(_PYTHON)
