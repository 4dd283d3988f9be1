"""Without root, io_uring, locked memory, huge pages or a cache that lets go."""

import mmap
import subprocess
from pathlib import Path

import pytest

import loadstone as api
from commands import MIB, NOBODY, Command, needs, needs_root, write_model
from loadstone import CaseSummary

ONCE = ("--rounds", "1", "--warmups", "0")


def cases(loadstone: Command) -> tuple[CaseSummary, ...]:
    return api.summarise(api.load("last", results=loadstone.results))


@needs_root
def test_a_user_measures_a_file_of_his_own_proven_cold(
    loadstone: Command, as_nobody: tuple[str, ...]
) -> None:
    words = ("sh", "-c", 'head -c 2097152 /dev/urandom > mine; sync mine; exec "$@"', "sh")
    axes = ("--set", "engine=pread,mmap")
    done = loadstone("run", "--file", "mine", *ONCE, *axes, before=(*as_nobody, *words))
    assert done.code == 0, done.out
    for trial in api.load("last", results=loadstone.results).trials:
        assert trial.evidence["cached_before_bytes"] == 0
        assert trial.evidence["drop_caches"] == 0
    assert loadstone.results.stat().st_uid == NOBODY


@needs_root
def test_what_is_cached_of_a_foreign_file_is_unknown_so_nothing_is_claimed(
    loadstone: Command, model: Path, as_nobody: tuple[str, ...]
) -> None:
    model.chmod(0o644)
    axes = ("--set", "engine=pread,mmap", "--set", "cache=cold,warm,as-is")
    done = loadstone("run", "--file", model, *ONCE, *axes, before=as_nobody)
    assert done.code == 0
    for case in cases(loadstone):
        if case.case.parameters["cache"] == "as-is":
            assert case.trials == 1
        else:
            assert (case.trials, case.invalid) == (0, 1)
            assert case.reasons[0].startswith(f"not known to be {case.case.parameters['cache']}")
    assert "run as root, or --set cache=as-is" in " ".join(done.out.split())


@needs_root
@pytest.mark.parametrize("is_root", [True, False])
def test_a_file_that_another_process_maps_stays_cached_and_counts_for_nothing(
    loadstone: Command, model: Path, as_nobody: tuple[str, ...], is_root: bool
) -> None:
    before: tuple[str, ...] = ()
    if not is_root:
        before = as_nobody
        subprocess.run(["chown", str(NOBODY), model], check=True)
    with model.open("rb") as stream, mmap.mmap(stream.fileno(), 0, prot=mmap.PROT_READ) as mapping:
        assert sum(mapping[:: mmap.PAGESIZE]) > 0
        axes = ("--set", "engine=pread,mmap")
        done = loadstone("run", "--file", model, *ONCE, *axes, before=before)
    assert done.code == 3
    for case in cases(loadstone):
        assert case.metrics == {}
        assert case.reasons[0].startswith("not cold: 2 MiB of the file stayed in the page cache")
    assert "fuser -v tells who" in done.out
    assert ("run as root" in done.out) == (not is_root)


@needs("strace")
@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("EPERM", "io_uring is refused to this user"),
        ("ENOSYS", "this kernel or its sandbox has no io_uring"),
    ],
)
def test_io_uring_that_is_refused_is_a_skip(
    loadstone: Command, model: Path, code: str, words: str
) -> None:
    inject = ("-e", "trace=io_uring_setup", f"--inject=io_uring_setup:error={code}")
    strace = ("strace", "-f", "-qqq", "-o", "/dev/null", *inject)
    axes = ("--set", "engine=uring,pread", "--set", "fixed=off,on")
    done = loadstone("run", "--file", model, *ONCE, *axes, before=strace)
    assert done.code == 0
    by_engine = {str(case.case.parameters["engine"]): case for case in cases(loadstone)}
    assert by_engine["pread"].trials == 1
    assert (by_engine["uring"].skipped or "").startswith(words)
    assert code in (by_engine["uring"].skipped or "")
    assert "--set engine=pread" in (by_engine["uring"].remedy or "")


@needs_root
@pytest.mark.parametrize("overlap", ["0", "1m"])
def test_a_low_limit_of_locked_memory_skips_registered_buffers_alone(
    loadstone: Command, model: Path, as_nobody: tuple[str, ...], overlap: str
) -> None:
    model.chmod(0o644)
    limited = ("prlimit", "--memlock=65536:65536", *as_nobody)
    axes = ("--set", "fixed=on,off", "--set", f"overlap={overlap}", "--set", "cache=as-is")
    done = loadstone("run", "--file", model, *ONCE, *axes, before=limited)
    assert done.code == 0
    by_fixed = {bool(case.case.parameters["fixed"]): case for case in cases(loadstone)}
    assert by_fixed[False].trials == 1
    assert (by_fixed[True].skipped or "").startswith("the limit of locked memory is too low")
    assert "ulimit -l unlimited" in (by_fixed[True].remedy or "")


def huge_pages() -> int:
    """How many the machine has, or would make."""
    paths = ("/proc/sys/vm/nr_hugepages", "/proc/sys/vm/nr_overcommit_hugepages")
    return sum(int(Path(path).read_text()) for path in paths)


@pytest.mark.usefixtures("huge_pages_untouched")
def test_without_huge_pages_it_is_said_how_many_to_reserve(loadstone: Command) -> None:
    model = write_model(loadstone.place / "model.gguf", 5 * MIB)
    axes = ("--set", "destination=hugetlb,memfd-hugetlb")
    before = huge_pages()
    done = loadstone("run", "--file", model, *ONCE, *axes)
    if before or huge_pages():
        pytest.skip("huge pages are reserved here: sysctl vm.nr_hugepages=0")
    assert done.code == 3
    huge_bytes = int(cases_fact(loadstone, "memory.huge_page_bytes"))
    for case in cases(loadstone):
        assert (case.skipped or "").startswith("not enough huge pages are reserved")
        assert case.remedy == (
            f"as root: sysctl vm.nr_hugepages={-(-5 * MIB // huge_bytes) + 1}, then again"
        )


def cases_fact(loadstone: Command, name: str) -> int:
    value = api.load("last", results=loadstone.results).manifest.environment.facts[name]
    assert isinstance(value, int)
    return value


@needs_root
@needs("unshare", "setpriv", "mkfs.ext4")
@pytest.mark.parametrize(
    ("before", "words"),
    [
        (("unshare", "--user", "--map-root-user", "--mount"), "is one of a user namespace"),
        (("setpriv", "--bounding-set", "-sys_admin", "--"), "has no CAP_SYS_ADMIN"),
    ],
)
def test_a_mount_that_is_refused_to_a_lesser_root_says_whose_it_is(
    loadstone: Command, before: tuple[str, ...], words: str
) -> None:
    run = ("run", "folio-write", "--set", "fs=ext4", "--set", "total=4m", *ONCE)
    done = loadstone(*run, before=before)
    if "loop device" in done.out or "no ext4" in done.out:
        pytest.skip("no loop device or no ext4 here: modprobe loop ext4")
    said = " ".join(done.out.split())
    assert f"(this root {words}" in said, said
    assert "run as the machine's own root, with CAP_SYS_ADMIN" in said
    assert "change mount or fs" not in said
    doctor = " ".join(loadstone("doctor", before=before).out.split())
    assert f"– root this root {words}" in doctor


@needs_root
@pytest.mark.parametrize(
    "words",
    [
        ("run", "--results", "{closed}/results"),
        ("run", "calibration", "--dir", "{closed}", *ONCE),
        ("run", "folio-write", "--dir", "{closed}", *ONCE),
        ("run", "--dir", "{closed}", "--size", "1m", *ONCE),
        ("run", "--file", "{closed}/model.gguf"),
        ("plan", "{closed}/plan.toml"),
        ("show", "{closed}/run"),
        ("show", "--results", "{closed}/results"),
        ("clean", "--results", "{closed}/results"),
        ("doctor", "--results", "{closed}/results"),
        ("list", "{closed}/workload"),
        ("report", "{closed}/run"),
    ],
    ids=" ".join,
)
def test_a_directory_that_is_closed_to_this_user_is_told_and_nothing_is_left(
    loadstone: Command, tmp_path: Path, as_nobody: tuple[str, ...], words: tuple[str, ...]
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    done = loadstone(*(word.format(closed=closed) for word in words), before=as_nobody)
    assert done.code == 2, done.err
    assert "Permission denied (EACCES); " in done.err or "no such workload; " in done.err
    assert not loadstone.litter()
