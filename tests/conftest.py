"""Fixtures for tests that run the command."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import MIB, NOBODY, Command, let_everybody_pass, on_a_disk, write_model
from huge_page_pool import untouched
from leftovers import nothing_is_left

__all__ = ["nothing_is_left"]

# A user without rights may not pass the home directory that this Python lives in: in a mount
# namespace of its own, a tmpfs that anybody may pass takes the place of that directory.
_AS_NOBODY = """
set -e
closed=$1 prefix=$2; shift 2
if [ "$closed" ]; then
    hold=$(mktemp -d)
    mount --bind "$prefix" "$hold"
    mount -t tmpfs -o mode=755 loadstone-test "$closed"
    mkdir -p "$prefix"
    mount --bind "$hold" "$prefix"
    umount "$hold"
    rmdir "$hold"
fi
exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    """How much is done of what could go on for hours; the defaults are for ``make test``."""
    group = parser.getgroup("soak", "how much of the soak is run (make soak: all of it)")
    group.addoption("--kills", type=int, default=3, help="commands that are killed")
    group.addoption("--device-kills", type=int, default=3, help="the same on device-mapper")
    group.addoption(
        "--broken-calls", default="40", help="system calls that fail, at random; or: all"
    )
    group.addoption("--executions", type=int, help="of the agent's parser [for 10 s]")
    group.addoption("--fuzz-seconds", type=int, help="the most that those may take [no limit]")
    group.addoption("--advise-budget", type=float, help="seconds for each advice that is checked")
    group.addoption("--soak-seed", type=int, help="what is random follows from it [another]")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """An empty directory on a disk."""
    with on_a_disk(tmp_path) as path:
        yield path


@pytest.fixture
def model(place: Path) -> Path:
    """A model file of 2 MiB."""
    return write_model(place / "model.gguf", 2 * MIB)


@pytest.fixture
def loadstone(place: Path) -> Iterator[Command]:
    """The command; when the test ends, nothing of it may be left."""
    command = Command(place)
    yield command
    try:
        command.check_nothing_is_left()
    finally:
        for process in command.processes():
            process.send_signal(signal.SIGKILL)


@pytest.fixture
def as_nobody(place: Path) -> tuple[str, ...]:
    """Words that have a command run by a user without rights, who owns ``place``."""
    let_everybody_pass(place)
    os.chown(place, NOBODY, NOBODY)
    prefix = Path(sys.base_prefix).resolve()
    closed = [str(path) for path in reversed(prefix.parents) if not path.stat().st_mode & 0o001]
    outermost = closed[0] if closed else ""
    return ("unshare", "--mount", "sh", "-c", _AS_NOBODY, "sh", outermost, str(prefix))


@pytest.fixture
def huge_pages_untouched() -> Iterator[None]:
    """Meanwhile no other test process reserves huge pages, or takes any."""
    with untouched():
        yield


@pytest.fixture(scope="session")
def built_agents() -> Path:
    """The directory of the agents for devices, as ``make agents`` makes them."""
    root = Path(__file__).parents[1]
    done = subprocess.run([root / ".ci" / "agents"], stderr=subprocess.PIPE, text=True, check=False)
    if "apt-get install" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    return root / "build" / "agents"
