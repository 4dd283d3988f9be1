"""The agent for a device is found by its architecture, and is one of the same sources."""

from pathlib import Path

import pytest

from loadstone.core import native
from loadstone.errors import CannotMeasureError
from loadstone.targets.agent_binary import agent_binary, agent_core

pytestmark = pytest.mark.native

_UNAMES = {
    "aarch64": ("aarch64", "arm64"),
    "armv7": ("armv7l", "armv8l"),
    "x86_64": ("x86_64",),
}


@pytest.mark.parametrize(
    ("name", "architecture"), [(name, ours) for ours, names in _UNAMES.items() for name in names]
)
def test_the_agent_of_a_device_is_found_by_what_uname_says(
    built_agents: Path, name: str, architecture: str
) -> None:
    found = agent_binary(name, places=(built_agents,))
    assert found == built_agents / f"loadstone-agent-{architecture}"
    assert agent_core(found) == native.source_hash()


def test_an_architecture_without_an_agent_is_refused_by_name() -> None:
    with pytest.raises(CannotMeasureError, match=r"riscv64.*aarch64"):
        agent_binary("riscv64")


def test_an_agent_that_was_not_built_is_refused_with_what_builds_it(tmp_path: Path) -> None:
    with pytest.raises(CannotMeasureError, match="make agents"):
        agent_binary("aarch64", places=(tmp_path,))


@pytest.mark.parametrize("content", [b"", b"\x7fELF loadstone-core:" + b"0" * 64])
def test_an_agent_of_other_sources_is_refused_with_what_builds_it(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "loadstone-agent-aarch64").write_bytes(content)
    with pytest.raises(CannotMeasureError, match=r"other sources.*make agents"):
        agent_binary("arm64", places=(tmp_path,))
