"""Root that the kernel takes for less, by what it tells of a process."""

import pytest

from loadstone.environment.capabilities import (
    CAP_IPC_LOCK,
    CAP_SYS_ADMIN,
    has_capability,
    limits_of_root,
)

INITIAL = "         0          0 4294967295\n"
ALL = "Name:\tx\nCapEff:\t000001ffffffffff\n"
DOCKER = "Name:\tx\nCapEff:\t00000000a80425fb\n"


@pytest.mark.parametrize(
    ("uid_map", "status", "words"),
    [
        (INITIAL, ALL, None),
        (None, None, None),
        ("         0       1000          1\n", ALL, "user namespace"),
        ("         0     100000      65536\n", ALL, "user namespace"),
        (INITIAL, DOCKER, "no CAP_SYS_ADMIN"),
        ("         0          0          1\n", DOCKER, "user namespace"),
    ],
)
def test_root_of_less_than_the_machine_is_told(
    uid_map: str | None, status: str | None, words: str | None
) -> None:
    texts = {"/proc/self/uid_map": uid_map, "/proc/self/status": status}
    found = limits_of_root(texts.get)
    assert found is None if words is None else words in (found or "")


def test_a_capability_is_a_bit() -> None:
    assert has_capability(ALL, CAP_SYS_ADMIN)
    assert not has_capability(DOCKER, CAP_SYS_ADMIN)
    assert has_capability("CapEff:\t0000000000004000\n", CAP_IPC_LOCK)
    assert not has_capability("", CAP_IPC_LOCK)
