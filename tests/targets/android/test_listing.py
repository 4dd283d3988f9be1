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
        serial="0A041FDD400A1B", state="device", model="Pixel_6"
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


@needs("adb")
def test_a_server_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadstone.targets.android.listing._SERVER_LIMIT_S", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(silent.getsockname()[1]))
        with pytest.raises(CannotMeasureError, match="see what holds its port"):
            list_devices()


@needs("sh")
def test_of_several_devices_each_is_proposed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "adb"
    (tmp_path / "listing").write_text(LISTING)
    program.write_text(
        f"#!/bin/sh\n[ $1 = devices ] && exec /bin/cat {tmp_path}/listing\n"
        "echo 'Android Debug Bridge version 1.0.41'\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="there are 6 devices; name one: --target adb:0A041FDD40"):
        choose_device("")
    assert choose_device("ZY22").state == "device"
    with pytest.raises(CannotMeasureError, match="adb:emulator-5554 is offline; pull the cable"):
        choose_device("emulator-5554")
