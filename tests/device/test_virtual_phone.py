"""The virtual phone: it has what phones have and this machine may lack, and is measured whole."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from commands import MIB, Command, Done
from device.phone import Phone
from device.virtual_phone import VirtualPhone
from loadstone.environment.mounts import parse_mountinfo
from loadstone.targets.android.agent import AGENT

pytestmark = [pytest.mark.device, pytest.mark.lab]

USERS = ["root", "shell"]
_LIMIT_S = 600


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


def test_its_cable_can_be_pulled_and_plugged_in(virtual_phone: VirtualPhone) -> None:
    phone = virtual_phone.shell
    phone.unplug()
    phone.await_state("offline")
    phone.plug_in()
    assert phone.shell("echo back").out == "back\n"


def run(command: Command, phone: Phone, *words: str) -> Done:
    """Run to the end, in a guest's time."""
    process = command.start(*words, "--target", f"adb:{phone.serial}", "--json")
    out, err = process.communicate(timeout=_LIMIT_S)
    return Done(process.returncode, out, err)


def measured(command: Command, phone: Phone, *words: str) -> list[dict[str, Any]]:
    """The Cases of a Run that came to a good end."""
    done = run(command, phone, "run", *words, "--rounds=1", "--warmups=0")
    assert done.code == 0, done.err
    cases: list[dict[str, Any]] = json.loads(done.out)["cases"]
    assert left_on(phone) == []
    return cases


def left_on(phone: Phone) -> list[str]:
    names = phone.shell("ls /data/local/tmp").out.split()
    return [name for name in names if name.startswith("loadstone-") and name not in AGENT]


@pytest.mark.parametrize("user", USERS, indirect=True)
def test_a_load_fills_what_an_accelerator_can_use(measure: Command, user: Phone) -> None:
    ways = ("--set=engine=pread,mmap-copy", "--set=io=buffered", "--set=block=256k")
    destinations = "--set=destination=memfd,dma-heap:system,udmabuf"
    cases = measured(measure, user, "--size=8m", *ways, destinations, "--set=buffers=1")
    found: dict[str, list[dict[str, Any]]] = {}
    for case in cases:
        destination = case["parameters"]["destination"]
        found.setdefault(destination, []).append(case)
        assert not case["failed"], case
    for case in [*found["memfd"], *found["dma-heap:system"]]:
        assert case["trials"] == 1, case
        assert case["evidence"]["cached_before_bytes"] == 0
    for case in found["udmabuf"]:
        # Its node is root's.
        assert case["trials"] == 1 if user.uid == 0 else "EACCES" in case["skipped"], case


def test_around_the_page_cache_it_goes_into_a_udmabuf_and_not_into_a_heap(
    measure: Command, virtual_phone: VirtualPhone
) -> None:
    ways = ("--set=engine=pread,uring", "--set=io=direct", "--size=4m")
    both = "--set=destination=dma-heap:system,udmabuf"
    for case in measured(measure, virtual_phone.root, *ways, both):
        if case["parameters"]["destination"] == "udmabuf":
            assert case["trials"] == 1, case
        else:
            assert "EFAULT" in case["skipped"], case


@pytest.mark.parametrize("user", USERS, indirect=True)
def test_writes_land_in_folios_that_root_sees(measure: Command, user: Phone) -> None:
    cases = measured(measure, user, "folio-write", "--set=size=4k,256k", "--set=total=4m")
    for case in cases:
        assert case["trials"] == 1, case
        if user.uid == 0:
            assert case["evidence"]["folio_mean_bytes"] >= 4096


def test_flushes_are_counted_through_tables_that_root_makes(
    measure: Command, virtual_phone: VirtualPhone
) -> None:
    words = ("dm-flush", "--set=segments=1,8", "--set=threads=1", "--set=writes=4")
    for case in measured(measure, virtual_phone.root, *words):
        assert case["trials"] == 1, case
        assert case["evidence"]["syncs"] > 0
    tables = virtual_phone.root.shell("cat /sys/block/dm-*/dm/name").out.split()
    assert [name for name in tables if name.startswith("loadstone")] == []
    loops = virtual_phone.root.shell("cat /sys/block/loop*/loop/backing_file").out
    assert "loadstone-" not in loops


def test_without_root_tables_are_refused_with_a_remedy(
    measure: Command, virtual_phone: VirtualPhone
) -> None:
    done = run(measure, virtual_phone.shell, "run", "dm-flush", "--rounds=1")
    assert done.code == 3
    assert "root" in done.complaint
    assert left_on(virtual_phone.shell) == []


@pytest.mark.parametrize("user", USERS, indirect=True)
def test_the_run_tells_what_lies_beneath(measure: Command, user: Phone) -> None:
    done = run(measure, user, "run", "--size=1m", "--rounds=1", "--set=engine=pread")
    assert done.code == 0, done.err
    manifest = measure.place / json.loads(done.out)["path"] / "manifest.json"
    facts = json.loads(manifest.read_text())["environment"]["facts"]
    assert facts["fs.type"] == "f2fs"
    assert "data" in facts["block.stack"]
    # What a table is made of, the kernel tells root.
    assert facts.get("block.dm_targets") == ("data: 2 linear" if user.uid == 0 else None)
    assert "system" in facts["memory.dma_heaps"]
    assert facts["user.is_root"] is (user.uid == 0)
    assert facts["phone.model"] == "Emulated 1"


def test_both_are_listed(measure: Command, virtual_phone: VirtualPhone) -> None:
    process = measure.start("devices", "--json")
    out, err = process.communicate(timeout=_LIMIT_S)
    assert process.returncode == 0, err
    found = {device["target"]: device for device in json.loads(out)}
    for phone in (virtual_phone.root, virtual_phone.shell):
        device = found[f"adb:{phone.serial}"]
        assert device["problem"] is None
        assert device["facts"]["kernel.release"].startswith("7.")
