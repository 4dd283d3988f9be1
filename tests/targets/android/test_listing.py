"""What ``adb devices`` prints, read; and what is said where the device meant is not there."""

import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import needs, until
from loadstone.errors import CannotMeasureError, UsageError
from loadstone.targets.android.listing import (
    AdbDevice,
    choose_device,
    list_devices,
    parse_devices,
)

LISTING = """\
* daemon not running; starting now at tcp:5037
* daemon started successfully
List of devices attached
0A041FDD400A1B         device usb:1-2 product:oriole model:Pixel_6 device:oriole transport_id:1
emulator-5554          offline transport_id:2
R58M12ABCDE            unauthorized usb:1-4 transport_id:3
127.0.0.1:5555         device transport_id:4
????????????           no permissions (missing udev rules?); see [http://x] usb:1-1
ZY22                   device usb:1 model:$(reboot) transport_id:9

"""


def test_each_line_of_the_listing_is_a_device_and_nothing_else_is() -> None:
    found = {device.serial: device for device in parse_devices(LISTING)}
    assert list(found) == [
        "0A041FDD400A1B",
        "emulator-5554",
        "R58M12ABCDE",
        "127.0.0.1:5555",
        "????????????",
        "ZY22",
    ]
    assert found["0A041FDD400A1B"] == AdbDevice(
        serial="0A041FDD400A1B", state="device", model="Pixel_6", path="usb:1-2"
    )
    assert found["????????????"].state == "no permissions"
    assert found["ZY22"].model == "$(reboot)"


@pytest.mark.parametrize("device", parse_devices(LISTING), ids=lambda device: device.serial)
def test_what_can_be_worked_with_needs_no_remedy_and_all_else_has_one(device: AdbDevice) -> None:
    assert (device.remedy is None) == (device.state == "device")


def test_an_unauthorised_device_is_told_what_to_tap() -> None:
    (device,) = [one for one in parse_devices(LISTING) if one.state == "unauthorized"]
    assert device.remedy is not None
    assert "allow USB debugging" in device.remedy


# As adb's server writes them: "%-22s %s" and what it knows with -l, else a tab. Texts of servers
# that met such devices, of adb 1.0.32 to 1.0.41.
ADB_NAME = "adb-26151FDF60083B-9tP4nl"
HELP = "see [http://developer.android.com/tools/device.html]"
ONE_BY_ONE = {
    f"{ADB_NAME} (2)._adb-tls-connect._tcp device product:oriole model:Pixel_6 device:oriole "
    "transport_id:4": (f"{ADB_NAME} (2)._adb-tls-connect._tcp", "device", "Pixel_6"),
    f"{ADB_NAME}._adb-tls-connect._tcp offline transport_id:5": (
        f"{ADB_NAME}._adb-tls-connect._tcp",
        "offline",
        None,
    ),
    f"{ADB_NAME} (2)._adb-tls-connect._tcp\tdevice": (
        f"{ADB_NAME} (2)._adb-tls-connect._tcp",
        "device",
        None,
    ),
    "[fe80::1%wlan0]:5555   device product:a model:b device:c transport_id:1": (
        "[fe80::1%wlan0]:5555",
        "device",
        "b",
    ),
    "emulator-5554          device product:sdk_gphone64_x86_64 model:sdk_gphone64_x86_64 "
    "device:emu64xa transport_id:1": ("emulator-5554", "device", "sdk_gphone64_x86_64"),
    f"72u43t79               no permissions; {HELP} usb:1-1": ("72u43t79", "no permissions", None),
    f"afc75758\tno permissions (user in plugdev group; are your udev rules wrong?); {HELP}": (
        "afc75758",
        "no permissions",
        None,
    ),
    f"5f34                   no permissions (missing udev rules? user is in the plugdev group); "
    f"{HELP} usb:2-1 transport_id:1": ("5f34", "no permissions", None),
    "my device phone        device usb:1-1 product:x y model:Z device:a device transport_id:1": (
        "my device phone",
        "device",
        "Z",
    ),
    "device                 device usb:3-1 transport_id:8": ("device", "device", None),
    "a offline              no device transport_id:8": ("a offline", "no device", None),
    "vsock:3:5555           connecting transport_id:8": ("vsock:3:5555", "connecting", None),
    "R58M12ABCDE            hibernating usb:1-4 transport_id:3": (
        "R58M12ABCDE",
        "hibernating",
        None,
    ),
    "a b                    hibernating product:x transport_id:3": ("a b", "hibernating", None),
    **{
        f"R5 (2)                 {state} transport_id:3": ("R5 (2)", state, None)
        for state in (
            *("offline", "bootloader", "device", "host", "recovery", "rescue", "sideload"),
            *("unauthorized", "authorizing", "connecting", "detached", "unknown"),
        )
    },
}


@pytest.mark.parametrize("line", ONE_BY_ONE)
def test_a_serial_is_all_that_stands_before_the_state(line: str) -> None:
    (device,) = parse_devices(f"List of devices attached\n{line}\n\n")
    assert (device.serial, device.state, device.model) == ONE_BY_ONE[line]
    assert (device.remedy is None) == (device.state == "device")


def test_one_without_a_serial_or_with_another_s_is_called_by_its_port() -> None:
    listing = (
        "(no serial number)     device usb:1-1 transport_id:1\n"
        "0123456789ABCDEF       device usb:1-2 product:a transport_id:2\n"
        "0123456789ABCDEF       device usb:1-3 product:a transport_id:3\n"
        "(no serial number)     device transport_id:4\n"
    )
    devices = parse_devices(listing)
    assert [device.serial for device in devices] == [
        *("usb:1-1", "usb:1-2", "usb:1-3"),
        "(no serial number)",
    ]
    assert [device.remedy is None for device in devices] == [True, True, True, False]


def test_a_serial_that_is_no_text_is_reached_by_network() -> None:
    (device,) = parse_devices(
        b"\xff\xfe                     device usb:1-1".decode(errors="surrogateescape")
    )
    assert device.remedy is not None
    assert "adb tcpip" in device.remedy


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A server of our own, with no device."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(port))
    monkeypatch.setenv("HOME", str(tmp_path))
    command = ["adb", "-P", str(port), "nodaemon", "server"]
    log = (tmp_path / "log").open("wb")
    with log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            # A client that finds no server starts one, which nobody would end.
            until(lambda: _listens(port), "adb's server to listen")
            yield
        finally:
            process.send_signal(signal.SIGKILL)


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@needs("adb")
@pytest.mark.usefixtures("server")
def test_where_there_is_no_device_the_next_step_is_told() -> None:
    with pytest.raises(CannotMeasureError, match="no device is there; plug one in"):
        choose_device("")
    with pytest.raises(UsageError, match="no such device, there is none at all; see"):
        choose_device("R58M12ABCDE")
    with pytest.raises(UsageError, match=r"`adb connect 127\.0\.0\.1:1` first"):
        choose_device("127.0.0.1:1")
    with pytest.raises(UsageError, match=r"`adb connect '\[fe80::1%wlan0\]:5555'` first"):
        choose_device("[fe80::1%wlan0]:5555")
    with pytest.raises(
        UsageError, match=r"turn wireless debugging on, .*; see `adb mdns services`"
    ):
        choose_device(f"{ADB_NAME} (2)._adb-tls-connect._tcp")


@needs("adb")
def test_a_server_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadstone.targets.android.listing._SERVER_LIMIT_S", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(silent.getsockname()[1]))
        with pytest.raises(CannotMeasureError, match="see what holds its port"):
            list_devices()


@pytest.fixture(autouse=True)
def no_device_of_the_user_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANDROID_SERIAL", raising=False)


def print_listing(listing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have an adb in PATH that prints this and its version."""
    program = tmp_path / "adb"
    (tmp_path / "listing").write_text(listing)
    program.write_text(
        f"#!/bin/sh\n[ $1 = devices ] && exec /bin/cat {tmp_path}/listing\n"
        "echo 'Android Debug Bridge version 1.0.41'\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))


@needs("sh")
def test_of_several_devices_each_is_proposed_as_a_shell_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = "R58M                   device\nadb-x (2)._adb-tls-connect._tcp device\n"
    print_listing(listing, tmp_path, monkeypatch)
    with pytest.raises(UsageError) as caught:
        choose_device("")
    assert caught.value.remedy == (
        "name one: --target adb:R58M or --target 'adb:adb-x (2)._adb-tls-connect._tcp'"
    )
    assert choose_device("adb-x (2)._adb-tls-connect._tcp").state == "device"


@needs("sh")
def test_the_variable_of_adb_names_one_where_the_target_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    print_listing(LISTING, tmp_path, monkeypatch)
    monkeypatch.setenv("ANDROID_SERIAL", "ZY22")
    assert choose_device("").serial == "ZY22"
    assert choose_device("127.0.0.1:5555").serial == "127.0.0.1:5555"


@needs("sh")
def test_of_several_devices_each_is_proposed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    print_listing(LISTING, tmp_path, monkeypatch)
    with pytest.raises(UsageError, match="there are 6 devices; name one: --target adb:0A041FDD40"):
        choose_device("")
    assert choose_device("ZY22").state == "device"
    with pytest.raises(CannotMeasureError, match="adb:emulator-5554 is offline; pull the cable"):
        choose_device("emulator-5554")
