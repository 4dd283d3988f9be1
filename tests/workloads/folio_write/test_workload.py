"""folio-write: what its Cases are, what a Trial tells, and what it leaves behind: nothing."""

import contextlib
import errno
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import loadstone
from commands import MIB, Command, needs, needs_root, until
from leftovers import leftovers
from loadstone.core import native
from loadstone.errors import CannotMeasureError, UsageError
from loadstone.model import Case, CoreError, Input, Kind, Outcome, Run, Status, Value
from loadstone.provision.file_system import made_file_system
from loadstone.provision.journal import Journal
from loadstone.provision.loop_device import loop_device
from loadstone.targets.local import LocalTarget
from loadstone.workloads import make_cases, workload
from loadstone.workloads.folio_write.place import FsInstance, FsSpec
from loadstone.workloads.folio_write.trials import SET_UP_PARAMETERS, PreparedWrite

_PARAMETERS: dict[str, Value] = {
    "size": 4096,
    "total": MIB,
    "pattern": "fresh",
    "sync": "end",
    "io": "buffered",
    "threads": 1,
    "prealloc": "none",
    "payload": "random",
    "fs": "dir",
    "mkfs": "defaults",
    "mount": "defaults",
}
# What is done on file systems made for the Run, or hurts one: nothing of it may stay.
_TIDY = pytest.mark.usefixtures("nothing_is_left")


def _run(place: Path, **axes: object) -> Run:
    return loadstone.run(
        "folio-write",
        directory=place,
        axes={"total": MIB, **axes},  # type: ignore[dict-item]
        rounds=2,
        warmups=0,
        results=place / "results",
    )


def _prepared(place: Path) -> PreparedWrite:
    file = str(place / "loadstone-write")
    places = {FsSpec(): FsInstance(directory=str(place), file=file, samples=())}
    return PreparedWrite(LocalTarget(place), Input(), str(place), places)


def _case(**changes: str | int) -> Case:
    return Case.of("folio-write", "x", _PARAMETERS | changes)


@pytest.fixture
def small_ext4(nothing_is_left: None, tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MiB on a loop device."""
    del nothing_is_left
    image, at = tmp_path / "ext4.img", tmp_path / "ext4"
    at.mkdir()
    with image.open("wb") as stream:
        stream.truncate(16 * MIB)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(at)], check=True)
    try:
        yield at
    finally:
        subprocess.run(["umount", str(at)], check=True)


def test_a_trial_tells_times_bytes_and_latencies(place: Path) -> None:
    run = _run(place, size=["4k", "64k"], pattern=["fresh", "overwrite", "append"])
    assert [trial.status for trial in run.trials] == [Status.OK] * 12, run.trials[0].reason
    sizes = {case.id: int(case.parameters["size"]) for case in run.manifest.plan.cases}
    for trial in run.trials:
        metrics, evidence = trial.metrics, trial.evidence
        assert set(metrics) == {"throughput", "durable_ns", "write_ns", "cpu_per_gb"}
        assert metrics["throughput"] == pytest.approx(MIB / metrics["write_ns"] * 1e9)
        assert metrics["durable_ns"] >= metrics["write_ns"] > 0
        assert evidence["verified_bytes"] == MIB
        assert evidence["dirty_before_bytes"] >= 0
        writes, syncs = trial.histograms
        assert (writes.name, writes.count) == ("write", MIB // sizes[trial.case])
        assert (syncs.name, syncs.count) == ("sync", 1)
        assert writes.sum_ns <= metrics["write_ns"]
    assert not list(place.rglob("loadstone-*"))


def test_what_is_never_synced_has_no_time_to_durable(place: Path) -> None:
    for trial in _run(place, sync="none").trials:
        assert trial.status is Status.OK
        assert "durable_ns" not in trial.metrics
        assert [histogram.name for histogram in trial.histograms] == ["write"]


def test_syncs_are_counted_as_they_are_asked_for(place: Path) -> None:
    """256 writes: after each 100 of them, and after the last."""
    for trial in _run(place, size="4k", sync="every:100").trials:
        assert {one.name: one.count for one in trial.histograms} == {"write": 256, "sync": 3}


@needs_root
def test_root_sees_folios_and_all_their_bytes(place: Path) -> None:
    for trial in _run(place, size=["4k", "1m"]).trials:
        orders = {
            name: count for name, count in trial.evidence.items() if name.startswith("folio_order_")
        }
        assert sum(orders.values()) == trial.evidence["cached_after_bytes"] == MIB
        assert trial.evidence["folio_mean_bytes"] == MIB // trial.evidence["folios"]
        assert not trial.notes or "folio" not in trial.notes[0]


@needs_root
def test_without_rights_folios_are_unknown_and_never_a_guess(
    loadstone: Command, place: Path, as_nobody: tuple[str, ...]
) -> None:
    done = loadstone(
        *("run", "folio-write", "--dir", place, "--set", "size=64k", "--set", "total=1m"),
        *("--rounds", "1", "--json", "--quiet"),
        before=as_nobody,
    )
    assert done.code == 0, done.err
    (case,) = json.loads(done.out)["cases"]
    assert case["evidence"]["folio_mean_bytes"] == -1
    assert not [name for name in case["evidence"] if name.startswith("folio_order_")]
    shown = loadstone("show", "last")
    assert "folio orders unknown: root may see them" in shown.out
    assert " unknown " in shown.out


@needs_root
@needs("mkfs.ext4")
def test_more_than_the_file_system_holds_is_refused_before_the_run(small_ext4: Path) -> None:
    with pytest.raises(CannotMeasureError, match=r"64 MiB are needed, and only .* free in"):
        loadstone.run("folio-write", directory=small_ext4, results=small_ext4 / "results")
    assert not list(small_ext4.rglob("loadstone-*"))


@needs_root
@needs("mkfs.ext4")
def test_a_file_system_that_runs_full_fails_the_trial_and_is_given_back(
    small_ext4: Path,
) -> None:
    prepared = _prepared(small_ext4)
    case = _case(size=65536, total=64 * MIB)
    outcome = native.run_job(prepared.job(case))
    finding = prepared.evaluate(case, outcome)
    assert finding.status is Status.FAILED
    assert finding.reason is not None
    assert finding.reason.startswith("the file system ran full: write ")
    assert "No space left on device (ENOSPC)" in finding.reason
    assert "--set total" in (finding.remedy or "")
    assert not list(small_ext4.glob("loadstone-*"))


@_TIDY
@needs_root
def test_a_run_that_is_killed_leaves_a_file_that_clean_removes(
    loadstone: Command, place: Path
) -> None:
    options = ("--set", "size=4k", "--set", "total=256m", "--set", "sync=every:1")
    process = loadstone.start("run", "folio-write", "--dir", place, *options)
    until(lambda: list(place.glob("loadstone-write-*")), "the file to be made")
    process.kill()
    process.communicate()
    until(lambda: not loadstone.jobs(), "the job to end")
    assert list(place.glob("loadstone-write-*"))
    assert loadstone("clean").code == 0
    assert not list(place.glob("loadstone-write-*"))


@pytest.mark.parametrize(
    ("code", "step", "status", "words", "remedy"),
    [
        (errno.EACCES, "create", Status.FAILED, "no file can be made here", "--dir"),
        (errno.ENOSPC, "fsync", Status.FAILED, "the file system ran full", "1048576 bytes"),
        (errno.EDQUOT, "O_DSYNC write", Status.FAILED, "the file system ran full", "total"),
        (errno.EOPNOTSUPP, "RWF_DONTCACHE write", Status.SKIPPED, "no RWF_DONTCACHE", "io="),
        (errno.EINVAL, "O_DIRECT open", Status.SKIPPED, "refuses O_DIRECT", "io=buffered"),
        (errno.EINVAL, "size for O_DIRECT", Status.SKIPPED, "multiple of 4096", "size=4096"),
        (errno.EBADMSG, "verify written", Status.FAILED, "wrong data", "do not trust"),
        (errno.EIO, "fsync", Status.FAILED, "the device failed", "dmesg"),
        (errno.EOPNOTSUPP, "fallocate", Status.SKIPPED, "preallocates nothing", "prealloc=none"),
        (errno.ENOSPC, "fallocate", Status.FAILED, "the file system ran full", "1048576 bytes"),
        (errno.EAGAIN, "start thread", Status.SKIPPED, "no more threads", "--set threads to less"),
    ],
)
def test_what_goes_wrong_says_what_to_do(
    place: Path, code: int, step: str, status: Status, words: str, remedy: str
) -> None:
    error = CoreError(code=code, step=step, path="/d/loadstone-write", offset=4096)
    finding = _prepared(place).evaluate(_case(), Outcome(error=error))
    assert finding.status is status
    assert words in (finding.reason or "")
    assert remedy in (finding.remedy or "")


def test_an_overwrite_of_what_is_cached_is_invalid(place: Path) -> None:
    prepared, case = _prepared(place), _case(pattern="overwrite", size=65536)
    outcome = native.run_job(prepared.job(case))
    assert prepared.evaluate(case, outcome).status is Status.OK
    for found, words in ((4096, "not cold: 4 KiB"), (-errno.EPERM, "not known to be cold")):
        warm = {**outcome.values, "cached_before_bytes": found}
        finding = prepared.evaluate(case, Outcome(values=warm))
        assert (finding.status, (finding.reason or "").startswith(words)) == (Status.INVALID, True)


def test_a_write_larger_than_the_total_is_a_skip(place: Path) -> None:
    run = _run(place, size=["64k", "2m"])
    assert sorted(trial.status for trial in run.trials) == ["ok", "ok", "skipped"]
    skip = next(trial for trial in run.trials if trial.status is Status.SKIPPED)
    assert skip.remedy == "--set total=2MiB or more"


@pytest.mark.parametrize("sync", ["every:", "every:0", "every:x", "every:-1", "every:1.5"])
def test_a_sync_without_a_count_is_refused(sync: str) -> None:
    with pytest.raises(UsageError, match="sync: "):
        loadstone.run("folio-write", axes={"sync": sync})


@pytest.mark.parametrize("named", [{"file": "model.gguf"}, {"size": 4096}])
def test_no_file_of_the_user_is_taken(place: Path, named: dict[str, str | int]) -> None:
    with pytest.raises(UsageError, match="folio-write takes no --file and no --size"):
        loadstone.run("folio-write", results=place / "results", **named)  # type: ignore[arg-type]


def test_a_directory_that_refuses_files_is_told_before_the_run(place: Path) -> None:
    with pytest.raises(UsageError, match="No such file or directory"):
        loadstone.run("folio-write", directory=place / "none", results=place / "results")
    if os.geteuid() == 0:
        with pytest.raises(CannotMeasureError, match="/proc/loadstone-write"):
            loadstone.run(
                "folio-write", directory="/proc", axes={"total": 512}, results=place / "results"
            )


def test_every_default_case_has_a_label_and_an_id_of_its_own() -> None:
    chosen = workload("folio-write")
    cases, remarks = make_cases(chosen, chosen.default_cases())
    assert remarks == []
    assert [case.label for case in cases] == [
        f"{size} fresh" for size in ("4KiB", "16KiB", "64KiB", "256KiB", "1MiB")
    ]
    assert len({case.id for case in cases}) == len(cases)


def test_every_parameter_shows_in_the_label() -> None:
    choices: list[Mapping[str, Value]] = [
        {},
        {"size": 4096},
        {"total": 4 * MIB},
        *({"pattern": pattern} for pattern in ("overwrite", "append")),
        *({"sync": sync} for sync in ("none", "every:1", "every:16")),
        *({"io": io} for io in ("dontcache", "dsync", "direct")),
        *({"threads": threads} for threads in (2, 16)),
        {"prealloc": "fallocate"},
        *({"payload": payload} for payload in ("zero", "same-filled", "text", "pointer", "fp16")),
        *({"fs": fs} for fs in ("ext4", "xfs", "btrfs", "f2fs")),
        {"fs": "ext4", "mkfs": "-b 1024"},
        {"fs": "ext4", "mount": "noatime"},
        {"fs": "ext4", "mkfs": "-b 1024", "mount": "noatime"},
    ]
    named = {name for choice in choices for name in choice}
    assert named == {parameter.name for parameter in workload("folio-write").parameters}
    cases, _ = make_cases(workload("folio-write"), choices)
    assert len({case.label for case in cases}) == len(cases) == len(choices)


def test_the_core_knows_every_parameter_and_every_choice() -> None:
    """But for those that say where the file is: the core is told the file."""
    options = native.operation_options("folio-write")
    parameters = workload("folio-write").parameters
    assert {parameter.name for parameter in parameters} - set(options) == set(SET_UP_PARAMETERS)
    for parameter in parameters:
        if parameter.name in SET_UP_PARAMETERS:
            continue
        kind, words = options[parameter.name]
        if parameter.kind is Kind.CHOICE:
            assert set(words) == {choice.removesuffix(":N") for choice in parameter.choices}
        else:
            assert kind == "number"


@pytest.mark.parametrize("pattern", ["fresh", "append"])
def test_threads_show_as_lanes_and_their_latencies_as_one(place: Path, pattern: str) -> None:
    for trial in _run(place, size="64k", threads=3, pattern=pattern).trials:
        assert trial.status is Status.OK, trial.reason
        assert sorted(span.lane for span in trial.spans if span.name == "write") == [0, 1, 2]
        assert {one.name: one.count for one in trial.histograms} == {"write": 16, "sync": 1}
        last_ns = max(span.end_ns for span in trial.spans if span.name == "write")
        assert trial.metrics["write_ns"] == last_ns
        assert trial.evidence["verified_bytes"] == MIB


def test_more_threads_than_writes_are_a_skip(place: Path) -> None:
    (skip, *_) = _run(place, size="512k", threads=3).trials
    assert (skip.status, skip.reason) == (Status.SKIPPED, "2 writes are too few for 3 threads")
    assert skip.remedy == "--set total=1536KiB or more, or a smaller size"


def test_too_many_threads_are_refused() -> None:
    with pytest.raises(UsageError, match="threads: 257 is too many; write 256 or less"):
        loadstone.run("folio-write", axes={"threads": 257})


def test_what_has_no_meaning_beside_the_rest_is_left_out_and_told() -> None:
    choices: list[Mapping[str, Value]] = [
        {"pattern": "overwrite", "prealloc": "fallocate"},
        {"mkfs": "-b 1024", "mount": "noatime"},
    ]
    cases, remarks = make_cases(workload("folio-write"), choices)
    assert [case.parameters["prealloc"] for case in cases] == ["none", "none"]
    assert {cases[1].parameters[name] for name in ("mkfs", "mount")} == {"defaults"}
    assert remarks == [
        "prealloc has no meaning for pattern overwrite: left out there",
        "mkfs has no meaning for fs dir: left out there",
        "mount has no meaning for fs dir: left out there",
    ]


@pytest.mark.parametrize("name", ["mkfs", "mount"])
@pytest.mark.parametrize(
    "options",
    ["/dev/sda", "-l logdev=/dev/sda", "-J device=UUID=1", "../x", "-J device=LABEL=x", "Makefile"],
)
def test_options_that_name_a_device_of_somebody_elses_are_refused(name: str, options: str) -> None:
    with pytest.raises(UsageError, match=f"{name}: .* may be a file or a device"):
        workload("folio-write").complete({"fs": "ext4", name: options})


def test_options_that_steer_a_terminal_are_refused() -> None:
    with pytest.raises(UsageError, match=r"mount: .* cannot be shown"):
        workload("folio-write").complete({"fs": "ext4", "mount": "\x1b[2J"})


def test_options_that_are_no_words_are_refused() -> None:
    with pytest.raises(UsageError, match=r"mkfs: .*No closing quotation; quote it"):
        workload("folio-write").complete({"fs": "ext4", "mkfs": "-L 'x"})


@_TIDY
@needs_root
@needs("mkfs.ext4", "mkfs.xfs", "mkfs.btrfs")
def test_file_systems_are_made_for_a_run_and_gone_after_it(place: Path) -> None:
    run = _run(place, fs=["ext4", "xfs", "btrfs"], size="64k")
    assert [trial.status for trial in run.trials] == [Status.OK] * 6, run.trials[0].reason
    for trial in run.trials:
        # How many is another matter: anybody may drop the page cache meanwhile.
        assert "folios" in trial.evidence
        assert trial.evidence["block.write_bytes"] >= MIB
    facts = run.manifest.environment.facts
    for type in ("ext4", "xfs", "btrfs"):
        assert str(facts[f"fs.{type}.mkfs"]).startswith(f"mkfs.{type} ")
        assert str(facts[f"fs.{type}.mkfs"]).endswith(" LOOP")


@_TIDY
@needs_root
@needs("mkfs.ext4", "mkfs.xfs", "mkfs.btrfs")
def test_threads_write_whole_files_on_every_file_system(place: Path) -> None:
    axes = {"pattern": ["fresh", "overwrite", "append"], "io": ["buffered", "direct"]}
    run = _run(place, fs=["ext4", "xfs", "btrfs"], size="16k", threads=4, **axes)
    assert len(run.trials) == 36
    losing = {case.id for case in run.manifest.plan.cases if "append direct" in case.label}
    for trial in run.trials:
        if trial.status is Status.FAILED and trial.case in losing:
            # XFS, at least up to Linux 6.18.
            assert (trial.reason or "").startswith("appends were lost: ")
            assert "io=buffered" in (trial.remedy or "")
            continue
        assert trial.status is Status.OK, trial.reason
        assert trial.evidence["verified_bytes"] == MIB


@_TIDY
@needs_root
@needs("mkfs.btrfs")
def test_what_compresses_reaches_a_compressing_file_system_s_device_smaller(place: Path) -> None:
    run = _run(
        place, fs="btrfs", mount="compress=zstd", payload=["random", "text", "zero"], total=8 * MIB
    )
    written = {"random": 0.0, "text": 0.0, "zero": 0.0}
    payloads = {case.id: str(case.parameters["payload"]) for case in run.manifest.plan.cases}
    for trial in run.trials:
        assert trial.status is Status.OK, trial.reason
        written[payloads[trial.case]] += trial.evidence["block.write_bytes"]
    assert written["zero"] < 0.2 * written["random"]
    assert written["text"] < 0.7 * written["random"]


@_TIDY
@needs_root
@needs("mkfs.ext4")
def test_options_of_mkfs_and_mount_are_heeded_and_told(place: Path) -> None:
    run = _run(place, fs="ext4", mkfs="-b 1024", mount="noatime,nodelalloc")
    facts = run.manifest.environment.facts
    assert "-b 1024" in str(facts["fs.mkfs"])
    assert facts["fs.mount_options"] == "noatime,nodelalloc"
    assert "nodelalloc" in str(facts["fs.options"])
    assert facts["fs.type"] == "ext4"
    assert str(facts["block.name"]).startswith("loop")


@_TIDY
@needs_root
@needs("mkfs.ext4")
@pytest.mark.parametrize(
    ("axes", "words", "remedy"),
    [
        ({"mkfs": "-b 5"}, "invalid block size", "change mkfs or fs"),
        ({"mkfs": "--gold"}, "--gold", "change mkfs or fs"),
        ({"mount": "data=gold"}, "mount -t ext4 -o data=gold ", "change mount or fs"),
    ],
)
def test_what_mkfs_or_mount_refuse_is_a_skip_and_other_cases_run(
    place: Path, axes: Mapping[str, str], words: str, remedy: str
) -> None:
    run = _run(place, fs=["dir", "ext4"], **axes)
    statuses = sorted(trial.status for trial in run.trials)
    assert statuses == ["ok", "ok", "skipped"]
    (skip,) = (trial for trial in run.trials if trial.status is Status.SKIPPED)
    assert words in (skip.reason or "")
    assert skip.remedy == remedy


@_TIDY
@needs_root
@needs("mkfs.f2fs")
def test_a_file_system_that_the_kernel_lacks_is_a_skip(place: Path) -> None:
    if "\tf2fs\n" in Path("/proc/filesystems").read_text():
        pytest.skip("this kernel has F2FS: run it on one that has none")
    (skip, *_) = _run(place, fs="f2fs").trials
    assert skip.status is Status.SKIPPED
    assert "modprobe f2fs: " in (skip.reason or "")
    assert "this kernel needs its module f2fs" in (skip.remedy or "")


@_TIDY
@needs_root
def test_no_mkfs_is_a_skip_that_names_its_package(place: Path, loadstone: Command) -> None:
    """In a mount namespace where the program's directory shows none."""
    program = shutil.which("mkfs.ext4", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if program is None:
        pytest.skip("apt-get install e2fsprogs")
    hide = f'mount --bind /dev/null {program}; exec "$@"'
    done = loadstone(
        *("run", "folio-write", "--dir", place, "--rounds", "1", "--quiet", "--json"),
        *("--set", "fs=dir,ext4", "--set", "total=1m"),
        before=("unshare", "--mount", "sh", "-c", hide, "sh"),
    )
    assert done.code == 0, done.err
    skips = [case["skipped"] for case in json.loads(done.out)["cases"] if case["skipped"]]
    assert len(skips) == 1
    assert "no program mkfs.ext4 here" in skips[0]
    shown = loadstone("show", "last")
    assert "install the Debian package e2fsprogs" in shown.out.replace("\n", " ")


@_TIDY
@needs_root
def test_a_user_without_rights_makes_no_file_system_but_writes(
    loadstone: Command, place: Path, as_nobody: tuple[str, ...]
) -> None:
    done = loadstone(
        *("run", "folio-write", "--dir", place, "--rounds", "1", "--quiet", "--json"),
        *("--set", "fs=dir,xfs", "--set", "total=1m"),
        before=as_nobody,
    )
    assert done.code == 0, done.err
    cases = json.loads(done.out)["cases"]
    assert sorted(bool(case["skipped"]) for case in cases) == [False, True]
    (reason,) = (case["skipped"] for case in cases if case["skipped"])
    assert "a loop device is root's to make" in reason


@_TIDY
@needs_root
@needs("strace", "mkfs.ext4")
def test_no_free_loop_device_is_a_skip_with_a_remedy(loadstone: Command, place: Path) -> None:
    devices = [word for path in Path("/dev").glob("loop*") for word in ("-P", str(path))]
    done = loadstone(
        *("run", "folio-write", "--dir", place, "--rounds", "1", "--quiet", "--json"),
        *("--set", "fs=dir,ext4", "--set", "total=1m"),
        before=(
            *("strace", "-f", "-qq", "-o", "/dev/null", *devices),
            *("-e", "trace=ioctl", "-e", "inject=ioctl:error=ENOSPC"),
        ),
    )
    assert done.code == 0, done.err
    (reason,) = (case["skipped"] for case in json.loads(done.out)["cases"] if case["skipped"])
    assert "No space left on device" in reason


@_TIDY
@needs_root
@needs("mkfs.ext4")
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_ended_on_its_own_file_system_leaves_nothing(
    loadstone: Command, place: Path, end: signal.Signals
) -> None:
    """Of itself, or where it could do nothing any more by clean."""
    options = ("--set", "fs=ext4", "--set", "size=4k", "--set", "total=256m")
    process = loadstone.start(
        *("run", "folio-write", "--dir", place, *options), "--set", "sync=every:1"
    )
    written = "loadstone-mount-*/loadstone-write-*"
    until(lambda: list(place.glob(written)) and loadstone.jobs(), "the writes to begin")
    assert leftovers(place).loops
    assert leftovers(place).mounts
    process.send_signal(end)
    process.communicate(timeout=60)
    if end is signal.SIGKILL:
        until(lambda: not loadstone.jobs(), "the job to end")
        assert leftovers(place).mounts
    done = loadstone("clean")
    assert done.code == 0, done.out
    assert ("removed mount" in done.out) == (end is signal.SIGKILL)


@_TIDY
@needs_root
@needs("mkfs.ext4")
def test_a_disk_that_runs_full_below_a_loop_device_fails_the_trial(
    small_ext4: Path, tmp_path: Path
) -> None:
    """The image is sparse: its own disk has no room for what is written into it."""
    image = small_ext4 / "loadstone-image"
    with image.open("wb") as stream:
        stream.truncate(256 * MIB)
    point = tmp_path / "loadstone-inner"
    with (
        contextlib.closing(LocalTarget(tmp_path / "journaled")) as target,
        Journal(tmp_path / "journaled") as journal,
        loop_device(target, journal, image) as device,
        made_file_system(device, "ext4", "", "", point, journal),
    ):
        prepared, case = _prepared(point), _case(size=65536, total=64 * MIB)
        outcome = native.run_job(prepared.job(case))
        finding = prepared.evaluate(case, outcome)
    image.unlink()
    shutil.rmtree(tmp_path / "journaled")
    assert finding.status is Status.FAILED
    assert re.search("ran full|the device failed", finding.reason or "")


def test_witnesses_that_disagree_are_noted(place: Path) -> None:
    prepared, case = _prepared(place), _case(size=65536)
    outcome = native.run_job(prepared.job(case))
    for traced, is_noted in ((65536, False), (32768, False), (16384, True), (1 << 20, True)):
        values = {**outcome.values, "folio_mean_bytes": 65536, "traced_folio_mean_bytes": traced}
        notes = prepared.evaluate(case, Outcome(values=values)).notes
        assert any("by the tracepoint" in note for note in notes) == is_noted


@needs_root
def test_root_sees_the_same_folios_with_both_witnesses(place: Path) -> None:
    for trial in _run(place, size=["4k", "64k"]).trials:
        traced = trial.evidence["traced_folio_mean_bytes"]
        if traced < 0:
            pytest.skip("this kernel's tracepoint tells no order: run on a newer kernel")
        assert traced == trial.evidence["folio_mean_bytes"]
