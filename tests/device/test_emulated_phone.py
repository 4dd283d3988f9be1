"""The emulated phone: what other tests take for a phone behaves as one."""

import random
import socket
import stat
import subprocess
from pathlib import Path

import psutil
import pytest

from commands import MIB, until
from device.adb_server import AdbServer
from device.adbd import Adbd, MakeAdbd
from leftovers import leftovers

pytestmark = [pytest.mark.device, pytest.mark.usefixtures("nothing_is_left")]


def test_an_exit_code_comes_through_and_the_two_outputs_are_apart(adbd: Adbd) -> None:
    done = adbd.shell("echo out; echo err >&2; exit 3")
    assert (done.code, done.out, done.err) == (3, "out\n", "err\n")


@pytest.mark.parametrize("uid", [0, 2000])
def test_the_shell_is_of_the_user_that_was_asked_for(make_adbd: MakeAdbd, uid: int) -> None:
    assert make_adbd(uid).shell("id -u").out == f"{uid}\n"


@pytest.mark.parametrize("uid", [0, 2000])
def test_a_file_comes_back_as_it_was_sent(make_adbd: MakeAdbd, place: Path, uid: int) -> None:
    adbd, sent, back = make_adbd(uid), place / "sent", place / "back"
    sent.write_bytes(random.Random(1).randbytes(3 * MIB + 1))
    assert adbd.adb("push", sent, "/data/local/tmp/file").code == 0
    assert (adbd.place / "file").read_bytes() == sent.read_bytes()
    assert adbd.adb("pull", "/data/local/tmp/file", back).code == 0
    assert back.read_bytes() == sent.read_bytes()


def test_every_byte_passes_through_a_shell_both_ways(adbd: Adbd) -> None:
    every = bytes(range(256)) * 300
    assert adbd.shell("cat", stdin=every).out.encode(errors="surrogateescape") == every


def test_getprop_prints_what_the_test_says(adbd: Adbd) -> None:
    assert adbd.shell("getprop ro.product.model").out == "Emulated 1\n"
    adbd.set_properties({"ro.product.model": "two\nlines]: [", "ro.x": "\x1b[31m"})
    assert adbd.shell("getprop").out == (
        "[ro.product.model]: [two\nlines]: []\n[ro.x]: [\x1b[31m]\n"
    )
    assert adbd.shell("getprop ro.x").out == "\x1b[31m\n"
    assert adbd.shell("getprop ro.nosuch").out == "\n"


def test_selinux_and_the_services_answer(adbd: Adbd) -> None:
    assert adbd.shell("getenforce").out == "Enforcing\n"
    assert "mWakefulness=Awake" in adbd.shell("dumpsys power").out
    assert "temperature: 290" in adbd.shell("dumpsys battery").out
    assert adbd.shell("dumpsys nosuch").out == "Can't find service: nosuch\n"


def test_there_is_no_su_until_it_is_given(adbd: Adbd) -> None:
    assert adbd.shell("su -c 'id -u'").code == 127
    adbd.give_su()
    assert adbd.shell("su -c 'id -u'").out == "0\n"


def test_a_test_can_make_it_hot(adbd: Adbd) -> None:
    zone = adbd.own_directory("/sys/class/thermal") / "thermal_zone0"
    zone.mkdir()
    (zone / "temp").write_text("45000\n")
    assert adbd.shell("cat /sys/class/thermal/thermal_zone0/temp").out == "45000\n"
    (zone / "temp").write_text("46000\n")
    assert adbd.shell("cat /sys/class/thermal/thermal_zone0/temp").out == "46000\n"
    assert not Path("/sys/class/thermal/thermal_zone0/temp").exists()


def test_one_that_is_killed_is_offline_until_it_is_started_anew(adbd: Adbd) -> None:
    with adbd.begin("echo begun; exec sleep 4000") as client:
        assert client.stdout is not None
        assert client.stdout.readline() == b"begun\n"
        adbd.kill()
        assert client.wait(20) == 0
    adbd.await_state("offline")
    assert [process.name() for process in adbd.processes()] == ["sleep"]
    adbd.restart()
    assert adbd.shell("echo back").out == "back\n"


def test_a_cut_cable_ends_what_the_shell_had_begun(adbd: Adbd) -> None:
    before = adbd.process
    with adbd.begin("echo begun; exec sleep 4000") as client:
        assert client.stdout is not None
        assert client.stdout.readline() == b"begun\n"
        adbd.unplug()
        assert client.wait(20) == 0
    adbd.await_state("offline")
    until(lambda: not adbd.processes(), "the shell's program to end")
    assert adbd.process == before
    adbd.plug_in()
    assert adbd.shell("echo back").out == "back\n"


def test_a_silent_cable_ends_nothing(adbd: Adbd) -> None:
    adbd.freeze()
    with pytest.raises(subprocess.TimeoutExpired):
        adbd.adb("shell", "echo through", limit_s=1)
    assert adbd.state() == "device"
    adbd.thaw()
    assert adbd.shell("echo through").out == "through\n"


def test_two_are_told_apart_by_their_serial_numbers(
    make_adbd: MakeAdbd, adb_server: AdbServer
) -> None:
    one, other = make_adbd(0), make_adbd(2000)
    assert adb_server("shell", "true").err == "error: more than one device/emulator\n"
    assert (one.shell("id -u").out, other.shell("id -u").out) == ("0\n", "2000\n")
    one.unplug()
    one.await_state("offline")
    assert other.state() == "device"


def test_files_lie_on_the_disk_that_the_test_has(adbd: Adbd, place: Path) -> None:
    told = adbd.shell("stat -c %d /data/local/tmp").out
    assert int(told) == place.stat().st_dev


def test_nobody_but_this_machine_can_reach_it(adbd: Adbd, adb_server: AdbServer) -> None:
    for port in (int(adbd.serial.rpartition(":")[2]), adb_server.port):
        assert _listens_at(port) == {"127.0.0.1"}
    assert adbd.shell("tail -n +3 /proc/net/dev | sed 's/:.*//'").out.split() == ["lo"]
    with socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM) as vsock:
        vsock.bind((socket.VMADDR_CID_ANY, 555))


def test_its_root_cannot_put_files_in_the_place_of_this_machines_devices(
    root_adbd: Adbd, place: Path
) -> None:
    (place / "file").write_bytes(b"x")
    done = root_adbd.adb("push", place / "file", "/dev/full")
    assert done.code == 1, done.out
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)
    assert root_adbd.shell("echo x > /dev/null").code == 0


def test_nothing_of_it_outlives_it(adb_server: AdbServer, base_root: Path, place: Path) -> None:
    before = leftovers(place.parent)
    own = place / "phone"
    own.mkdir()
    adbd = Adbd(adb_server, base_root, own, 0)
    adbd.start()
    adbd.connect()
    assert adbd.shell("setsid sleep 4001 > /dev/null 2>&1 < /dev/null &").code == 0
    (left,) = adbd.processes()
    adbd.remove()
    assert not left.is_running()
    assert adbd.state() == "absent"
    assert leftovers(place.parent) == before
    assert sorted(path.name for path in place.iterdir()) == ["phone", "phone.log"]


def _listens_at(port: int) -> set[str]:
    """The addresses at which anybody of this machine's network listens for a port."""
    return {
        each.laddr.ip
        for each in psutil.net_connections("inet")
        if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port == port
    }
