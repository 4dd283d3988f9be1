"""The journal: what was set up is taken down after a kill, and nothing else ever is."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from loadstone.core import native
from loadstone.core.remote_files import Execute
from loadstone.errors import RunError, TargetError, UsageError
from loadstone.model import Job, Outcome
from loadstone.provision.journal import LOCAL, REMOVERS, UNREADABLE, Entry, Journal
from loadstone.provision.leftovers import Reach, clean, find_leftovers

NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="changes a tunable: run as root")
NEEDS_STRACE = pytest.mark.skipif(not shutil.which("strace"), reason="install strace")
LAPTOP_MODE = Path("/proc/sys/vm/laptop_mode")

SET_UP = """
import sys, time
from pathlib import Path
from loadstone.provision.journal import Journal
journal = Journal(Path(sys.argv[1]))
for name in sys.argv[2:]:
    journal.entry("file", name)
    Path(name).touch()
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture
def removed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a remover of the kind ``probe`` was asked to take down; it refuses ``stuck``."""
    names: list[str] = []

    def remove(name: str, _: str) -> None:
        names.append(name)
        if name == "stuck":
            raise RunError("it is busy")

    monkeypatch.setitem(REMOVERS, "probe", remove)
    return names


def running(results: Path, *names: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", SET_UP, str(results), *map(str, names)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def orphan(entry: Entry, **changes: object) -> None:
    """Make an entry of this process look like one of a process that has died."""
    record = msgspec.structs.replace(entry.record, **{"pid_start": 1, **changes})
    entry.path.write_bytes(msgspec.json.encode(record))


def problems(results: Path) -> list[str]:
    return [removal.problem or "" for removal in clean(results)]


@pytest.fixture
def results(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "results").mkdir()
    yield tmp_path / "results"
    assert not list(tmp_path.rglob("*.tmp"))


def test_what_a_killed_process_left_is_removed_and_a_living_ones_is_not(
    results: Path, tmp_path: Path
) -> None:
    dead, alive = tmp_path / "loadstone-dead", tmp_path / "loadstone-alive"
    killed, living = running(results, dead), running(results, alive)
    try:
        assert find_leftovers(results) == []
        kill(killed)
        assert [entry.record.name for entry in find_leftovers(results)] == [str(dead)]
        assert problems(results) == [""]
        assert not dead.exists()
        assert alive.exists()
        assert clean(results) == []
    finally:
        kill(living)
    assert problems(results) == [""]
    assert not alive.exists()
    assert list((results / "journal").iterdir()) == []


def test_a_process_that_waits_to_be_reaped_is_dead(results: Path, tmp_path: Path) -> None:
    process = running(results, tmp_path / "loadstone-a")
    process.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert len(find_leftovers(results)) == 1
    process.wait()


def test_a_thing_that_was_written_down_but_never_made_is_taken_for_gone(
    results: Path, tmp_path: Path
) -> None:
    orphan(Journal(results).entry("file", str(tmp_path / "none" / "loadstone-a")))
    assert problems(results) == [""]
    assert find_leftovers(results) == []


def test_a_reused_pid_another_boot_and_an_impossible_pid_are_dead(results: Path) -> None:
    journal = Journal(results)
    journal.entry("file", "/loadstone-mine")
    start = journal.entry("file", "/x").record.pid_start
    orphan(journal.entry("file", "/loadstone-reused"))
    orphan(journal.entry("file", "/loadstone-boot"), pid_start=start, boot="another")
    orphan(journal.entry("file", "/loadstone-huge"), pid=10**18)
    orphan(journal.entry("file", "/loadstone-negative"), pid=-1)
    orphan(journal.entry("file", "/loadstone-unsaid"), pid_start=start, boot="")
    names = [entry.record.name for entry in find_leftovers(results)]
    assert names == ["/loadstone-" + word for word in ("reused", "boot", "huge", "negative")]


def test_an_entry_is_struck_once_its_thing_is_gone(results: Path) -> None:
    journal = Journal(results)
    entry = journal.entry("file", "/loadstone-a")
    assert entry.path.is_file()
    entry.remove()
    entry.remove()
    assert journal.take_down() == []


def test_a_context_takes_down_what_still_stands_newest_first(
    results: Path, removed: list[str]
) -> None:
    with Journal(results) as journal:
        for name in ("loop", "dm", "mount", "done"):
            entry = journal.entry("probe", name)
        entry.remove()
    assert removed == ["mount", "dm", "loop"]
    assert list((results / "journal").iterdir()) == []


def test_a_context_takes_down_on_an_error_and_lets_that_error_through(
    results: Path, removed: list[str]
) -> None:
    with pytest.raises(KeyboardInterrupt) as caught, Journal(results) as journal:
        for name in ("a", "stuck", "b"):
            journal.entry("probe", name)
        raise KeyboardInterrupt
    assert removed == ["b", "stuck", "a"]
    assert "probe stuck was left: it is busy" in caught.value.__notes__[0]


def test_a_context_that_leaves_something_standing_says_so(
    results: Path, removed: list[str]
) -> None:
    with pytest.raises(RunError, match="probe stuck was left: it is busy"), Journal(results) as it:
        it.entry("probe", "a")
        it.entry("probe", "stuck")
    assert removed == ["stuck", "a"]


def test_one_failure_neither_stops_the_rest_nor_leaves_the_journal(
    results: Path, removed: list[str]
) -> None:
    journal = Journal(results)
    for name in ("a", "stuck", "b"):
        orphan(journal.entry("probe", name))
    for _ in range(2):
        told = [problem for problem in problems(results) if problem]
        assert len(told) == 1
        assert "probe stuck was left: it is busy" in told[0]
        assert str(find_leftovers(results)[0].path) in told[0]
    assert removed == ["b", "stuck", "a", "stuck"]


def test_order_is_kept_over_many_entries(results: Path, removed: list[str]) -> None:
    journal = Journal(results)
    names = [str(number) for number in range(50)]
    for name in names:
        orphan(journal.entry("probe", name))
    assert problems(results) == [""] * 50
    assert removed == names[::-1]


@pytest.mark.parametrize(
    "name", ["precious", "loadstone", "sub/../precious", "loadstone-x/../precious", "a\0loadstone-"]
)
def test_a_file_that_is_not_named_as_ours_is_never_removed(
    results: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / "loadstone-x").mkdir()
    for kept in ("precious", "loadstone"):
        (tmp_path / kept).touch()
    orphan(Journal(results).entry("file", f"{tmp_path}/{name}"))
    assert "was left: it is no absolute path of a file named loadstone-" in problems(results)[0]
    assert (tmp_path / "precious").exists()
    assert (tmp_path / "loadstone").exists()
    assert len(find_leftovers(results)) == 1


def test_a_relative_name_is_refused_wherever_clean_is_run(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("loadstone-a").touch()
    orphan(Journal(results).entry("file", "loadstone-a"))
    assert "no absolute path" in problems(results)[0]
    assert Path("loadstone-a").exists()


def test_a_link_and_a_directory_are_never_removed(results: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    (tmp_path / "loadstone-link").symlink_to("precious")
    (tmp_path / "loadstone-directory").mkdir()
    journal = Journal(results)
    for name in ("loadstone-link", "loadstone-directory"):
        orphan(journal.entry("file", str(tmp_path / name)))
    assert all("it is not a regular file" in problem for problem in problems(results))
    assert len(find_leftovers(results)) == 2
    assert (tmp_path / "loadstone-link").is_symlink()
    assert (tmp_path / "precious").exists()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"[" * 100_000,
        b'{"kind":"file","name":"/loadstone-a"}',
        b'{"kind":"file","name":"/loadstone-a","pid":"1","pid_start":1}',
        b'{"kind":"file","name":"/loadstone-a","pid":' + b"9" * 30 + b',"pid_start":1}',
        b'{"kind":"file","name":"/loadstone-a","pid":1,"pid_start":1,"more":1}',
    ],
)
def test_a_journal_file_that_cannot_be_read_is_reported_and_kept(
    results: Path, data: bytes
) -> None:
    path = results / "journal" / "1-hostile.json"
    path.parent.mkdir()
    path.write_bytes(data)
    assert [entry.record.kind for entry in find_leftovers(results)] == [UNREADABLE]
    (problem,) = problems(results)
    assert f"{path} was left: it is no journal entry" in problem
    assert path.exists()


def test_a_journal_file_that_is_no_file_is_reported_and_kept(results: Path) -> None:
    (results / "journal").mkdir()
    os.mkfifo(results / "journal" / "1.json")
    (results / "journal" / "2.json").symlink_to("/dev/zero")
    (results / "journal" / "3.json").mkdir()
    told = problems(results)
    assert len(told) == 3
    assert all("it is not a small regular file" in problem for problem in told)


def test_an_unknown_kind_is_reported_and_its_text_cannot_steer_the_terminal(results: Path) -> None:
    orphan(Journal(results).entry("file", "/loadstone-a"), kind="zap", name="\x1b[2J")
    (problem,) = problems(results)
    assert "this loadstone knows no such kind" in problem
    assert "\x1b" not in problem


def test_nothing_can_be_written_down_that_nobody_could_take_down(results: Path) -> None:
    with pytest.raises(ValueError, match="'zap'"):
        Journal(results).entry("zap", "x")


def test_a_journal_that_cannot_be_written_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"cannot write .*journal.*--results"):
        Journal(tmp_path / "file").entry("file", "/loadstone-a")
    with pytest.raises(RunError, match="cannot read"):
        clean(tmp_path / "file")


def test_no_results_are_nothing_to_clean(tmp_path: Path) -> None:
    assert clean(tmp_path / "none") == []


@NEEDS_STRACE
def test_a_file_that_the_system_will_not_remove_is_reported(results: Path, tmp_path: Path) -> None:
    file = tmp_path / "loadstone-a"
    kill(running(results, file))
    text = (
        "import sys; from pathlib import Path; from loadstone.provision.leftovers import clean\n"
        "print([removal.problem for removal in clean(Path(sys.argv[1]))])\n"
    )
    inject = [
        "strace",
        "-qq",
        "-o",
        "/dev/null",
        "-P",
        str(file),
        "-e",
        "inject=unlink:error=EPERM",
    ]
    command = [*inject, sys.executable, "-c", text, str(results)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    assert f"file {file} was left: Operation not permitted (EPERM)" in done.stdout
    assert file.exists()
    assert problems(results) == [""]


@pytest.mark.root
@NEEDS_ROOT
def test_a_tunable_gets_its_oldest_value_back(results: Path) -> None:
    before = LAPTOP_MODE.read_text()
    try:
        journal = Journal(results)
        for value in ("1", "2"):
            orphan(journal.entry("tunable", str(LAPTOP_MODE), LAPTOP_MODE.read_text().strip()))
            LAPTOP_MODE.write_text(value)
        assert problems(results) == ["", ""]
        assert LAPTOP_MODE.read_text() == before
    finally:
        LAPTOP_MODE.write_text(before)


@pytest.mark.parametrize(
    "name",
    [
        "/sys/power/state",
        "/proc/sys/kernel/random/boot_id",
        "/sys/kernel/mm/../../..{tmp}/file",
        "{tmp}/file",
        "{tmp}/link",
    ],
)
def test_a_file_that_is_no_tunable_is_never_written(
    results: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / "file").write_text("precious")
    (tmp_path / "link").symlink_to("file")
    orphan(Journal(results).entry("tunable", name.format(tmp=tmp_path), "x"))
    assert "it is no tunable that Loadstone changes" in problems(results)[0]
    assert (tmp_path / "file").read_text() == "precious"


@pytest.mark.parametrize(
    ("kind", "names", "words"),
    [
        (
            "dm-table",
            ("vg-root", "", "/dev/mapper/loadstone-x", "Loadstone-x", "x/../loadstone-x"),
            "it is no device named loadstone-…",
        ),
        ("dm-table", (f"loadstone-{'x' * 128}",), "it is no device named loadstone-…"),
        (
            "null_blk",
            ("nullb0", "", "..", "loadstone/../nullb0", "/loadstone", "loadstone-x/power"),
            "it is no null_blk of ours",
        ),
    ],
)
def test_a_device_that_is_not_named_as_ours_is_never_taken_down(
    results: Path, kind: str, names: tuple[str, ...], words: str
) -> None:
    """Also where this kernel has no such devices at all."""
    journal = Journal(results)
    for name in names:
        orphan(journal.entry(kind, name))
    told = problems(results)
    assert len(told) == len(names)
    assert all(words in one for one in told)
    assert len(find_leftovers(results)) == len(names)


@pytest.mark.skipif(
    Path("/dev/mapper/control").exists() and os.geteuid() != 0,
    reason="only root may ask device-mapper: run as root",
)
@pytest.mark.parametrize("kind", ["dm-table", "null_blk"])
def test_a_device_that_was_written_down_but_never_made_is_taken_for_gone(
    results: Path, kind: str
) -> None:
    orphan(Journal(results).entry(kind, "loadstone-flush-1-abcdef01"))
    assert problems(results) == [""]
    assert find_leftovers(results) == []


def test_a_tunable_that_has_gone_with_its_device_is_taken_for_gone(results: Path) -> None:
    name = "/sys/devices/virtual/block/none/queue/nr_requests"
    orphan(Journal(results).entry("tunable", name, "64"))
    assert problems(results) == [""]


class Phones:
    """Targets that can be reached, by name; what each was asked, and how often it was reached."""

    def __init__(self, *names: str) -> None:
        self.jobs: dict[str, list[Job]] = {name: [] for name in names}
        self.reached: list[str] = []
        self.dies_after = 1 << 30

    @contextlib.contextmanager
    def reach(self, name: str) -> Iterator[Execute]:
        self.reached.append(name)
        if name not in self.jobs:
            raise UsageError(f"--target {name}: is not connected; plug it in")
        yield lambda job: self._execute(name, job)

    def _execute(self, name: str, job: Job) -> Outcome:
        if len(self.jobs[name]) >= self.dies_after:
            return Outcome(crash="the connection broke", target_lost=True)
        self.jobs[name].append(job)
        return native.run_job(job)


def left_on(results: Path, target: str, kind: str, name: str, detail: str = "") -> Entry:
    """An entry of a process that has died, for a thing on another Target."""
    entry = Journal(results).entry("file", "/loadstone-x")
    orphan(entry, kind=kind, name=name, detail=detail, target=target)
    return entry


def test_what_stands_on_another_target_is_removed_there(results: Path, tmp_path: Path) -> None:
    phones = Phones("adb:one", "adb:two")
    for number, target in enumerate(("adb:one", "adb:two", "adb:one")):
        (tmp_path / f"loadstone-{number}").touch()
        left_on(results, target, "file", str(tmp_path / f"loadstone-{number}"))
    left_on(results, "adb:two", "loop", "/far/loadstone-image")
    left_on(results, "adb:two", "dm-table", "loadstone-flush-1-a")
    left_on(results, "adb:two", "tunable", "/proc/sys/vm/none", "1")
    assert [removal.problem for removal in clean(results, phones.reach)] == [None] * 6
    assert not list(tmp_path.glob("loadstone-*"))
    # Newest first, and each Target is reached once.
    assert phones.reached == ["adb:two", "adb:one"]
    asked = [job.operation for job in phones.jobs["adb:two"]]
    assert asked == ["stat", "dm-table", "loop-device", "remove-file"]
    removed = [job.options["file"][-1] for job in phones.jobs["adb:one"]]
    assert removed == ["2", "0"]
    assert clean(results) == []


def test_what_stands_on_a_target_that_is_away_stays_and_stays_written_down(
    results: Path, tmp_path: Path
) -> None:
    file = tmp_path / "loadstone-here"
    file.touch()
    far = left_on(results, "adb:gone", "file", "/data/loadstone-a")
    orphan(Journal(results).entry("file", str(file)))
    for reach in (Phones().reach, None):
        told = [removal.problem for removal in (clean(results, reach) if reach else clean(results))]
        problem = told[-1] or ""
        assert problem.startswith("file /data/loadstone-a on adb:gone was left: ")
        assert problem.endswith(
            f"; connect adb:gone again and run loadstone clean, or if it never comes back, "
            f"delete {far.path}"
        )
        assert not file.exists()
        assert [entry.path for entry in find_leftovers(results)] == [far.path]


def test_a_target_that_goes_away_meanwhile_keeps_what_was_not_done(results: Path) -> None:
    phones = Phones("adb:one")
    phones.dies_after = 1
    for name in ("a", "b", "c"):
        left_on(results, "adb:one", "file", f"/data/loadstone-{name}")
    told = [removal.problem or "" for removal in clean(results, phones.reach)]
    assert told[0] == ""
    assert all("the connection broke; connect adb:one again" in problem for problem in told[1:])
    assert [entry.record.name[-1] for entry in find_leftovers(results)] == ["a", "b"]


@pytest.mark.parametrize(
    "target",
    [
        "",
        "adb:",
        "adb:-s",
        "adb: x",
        "ADB:x",
        "adb:x\n",
        "adb:\x1b[2J",
        "-o",
        "adb:" + "x" * 300,
        "/",
    ],
)
def test_a_target_that_is_no_name_of_one_is_never_reached(results: Path, target: str) -> None:
    phones = Phones(target)
    entry = left_on(results, target, "file", "/loadstone-a")
    (removal,) = clean(results, phones.reach)
    assert not phones.reached
    assert "its target is the name of none; see to it by hand" in (removal.problem or "")
    assert (removal.problem or "").isprintable()
    assert entry.path.exists()


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("directory", "/tmp/loadstone-a", "no such thing on another machine"),
        ("mount", "/tmp/loadstone-a", "no such thing on another machine"),
        ("null_blk", "loadstone-a", "no such thing on another machine"),
        ("zap", "loadstone-a", "knows no such kind"),
        ("file", "/etc/passwd", "no absolute path of a file named loadstone-"),
        ("file", "/tmp/loadstone-a\0b", "no absolute path of a file named loadstone-"),
        ("loop", "/dev/loop0", "no absolute path of a thing named loadstone-"),
        ("dm-table", "system", "no device named loadstone-"),
        ("dm-table", "loadstone-a\0b", "no device named loadstone-"),
        ("tunable", "/proc/sys/kernel/hostname", "no tunable that Loadstone changes"),
        ("tunable", "/proc/self/../sys/kernel/none", "no tunable that Loadstone changes"),
    ],
)
def test_the_same_guards_hold_on_another_target(
    results: Path, kind: str, name: str, words: str
) -> None:
    phones = Phones("adb:one")
    left_on(results, "adb:one", kind, name, "1")
    (removal,) = clean(results, phones.reach)
    assert words in (removal.problem or "")
    assert f"{kind} " in (removal.problem or "")
    assert not {job.operation for job in phones.jobs["adb:one"]} - {"stat", "dm-table"}
    assert len(find_leftovers(results)) == 1


def test_a_journal_for_another_target_takes_down_there(results: Path, tmp_path: Path) -> None:
    phones = Phones("adb:one")
    file = tmp_path / "loadstone-a"
    with phones.reach("adb:one") as execute, Journal(results, "adb:one", execute) as journal:
        file.touch()
        entry = journal.entry("file", str(file))
        assert entry.record.target == "adb:one"
        with journal.registered("loop", "/data/loadstone-image"):
            pass
        for kind in ("mount", "null_blk", "directory"):
            with pytest.raises(ValueError, match=f"'{kind}' on adb:one"):
                journal.entry(kind, "/loadstone-a")
    assert [job.operation for job in phones.jobs["adb:one"]] == ["loop-device", "remove-file"]
    assert not file.exists()


def test_on_this_machine_no_worker_is_asked(results: Path, tmp_path: Path) -> None:
    def dead(job: Job) -> Outcome:
        raise AssertionError(job)

    file = tmp_path / "loadstone-a"
    with Journal(results, LOCAL, dead) as journal:
        file.touch()
        journal.entry("file", str(file))
    assert not file.exists()


def test_a_record_of_before_there_were_other_targets_is_of_this_machine(
    results: Path, tmp_path: Path
) -> None:
    file = tmp_path / "loadstone-a"
    file.touch()
    path = results / "journal" / "1.json"
    path.parent.mkdir()
    path.write_bytes(
        msgspec.json.encode({"kind": "file", "name": str(file), "pid": -1, "pid_start": 1})
    )
    assert problems(results) == [""]
    assert not file.exists()


def test_a_connection_that_breaks_at_its_end_undoes_nothing(results: Path) -> None:
    @contextlib.contextmanager
    def reach(name: str) -> Iterator[Execute]:
        del name
        yield native.run_job
        raise TargetError("it did not answer to the end")

    nearby: Reach = reach
    left_on(results, "adb:one", "file", "/data/loadstone-a")
    assert [removal.problem for removal in clean(results, nearby)] == [None]
