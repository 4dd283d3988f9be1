"""The doctor says what a load then meets, and why."""

import contextlib
import errno
import json
import os
import stat
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from loadstone import api, targets
from loadstone.cli.doctor import command
from loadstone.doctor.diagnosis import Diagnosis, diagnose
from loadstone.doctor.probes import Check, Group
from loadstone.doctor.system_state import system_states
from loadstone.errors import CannotMeasureError, ExitCode, TargetError, UsageError
from loadstone.model import CoreError, Environment, Fact, Job, Outcome, Status

FILE_BYTES = 1 << 20
ALL_IS_WELL = dict.fromkeys(
    (
        *("uring", "uring-sqpoll", "anon", "thp", "hugetlb", "memfd", "memfd-hugetlb", "udmabuf"),
        *("drop_caches", "direct", "page-cache", "copy-range", "sendfile"),
    ),
    0,
)
HEAP_IS_WELL = dict.fromkeys(
    (
        *("dma-heap", "heap-alloc-and-read", "heap-alloc-file", "dmabuf-rw-file"),
        *("heap-direct-read", "heap-copy-range"),
    ),
    0,
)


LAB_GROUPS = {Group.PROGRAMS, Group.FILE_SYSTEMS, Group.KERNELS, Group.ROOM}
DEVICE_MAPPER = Outcome(values={"version_major": 4, "version_minor": 50, "version_patch": 0})


class FakeTarget:
    """A Target that answers as it is told: the values of the probe, facts, and small files."""

    name = "fake"
    is_this_machine = True

    def __init__(
        self,
        values: Mapping[str, int] = ALL_IS_WELL,
        heaps: Mapping[str, Mapping[str, int]] | None = None,
        facts: Mapping[str, Fact] | None = None,
        texts: Mapping[str, str] | None = None,
        size_bytes: int = FILE_BYTES,
        device_mapper: Outcome = DEVICE_MAPPER,
    ) -> None:
        self._values = values
        self._heaps = heaps or {}
        self._facts = {"memory.hugetlb_free_pages": 99, "block.device": "8:0", **(facts or {})}
        self._texts = texts or {}
        self._size_bytes = size_bytes
        self._device_mapper = device_mapper
        self.probed_heaps: list[str] = []

    def execute(self, job: Job) -> Outcome:
        if job.operation == "dm-table":
            return self._device_mapper
        if job.operation == "stat":
            return self._looked_at(job.options["file"])
        if job.operation == "clock-step":
            return Outcome(values={"clock_step_ns": 52})
        heap = job.options.get("heap")
        if heap is None:
            return Outcome(values=self._values)
        self.probed_heaps.append(heap)
        if heap in self._heaps and not self._heaps[heap]:
            return Outcome(crash="killed by SIGSEGV")
        return Outcome(
            values={**self._values, **self._heaps.get(heap, dict.fromkeys(HEAP_IS_WELL, -2))}
        )

    def environment(self, path: str | None) -> Environment:
        del path
        return Environment(target=self.name, facts=self._facts)

    def run_command(self, *words: str) -> str:
        assert words[0] == "ls"
        if not self._heaps:
            raise TargetError("ls: /dev/dma_heap: No such file or directory")
        return "".join(f"{heap}\n" for heap in self._heaps)

    def _looked_at(self, path: str) -> Outcome:
        names = ("allocated_bytes", "inode", "mtime_ns", "free_bytes")
        numbers = (f"{kind}_{part}" for kind in ("device", "rdev") for part in ("major", "minor"))
        values = {"type": stat.S_IFREG, "file_bytes": self._size_bytes, "readable": 0}
        return Outcome(values=dict.fromkeys((*names, *numbers), 0) | values, before={path: path})

    def read_text(self, path: str) -> str | None:
        return self._texts.get(path)

    def read_texts(self, paths: Sequence[str]) -> Mapping[str, str]:
        return {path: self._texts[path] for path in paths if path in self._texts}

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"the doctor has no business with {name}")


def of_fake(target: FakeTarget, tmp_path: Path) -> Diagnosis:
    return diagnose(target, "/data/model.gguf", tmp_path / "results")  # type: ignore[arg-type]  # a fake has what is used


def of_local(file: Path | None, results: Path) -> Diagnosis:
    with targets.connect("local", results) as target:
        return diagnose(target, None if file is None else str(file), results)


def named(diagnosis: Diagnosis, name: str) -> Check:
    return next(check for check in diagnosis.checks if check.name == name)


def test_device_mapper_and_loop_devices_are_told_of(tmp_path: Path) -> None:
    error = CoreError(code=errno.ENOENT, step="open device-mapper control", path="/dev/mapper/x")
    loops = {"/sys/class/misc/loop-control/dev": "10:237\n"}
    with_all = of_fake(FakeTarget(texts=loops), tmp_path)
    without = of_fake(FakeTarget(device_mapper=Outcome(error=error)), tmp_path)
    assert named(with_all, "device-mapper").detail == "interface 4.50.0"
    assert named(with_all, "loop devices").is_met
    lacking = named(without, "device-mapper")
    assert "no dm-flush, no dm-verity" in (lacking.reason or "")
    assert "modprobe dm_mod" in (lacking.remedy or "")
    assert "modprobe loop" in (named(without, "loop devices").remedy or "")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.gguf"
    path.write_bytes(os.urandom(FILE_BYTES))
    return path


@pytest.mark.native
def test_every_no_has_a_reason_and_a_remedy_and_every_group_is_there(tmp_path: Path) -> None:
    diagnosis = of_local(None, tmp_path / "results")
    assert {check.group for check in diagnosis.checks} == set(Group) - LAB_GROUPS
    for check in diagnosis.checks:
        assert check.is_met == (check.reason is None) == (check.remedy is None), check
        assert check.is_met or (check.reason and check.remedy), check


@pytest.mark.native
def test_groups_stand_together_in_their_order(tmp_path: Path) -> None:
    groups = [check.group for check in of_local(None, tmp_path / "results").checks]
    assert list(dict.fromkeys(groups)) == [group for group in Group if group not in LAB_GROUPS]
    assert groups == sorted(groups, key=list(Group).index)


@pytest.mark.native
def test_nothing_is_left_of_the_file_that_was_made(tmp_path: Path) -> None:
    diagnosis = of_local(None, tmp_path / "results")
    assert diagnosis.is_made
    assert diagnosis.path.startswith(str(tmp_path))
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.native
def test_a_given_file_is_only_read_and_nothing_is_made(model: Path, tmp_path: Path) -> None:
    before = (model.read_bytes(), model.stat().st_mtime_ns, model.stat().st_ino)
    diagnosis = of_local(model, tmp_path / "results")
    assert (diagnosis.path, diagnosis.is_made) == (str(model), False)
    assert (model.read_bytes(), model.stat().st_mtime_ns, model.stat().st_ino) == before
    assert list(tmp_path.iterdir()) == [model]


@pytest.mark.native
@pytest.mark.parametrize("destination", ["anon", "hugetlb", "memfd", "memfd-hugetlb", "udmabuf"])
def test_the_doctor_and_a_run_agree_on_a_destination(
    destination: str, model: Path, tmp_path: Path
) -> None:
    check = named(of_local(model, tmp_path / "results"), destination)
    axes = {"engine": "pread", "io": "buffered", "cache": "as-is", "destination": destination}
    run = api.run(file=model, axes=axes, rounds=1, warmups=0, results=tmp_path / "results")
    (trial,) = run.trials
    assert check.is_met == (trial.status is Status.OK), (check, trial.reason)
    if not check.is_met and "too few" not in (check.reason or ""):
        assert trial.reason is not None
        assert trial.reason.split(":")[0] == (check.reason or "").split(":")[0]
        assert trial.remedy == check.remedy


@pytest.mark.native
@pytest.mark.parametrize(
    ("name", "axes"),
    [
        ("uring", {"engine": "uring", "io": "buffered"}),
        ("O_DIRECT", {"engine": "pread", "io": "direct", "block": "64k"}),
        ("sendfile → memfd", {"engine": "sendfile"}),
        ("copy-range → memfd", {"engine": "copy-range"}),
    ],
)
def test_the_doctor_and_a_run_agree_on_an_engine(
    name: str, axes: dict[str, str], model: Path, tmp_path: Path
) -> None:
    check = named(of_local(model, tmp_path / "results"), name)
    run = api.run(
        file=model,
        axes={**axes, "cache": "as-is"},
        rounds=1,
        warmups=0,
        results=tmp_path / "results",
    )
    assert check.is_met == (run.trials[0].status is Status.OK), (check, run.trials[0].reason)


@pytest.mark.native
@pytest.mark.skipif(
    not os.access("/dev/shm", os.W_OK), reason="no tmpfs at /dev/shm; mount one there"
)
def test_a_file_in_memory_is_never_cold(tmp_path: Path) -> None:
    file = Path(f"/dev/shm/loadstone-test-{os.getpid()}")
    try:
        file.write_bytes(b"model")
        diagnosis = of_local(file, tmp_path)
    finally:
        file.unlink(missing_ok=True)
    assert "tmpfs" in (named(diagnosis, "cold start").reason or "")
    assert not named(diagnosis, "block device").is_met
    assert diagnosis.can_load


@pytest.mark.native
def test_a_file_on_a_disk_can_be_cold(model: Path, tmp_path: Path) -> None:
    diagnosis = of_local(model, tmp_path)
    on_memory = "tmpfs" in named(diagnosis, "file system").detail
    assert on_memory == any(check.name == "cold start" for check in diagnosis.checks)


def _missing(directory: Path) -> Path:
    return directory / "missing"


def _directory(directory: Path) -> Path:
    return directory


def _empty(directory: Path) -> Path:
    (directory / "empty").touch()
    return directory / "empty"


def _fifo(directory: Path) -> Path:
    os.mkfifo(directory / "fifo")
    return directory / "fifo"


@pytest.mark.native
@pytest.mark.parametrize("make", [_missing, _directory, _empty, _fifo])
def test_a_file_that_cannot_be_loaded_is_one_line_and_exit_code_2(
    make: object, tmp_path: Path
) -> None:
    assert callable(make)
    path = make(tmp_path)
    words = [sys.executable, "-m", "loadstone.cli", "doctor", "--file", str(path)]
    done = subprocess.run(
        words, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == ExitCode.USAGE, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert str(path) in line
    assert ";" in line
    assert not (tmp_path / "results").exists()


@pytest.mark.native
def test_the_command_prints_json_and_nothing_else_on_stdout(model: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "loadstone.cli", "doctor", "--json", "--file", model.name]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == ExitCode.DONE, done.stderr
    diagnosis = msgspec.convert(json.loads(done.stdout), Diagnosis)
    assert diagnosis.path == str(model)
    assert diagnosis.can_load


def test_the_core_that_cannot_run_is_said_so(tmp_path: Path) -> None:
    class Dead(FakeTarget):
        def execute(self, job: Job) -> Outcome:
            del job
            return Outcome(crash="killed by SIGILL")

    class Old(FakeTarget):
        def execute(self, job: Job) -> Outcome:
            error = CoreError(code=errno.ENOSYS, step="operation", path=job.operation)
            return Outcome(error=error)

    for target, words in ((Dead(), "SIGILL"), (Old(), "operation probe")):
        with pytest.raises(CannotMeasureError, match=words) as caught:
            of_fake(target, tmp_path)
        assert caught.value.exit_code == ExitCode.NOT_MEASURED


def test_a_file_that_the_core_cannot_open_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Permission denied"):
        of_fake(FakeTarget({**ALL_IS_WELL, "open": -errno.EACCES}), tmp_path)


@pytest.mark.parametrize(
    ("value", "code", "name", "reason", "remedy"),
    [
        ("uring", errno.EPERM, "uring", "refused", "io_uring_disabled"),
        ("uring", errno.ENOSYS, "uring", "no io_uring", "engine=pread"),
        ("uring-sqpoll", errno.EINVAL, "uring poll=sq", "poll", "poll=none"),
        ("thp", errno.EINVAL, "thp", "no transparent huge pages", "destination=anon"),
        ("hugetlb", errno.ENOMEM, "hugetlb", "huge pages", "vm.nr_hugepages=2"),
        ("memfd-hugetlb", errno.ENOSYS, "memfd-hugetlb", "huge pages", "vm.nr_hugepages=2"),
        ("udmabuf", errno.ENOENT, "udmabuf", "CONFIG_UDMABUF", "modprobe"),
        ("udmabuf", errno.EACCES, "udmabuf", "closed to this user", "root"),
        ("direct", errno.EINVAL, "O_DIRECT", "refuses O_DIRECT", "io=buffered"),
        ("page-cache", errno.EPERM, "page cache", "cannot be seen", "cache=as-is"),
        ("copy-range", errno.EXDEV, "copy-range → memfd", "into memfd", "sendfile"),
        ("sendfile", errno.EINVAL, "sendfile → memfd", "sendfile into memfd", "pread"),
        ("drop_caches", errno.EACCES, "drop_caches", "Permission denied", "root"),
        ("anon", errno.EPERM, "anon", "EPERM", "system's words"),
    ],
)
def test_a_refusal_is_explained(
    value: str, code: int, name: str, reason: str, remedy: str, tmp_path: Path
) -> None:
    check = named(of_fake(FakeTarget({**ALL_IS_WELL, value: -code}), tmp_path), name)
    assert not check.is_met
    assert reason in (check.reason or "")
    assert remedy in (check.remedy or "")
    assert named(of_fake(FakeTarget(), tmp_path), name).is_met


def test_heaps_are_tried_by_name_and_a_stock_one_says_why_it_is_slow(tmp_path: Path) -> None:
    stock = {
        **HEAP_IS_WELL,
        "heap-direct-read": -errno.EFAULT,
        "heap-copy-range": -errno.EINVAL,
        "heap-alloc-and-read": -errno.EINVAL,
        "dmabuf-rw-file": -errno.ENOTTY,
    }
    heaps = {"system": stock, "mtk_mm-uncached": HEAP_IS_WELL}
    diagnosis = of_fake(FakeTarget(heaps=heaps), tmp_path)
    assert named(diagnosis, "dma-heap:system").is_met
    assert "VM_PFNMAP" in (named(diagnosis, "pread direct → dma-heap:system").reason or "")
    for engine in ("heap-alloc-and-read", "dmabuf-rw-file"):
        assert engine in (named(diagnosis, f"{engine} → dma-heap:system").reason or "")
    copying = named(diagnosis, "copy-range → dma-heap:system").reason or ""
    assert "into dma-heap:system" in copying
    assert all(check.is_met for check in diagnosis.checks if "mtk_mm" in check.name)


def test_without_heaps_the_missing_one_is_explained_once_per_engine(tmp_path: Path) -> None:
    diagnosis = of_fake(FakeTarget(), tmp_path)
    missing = [check for check in diagnosis.checks if "dma-heap" in check.name]
    assert len(missing) == len(HEAP_IS_WELL)
    assert all("CONFIG_DMABUF_HEAPS" in (check.reason or "") for check in missing)


def test_a_heap_whose_name_is_no_name_is_left_alone(tmp_path: Path) -> None:
    target = FakeTarget(
        heaps={"../null": HEAP_IS_WELL, "a\x1b[2J": HEAP_IS_WELL, "ok": HEAP_IS_WELL}
    )
    of_fake(target, tmp_path)
    assert target.probed_heaps == ["ok"]


def test_a_heap_that_kills_the_core_spares_the_others(tmp_path: Path) -> None:
    diagnosis = of_fake(FakeTarget(heaps={"bad": {}, "good": HEAP_IS_WELL}), tmp_path)
    assert "SIGSEGV" in (named(diagnosis, "dma-heap:bad").reason or "")
    assert named(diagnosis, "dma-heap:good").is_met


@pytest.mark.parametrize(("free", "is_met"), [(513, True), (12, False)])
def test_huge_pages_must_be_enough_for_the_file(free: int, is_met: bool, tmp_path: Path) -> None:
    facts: dict[str, Fact] = {
        "memory.hugetlb_free_pages": free,
        "memory.huge_page_bytes": 2 << 20,
    }
    target = FakeTarget(facts=facts, size_bytes=1 << 30)
    check = named(of_fake(target, tmp_path), "hugetlb")
    assert check.is_met == is_met
    if not is_met:
        assert "12 huge pages of 2MiB are too few" in (check.reason or "")
        assert "vm.nr_hugepages=513" in (check.remedy or "")


def test_huge_pages_that_can_be_had_on_demand_count(tmp_path: Path) -> None:
    texts = {"/proc/sys/vm/nr_overcommit_hugepages": "600\n"}
    target = FakeTarget(texts=texts, size_bytes=1 << 30)
    assert named(of_fake(target, tmp_path), "hugetlb").is_met


def test_thp_that_is_turned_off_is_no_destination(tmp_path: Path) -> None:
    check = named(of_fake(FakeTarget(facts={"memory.thp": "never"}), tmp_path), "thp")
    assert not check.is_met
    assert "madvise" in (check.remedy or "")
    assert named(of_fake(FakeTarget(facts={"memory.thp": "madvise"}), tmp_path), "thp").is_met


@pytest.mark.parametrize(
    ("limits", "status", "is_met"),
    [
        ("Max locked memory  8388608  8388608  bytes", "CapEff:\t0000000000000000", False),
        ("Max locked memory  8388608  8388608  bytes", "CapEff:\t0000000000004000", True),
        ("Max locked memory  unlimited  unlimited  bytes", "CapEff:\t0000000000000000", True),
        ("Max locked memory  2147483648  unlimited  bytes", "CapEff:\t0000000000000000", True),
        ("", "", False),
    ],
)
def test_locked_memory_must_be_enough_for_registered_buffers(
    limits: str, status: str, is_met: bool, tmp_path: Path
) -> None:
    texts = {"/proc/self/limits": f"{limits}\n", "/proc/self/status": f"{status}\n"}
    diagnosis = of_fake(FakeTarget(texts=texts, size_bytes=1 << 30), tmp_path)
    check = named(diagnosis, "locked memory")
    assert check.is_met == is_met
    assert is_met or "memlock" in (check.remedy or "")


def test_a_file_larger_than_the_memory_is_told(tmp_path: Path) -> None:
    facts: dict[str, Fact] = {"memory.available_bytes": FILE_BYTES - 1}
    assert not named(of_fake(FakeTarget(facts=facts), tmp_path), "memory").is_met
    facts["memory.available_bytes"] = FILE_BYTES + 1
    assert named(of_fake(FakeTarget(facts=facts), tmp_path), "memory").is_met


@pytest.mark.parametrize(
    ("facts", "name", "remedy"),
    [
        ({"cpu.governor": "powersave"}, "governor", "performance"),
        ({"memory.thp": "never"}, "transparent huge pages", "madvise"),
        (
            {"cpu.is_virtual": True, "memory.page_reporting_order": 9},
            "free page reporting",
            "echo 11",
        ),
        ({"cpu.is_virtual": True}, "bare metal", "host"),
        ({"block.read_ahead_kb": 8192}, "read_ahead_kb", "128"),
        ({"load.1min": 1.5, "cpu.count": 2}, "quiet machine", "end"),
        (
            {"cpu.limits_khz": "0-3:1804800/1804800 4-7:1900800/2841600"},
            "frequency limits",
            "let it cool",
        ),
        ({"battery.level_percent": 14}, "battery", "charge"),
        (
            {"battery.level_percent": 90, "battery.saver_is_on": True},
            "battery",
            "battery saver off",
        ),
    ],
)
def test_a_condition_that_unsettles_figures_has_a_remedy(
    facts: dict[str, Fact], name: str, remedy: str
) -> None:
    found = {state.name: state for state in system_states(facts)}
    assert found[name].problem
    assert remedy in (found[name].remedy or "")


def test_good_conditions_are_no_problem_and_unknown_ones_are_not_told() -> None:
    good: dict[str, Fact] = {
        "cpu.governor": "performance",
        "cpu.is_virtual": False,
        "memory.thp": "madvise",
        "memory.page_reporting_order": 9,
        "memory.swap_bytes": 0,
        "block.read_ahead_kb": 128,
        "load.1min": 0.1,
        "cpu.count": 2,
        "cpu.limits_khz": "0-7:2841600/2841600",
        "battery.level_percent": 87,
        "battery.saver_is_on": False,
        "screen.wakefulness": "Asleep",
    }
    assert {state.problem for state in system_states(good)} == {None}
    assert [state.name for state in system_states({})] == ["bare metal"]


def test_the_battery_is_told_with_its_charge_and_its_warmth() -> None:
    facts: dict[str, Fact] = {
        "battery.level_percent": 87,
        "battery.status": "Charging",
        "battery.temperature_mc": 31_200,
    }
    (_, battery) = sorted(system_states(facts), key=lambda state: state.name == "battery")
    assert battery.state == "87 %, Charging, 31.2 °C"


def test_a_lab_guest_is_neither_said_to_be_virtual_nor_busy() -> None:
    facts: dict[str, Fact] = {
        "clock.name": "instructions",
        "cpu.is_virtual": True,
        "load.1min": 2.5,
        "cpu.count": 1,
    }
    assert [state.problem for state in system_states(facts)] == [None]


def run_command_on(
    target: FakeTarget, monkeypatch: pytest.MonkeyPatch, *words: str
) -> tuple[object, str]:
    @contextlib.contextmanager
    def connect(*_: object):  # type: ignore[no-untyped-def]  # its type is that of the fake
        yield target

    monkeypatch.setattr(targets, "connect", connect)
    done = CliRunner().invoke(command, ["--file", "/m", *words], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.return_value, done.output


def test_the_command_leaves_with_3_where_no_load_is_possible(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code, output = run_command_on(FakeTarget(), monkeypatch)
    assert code == ExitCode.DONE
    assert "model-load can be measured here" in output
    nothing = {**ALL_IS_WELL, **dict.fromkeys(ALL_IS_WELL, -errno.ENOMEM)}
    code, output = run_command_on(FakeTarget(nothing), monkeypatch)
    assert code == ExitCode.NOT_MEASURED
    assert "model-load cannot be measured here" in output


def test_the_table_marks_yes_and_no_and_points_to_the_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target = FakeTarget({**ALL_IS_WELL, "udmabuf": -errno.ENOENT})
    _, output = run_command_on(target, monkeypatch)
    lines = [" ".join(line.split()) for line in output.splitlines()]
    assert "✓ anon" in lines
    (at,) = [number for number, line in enumerate(lines) if line.startswith("– udmabuf")]
    assert "CONFIG_UDMABUF" in lines[at]
    assert any(line.startswith("→ modprobe udmabuf") for line in lines[at + 1 : at + 3])


def test_the_table_obeys_no_escape_that_a_device_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    facts: dict[str, Fact] = {"fs.source": "\x1b[2J[bold]dev", "fs.type": "ext4"}
    _, output = run_command_on(FakeTarget(facts=facts), monkeypatch)
    assert "\x1b" not in output
    assert "[bold]dev" in output
