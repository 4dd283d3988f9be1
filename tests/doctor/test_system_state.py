"""States that make figures unsteady have a remedy; good and unknown ones are no problem."""

import pytest

from loadstone.doctor.system_state import system_states
from loadstone.model import Fact


@pytest.mark.parametrize(
    ("facts", "name", "remedy"),
    [
        ({"cpu.governor": "powersave"}, "governor", "performance"),
        ({"memory.thp": "never"}, "transparent huge pages", "madvise"),
        (
            {"cpu.is_virtual": True, "memory.page_reporting_order": 9},
            "free page reporting",
            "echo 11",
        ),
        ({"cpu.is_virtual": True}, "bare metal", "host"),
        ({"cpu.is_virtual": False, "disk.virtual_bus": "virtio"}, "bare metal", "host"),
        ({"block.read_ahead_kb": 8192}, "read_ahead_kb", "128"),
        ({"load.1min": 1.5, "cpu.count": 2}, "quiet machine", "end"),
        (
            {"cpu.limits_khz": "0-3:1804800/1804800 4-7:1900800/2841600"},
            "frequency limits",
            "let it cool",
        ),
        ({"cpu.quota": 0.5, "cpu.count": 8}, "CPU quota", "without a limit"),
        ({"cpu.quota": 7.9, "cpu.count": 8}, "CPU quota", "CPUQuota="),
        ({"battery.level_percent": 14}, "battery", "charge"),
        (
            {"battery.level_percent": 90, "battery.saver_is_on": True},
            "battery",
            "battery saver off",
        ),
    ],
)
def test_a_condition_that_unsettles_figures_has_a_remedy(
    facts: dict[str, Fact], name: str, remedy: str
) -> None:
    found = {state.name: state for state in system_states(facts)}
    assert found[name].problem
    assert remedy in (found[name].remedy or "")


def test_good_conditions_are_no_problem_and_unknown_ones_are_not_told() -> None:
    good: dict[str, Fact] = {
        "cpu.governor": "performance",
        "cpu.is_virtual": False,
        "memory.thp": "madvise",
        "memory.page_reporting_order": 9,
        "memory.swap_bytes": 0,
        "block.read_ahead_kb": 128,
        "load.1min": 0.1,
        "cpu.count": 2,
        "cpu.limits_khz": "0-7:2841600/2841600",
        "cpu.quota": 2.0,
        "battery.level_percent": 87,
        "battery.saver_is_on": False,
        "screen.wakefulness": "Asleep",
    }
    assert {state.problem for state in system_states(good)} == {None}
    assert [state.name for state in system_states({})] == ["bare metal"]


def test_the_battery_is_told_with_its_charge_and_its_warmth() -> None:
    facts: dict[str, Fact] = {
        "battery.level_percent": 87,
        "battery.status": "Charging",
        "battery.temperature_mc": 31_200,
    }
    (_, battery) = sorted(system_states(facts), key=lambda state: state.name == "battery")
    assert battery.state == "87 %, Charging, 31.2 °C"


def test_a_lab_guest_is_neither_said_to_be_virtual_nor_busy() -> None:
    facts: dict[str, Fact] = {
        "clock.name": "instructions",
        "cpu.is_virtual": True,
        "load.1min": 2.5,
        "cpu.count": 1,
    }
    assert [state.problem for state in system_states(facts)] == [None]


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({"cpu.quota": None, "cpu.count": 2}, "none"),
        ({"cpu.quota": 2.0, "cpu.count": 2, "cpu.quota_directory": "/x"}, "2 CPUs (/x)"),
    ],
)
def test_a_cpu_quota_that_limits_nothing_is_no_problem(facts: dict[str, Fact], state: str) -> None:
    (found,) = [one for one in system_states(facts) if one.name == "CPU quota"]
    assert found.problem is None
    assert found.state.startswith(state)
