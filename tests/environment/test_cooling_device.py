"""A cooling device's type tells whether it slows down what is measured."""

import pytest

from loadstone.environment.cooling_device import CoolingDevice, Throttles


@pytest.mark.parametrize(
    ("type_", "throttles"),
    [
        *((name, Throttles.NO) for name in ("Fan", "Processor", "intel_powerclamp", "LCD")),
        *((name, Throttles.NO) for name in ("TCC Offset", "panel0-backlight", "usb", "modem")),
        *((name, Throttles.YES) for name in ("cpufreq-cpu4", "thermal-pause-C0", "cpu-isolate2")),
        *((name, Throttles.YES) for name in ("thermal-idle-0", "thermal-cluster-4-7", "ddr-cdev")),
        *((name, Throttles.UNKNOWN) for name in ("thermal-devfreq-1", "gpu", "throttled", "")),
    ],
)
def test_a_type_says_what_a_cooling_device_does(type_: str, throttles: Throttles) -> None:
    assert CoolingDevice(path="p", type=type_, max_state=1).throttles is throttles
