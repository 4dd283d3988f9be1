"""A thing that would not go stays written down, with what to do."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from loadstone.core.remote_files import Execute
from loadstone.errors import RunError
from loadstone.provision.journal import Journal
from loadstone.provision.leftovers import clean
from loadstone.provision.removers import REMOVERS, Remover
from provision.journals import kill, orphan, problems, running

NEEDS_STRACE = pytest.mark.skipif(not shutil.which("strace"), reason="install strace")


def test_an_unknown_kind_is_reported_and_its_text_cannot_steer_the_terminal(results: Path) -> None:
    orphan(Journal(results).entry("file", "/loadstone-a"), kind="zap", name="\x1b[2J")
    (problem,) = problems(results)
    assert "this loadstone knows no such kind" in problem
    assert "\x1b" not in problem


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


def test_what_to_do_besides_comes_before_seeing_to_it_by_hand(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Execute, __: str, ___: str) -> None:
        raise RunError("it is in use", remedy="unmount it")

    monkeypatch.setitem(REMOVERS, "probe", Remover(remove=refuse))
    orphan(entry := Journal(results).entry("probe", "x"))
    (removal,) = clean(results)
    assert removal.error is not None
    assert removal.error.what == "probe x was left: it is in use"
    remedy = f"unmount it; see to it by hand, then delete {entry.path}"
    assert removal.error.remedy == remedy
    assert removal.problem == f"probe x was left: it is in use; {remedy}"
