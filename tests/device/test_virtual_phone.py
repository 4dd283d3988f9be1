"""The virtual phone: it has what phones have and this machine may lack."""

import random
from pathlib import Path

import pytest
from phone import Phone
from virtual_phone import VirtualPhone

from commands import MIB
from loadstone.environment import parse_mountinfo

pytestmark = [pytest.mark.device, pytest.mark.lab]

USERS = ["root", "shell"]


@pytest.fixture
def user(virtual_phone: VirtualPhone, request: pytest.FixtureRequest) -> Phone:
    """The phone as one of its users has it."""
    phone: Phone = getattr(virtual_phone, request.param)
    return phone


@pytest.mark.parametrize("user", USERS, indirect=True)
def test_each_user_has_an_adbd(user: Phone) -> None:
    assert user.shell("id -u; exit 3").out == f"{user.uid}\n"
    assert user.shell("exit 3").code == 3


@pytest.mark.parametrize("user", USERS, indirect=True)
def test_data_is_f2fs_on_dm_on_two_pieces_of_simulated_flash(
    virtual_phone: VirtualPhone, user: Phone
) -> None:
    mounts = parse_mountinfo(user.shell("cat /proc/self/mountinfo").out)
    (data,) = (each for each in mounts if each.point == "/data")
    assert data.fs_type == "f2fs"
    device = f"/sys/dev/block/{data.device}"
    assert user.shell(f"cat {device}/dm/name").out == "data\n"
    assert user.shell(f"ls {device}/slaves").out == "loadstone\n"
    latency = "/sys/kernel/config/nullb/loadstone/completion_nsec"
    assert virtual_phone.root.shell(f"cat {latency}").out == "60000\n"


def test_buffers_that_an_accelerator_could_use_are_there(virtual_phone: VirtualPhone) -> None:
    for user in (virtual_phone.root, virtual_phone.shell):
        assert user.shell("test -c /dev/dma_heap/system -a -r /dev/dma_heap/system").code == 0
    assert virtual_phone.root.shell("test -c /dev/udmabuf").code == 0


@pytest.mark.parametrize("user", USERS, indirect=True)
def test_a_file_comes_back_as_it_was_sent(user: Phone, place: Path) -> None:
    sent, back = place / "sent", place / "back"
    sent.write_bytes(random.Random(1).randbytes(3 * MIB + 1))
    assert user.adb("push", sent, "/data/local/tmp/file").code == 0
    assert user.adb("pull", "/data/local/tmp/file", back).code == 0
    assert back.read_bytes() == sent.read_bytes()
    assert user.shell("rm /data/local/tmp/file").code == 0


def test_nothing_of_this_machine_is_mounted_there(virtual_phone: VirtualPhone) -> None:
    mounts = parse_mountinfo(virtual_phone.shell.shell("cat /proc/self/mountinfo").out)
    assert not [each.point for each in mounts if each.fs_type in ("9p", "virtiofs", "overlay")]


def test_its_cable_can_be_cut_and_mended(virtual_phone: VirtualPhone) -> None:
    phone = virtual_phone.shell
    phone.cut()
    phone.await_state("offline")
    phone.mend()
    assert phone.shell("echo back").out == "back\n"
