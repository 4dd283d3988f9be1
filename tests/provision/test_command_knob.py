"""The first command of a knob is run at the end, and after a kill only where it can be trusted."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from commands import NOBODY, needs_root
from loadstone.errors import CannotMeasureError, RunError
from loadstone.provision.command_knob import kept_commands
from loadstone.provision.journal import Journal
from loadstone.provision.leftovers import clean, find_leftovers
from loadstone.provision.record import Entry
from loadstone.provision.removal import Connection
from loadstone.provision.removers import COMMAND, RecordedCommand
from loadstone.targets.local import LocalTarget
from loadstone.targets.shell import ShellEnd
from provision.journals import Phones, left_on, orphan


@pytest.fixture
def target(results: Path) -> Iterator[LocalTarget]:
    local = LocalTarget(results)
    yield local
    local.close()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def _echo(log: Path, word: str) -> str:
    return f"echo {word} >> {log}"


def _recorded(command: str, directory: Path) -> str:
    recorded = RecordedCommand(command=command, directory=str(directory))
    return msgspec.json.encode(recorded).decode()


def _orphaned(results: Path, log: Path) -> Entry:
    """Of a process that has died, a command."""
    entry = Journal(results).entry(COMMAND, "k", _recorded(_echo(log, "first"), log.parent))
    orphan(entry)
    return entry


def test_the_first_command_is_written_down_before_any_and_run_at_the_end(
    results: Path, target: LocalTarget, log: Path
) -> None:
    with Journal(results) as journal, kept_commands(journal, {"k": _echo(log, "1")}) as knobs:
        assert not log.exists()
        (entry,) = results.glob("journal/*.json")
        assert RecordedCommand.of(
            msgspec.json.decode(entry.read_bytes())["detail"]
        ) == RecordedCommand(command=_echo(log, "1"), directory=str(Path.cwd()))
        knobs["k"].set(target, f"[{_echo(log, '2')}]")
        assert log.read_text() == "2\n"
        assert knobs["k"].other_value(target, "[x]") is None
    assert log.read_text() == "2\n1\n"
    assert list(results.glob("journal/*")) == []


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt, RunError("x")])
def test_after_an_error_it_is_run_as_well(
    results: Path, log: Path, error: type[BaseException]
) -> None:
    with (
        pytest.raises(type(error) if isinstance(error, RunError) else error),
        Journal(results) as journal,
        kept_commands(journal, {"k": _echo(log, "1"), "l": _echo(log, "2")}),
    ):
        raise error
    assert log.read_text() == "2\n1\n"


def test_when_another_thread_has_cancelled_the_run_it_is_run_as_well(
    results: Path, target: LocalTarget, log: Path
) -> None:
    with (
        Journal(results, run_shell=target.run_shell) as journal,
        kept_commands(journal, {"k": _echo(log, "1")}),
    ):
        target.interrupt()
    assert log.read_text() == "1\n"


def test_where_it_fails_it_stays_in_the_journal_with_what_to_do(results: Path) -> None:
    with (
        pytest.raises(RunError) as caught,
        Journal(results) as journal,
        kept_commands(journal, {"k": "echo why >&2; exit 4"}),
    ):
        pass
    assert caught.value.what == (
        "command k was left: `echo why >&2; exit 4`: ended with exit code 4: why"
    )
    assert str(caught.value.remedy).startswith("run it by hand; it has to succeed; see to it by")
    assert len(list(results.glob("journal/*.json"))) == 1


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("echo why >&2; exit 3", "ended with exit code 3: why"),
        ("kill -SEGV $$", "killed by SIGSEGV"),
        ("echo why >&2; sleep 60", "it took too long, and was killed: why"),
    ],
)
def test_a_command_that_fails_is_told(
    results: Path, target: LocalTarget, command: str, complaint: str
) -> None:
    with (
        Journal(results) as journal,
        kept_commands(journal, {"k": "true"}, limit_s=0.5) as knobs,
        pytest.raises(CannotMeasureError) as caught,
    ):
        knobs["k"].set(target, f"[{command}]")
    assert caught.value.what == f"--knob k=[{command}]: {complaint}"
    assert caught.value.remedy == "try it by hand in sh; it has to end with 0 within 0.5 s"


def test_what_a_killed_process_left_is_told_and_run_where_it_would_have_been(
    results: Path, log: Path, tmp_path: Path
) -> None:
    entry = Journal(results).entry(COMMAND, "k", _recorded("echo 1 >> log", tmp_path))
    orphan(entry)
    told: list[str] = []

    def tell(entry: Entry) -> None:
        assert not log.exists()
        told.append(RecordedCommand.of(entry.record.detail).command)

    (removal,) = clean(results, tell=tell)
    assert removal.problem is None
    assert told == ["echo 1 >> log"]
    assert log.read_text() == "1\n"
    assert clean(results) == []


def test_one_whose_directory_is_gone_stays_with_what_to_do(results: Path, tmp_path: Path) -> None:
    orphan(Journal(results).entry(COMMAND, "k", _recorded("true", tmp_path / "gone")))
    (removal,) = clean(results)
    assert f"cannot start a shell in {tmp_path}/gone: No such file" in (removal.problem or "")
    assert "see to it by hand" in (removal.problem or "")


@pytest.mark.parametrize("what", ["file", "directory"])
@pytest.mark.parametrize("mode", [0o002, 0o020])
def test_what_others_may_have_written_is_told_and_not_run(
    results: Path, log: Path, what: str, mode: int
) -> None:
    entry = _orphaned(results, log)
    path = entry.path if what == "file" else entry.path.parent
    path.chmod(path.stat().st_mode | mode)
    if mode == 0o020:
        if os.geteuid():
            pytest.skip("gives a file to another group: run as root")
        os.chown(path, -1, NOBODY)
    (removal,) = clean(results, tell=lambda entry: pytest.fail(f"{entry} is run"))
    assert removal.error is not None
    assert removal.error.what == (
        f"command k was left: it would run `{_echo(log, 'first')}`, and did not: others may write "
        f"to {path}"
    )
    assert removal.error.remedy == f"see to it by hand, then delete {entry.path}"
    assert not log.exists()
    path.chmod(0o755)
    assert [removal.problem for removal in clean(results)] == [None]
    assert log.read_text() == "first\n"


@needs_root
@pytest.mark.parametrize("what", ["file", "directory"])
def test_what_another_user_has_written_is_not_run(results: Path, log: Path, what: str) -> None:
    entry = _orphaned(results, log)
    path = entry.path if what == "file" else entry.path.parent
    os.chown(path, NOBODY, NOBODY)
    (removal,) = clean(results)
    assert f"did not: {path} is of user {NOBODY}, and this is user 0" in (removal.problem or "")
    assert not log.exists()
    assert find_leftovers(results)


@needs_root
def test_a_group_that_its_owner_is_alone_in_may_write(results: Path, log: Path) -> None:
    """As where users have groups of their own and the umask is 002."""
    entry = _orphaned(results, log)
    for path in (entry.path, entry.path.parent):
        path.chmod(path.stat().st_mode | 0o020)
    assert [removal.problem for removal in clean(results)] == [None]
    assert log.read_text() == "first\n"


def test_a_link_in_the_journal_is_no_record(results: Path, log: Path, tmp_path: Path) -> None:
    entry = _orphaned(results, log)
    entry.path.rename(tmp_path / "elsewhere.json")
    entry.path.symlink_to(tmp_path / "elsewhere.json")
    (removal,) = clean(results)
    assert "it is not a small regular file" in (removal.problem or "")
    assert not log.exists()


@pytest.mark.parametrize("detail", ["", "{}", "[]", '{"command":1,"directory":"/"}', "\x00"])
def test_a_record_without_a_command_runs_nothing(results: Path, detail: str) -> None:
    entry = Journal(results).entry(COMMAND, "k")
    orphan(entry, detail=detail)
    (removal,) = clean(results)
    assert "command k was left: its detail is no command" in (removal.problem or "")


def test_on_another_target_its_shell_is_asked(results: Path) -> None:
    asked: list[tuple[str, str]] = []

    def run_shell(command: str, directory: str, limit_s: float) -> ShellEnd:
        assert limit_s == 60
        asked.append((command, directory))
        return ShellEnd(status=0)

    phones = Phones("adb:one")
    with phones.reach("adb:one") as there:
        execute = there.execute
    with (
        Journal(results, "adb:one", execute, run_shell) as journal,
        kept_commands(journal, {"k": "a"}),
    ):
        pass
    left_on(results, "adb:one", COMMAND, "k", _recorded("b", Path("/")))
    (removal,) = clean(results, phones.reach)
    assert "no command can be run there" in (removal.problem or "")

    reached = contextlib.nullcontext(Connection(execute=execute, run_shell=run_shell))
    assert [removal.problem for removal in clean(results, lambda _: reached)] == [None]
    assert asked == [("a", str(Path.cwd())), ("b", "/")]
