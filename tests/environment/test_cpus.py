"""Clusters are read off a Target, and what is pinned to is there."""

from pathlib import Path

import pytest

from fake_phone import CPU, Phone, phone_texts
from loadstone.environment.cpus import Cpus, cluster_facts, read_cpus, resolve_pin
from loadstone.errors import UsageError


@pytest.fixture
def phone(tmp_path: Path) -> Phone:
    return Phone(tmp_path)


def cpus_of(phone: Phone) -> Cpus:
    return read_cpus(phone.read_texts)


@pytest.mark.parametrize(
    ("pin", "list_"),
    [("big", "4-7"), ("little", "0-3"), ("7,0-1", "0-1,7"), ("4", "4")],
)
def test_a_pin_becomes_the_list_of_its_cpus(phone: Phone, pin: str, list_: str) -> None:
    assert resolve_pin(pin, cpus_of(phone)) == list_


def test_clusters_are_told_by_frequency_where_capacity_tells_nothing(phone: Phone) -> None:
    for number in range(8):
        phone.take_away(f"{CPU}/cpu{number}/cpu_capacity")
    assert resolve_pin("big", cpus_of(phone)) == "4-7"
    for number in range(8):
        phone.put(f"{CPU}/cpu{number}/cpu_capacity", "1024\n")
    assert resolve_pin("little", cpus_of(phone)) == "0-3"


def test_of_a_cluster_only_what_can_be_used_is_taken(phone: Phone) -> None:
    phone.put(f"{CPU}/online", "0-6\n")
    phone.put("/proc/self/status", "Cpus_allowed_list:\t0-5,7\n")
    assert resolve_pin("big", cpus_of(phone)) == "4-5"


@pytest.mark.parametrize(
    ("pin", "words"),
    [
        ("8", "--pin 8: CPU 8 is not there; name some of 0-5"),
        ("6-9", "--pin 6-9: CPU 8-9 are not there; name some of 0-5"),
        ("6", "--pin 6: CPU 6 is offline; name some of 0-5"),
        ("5,7", "--pin 5,7: CPU 7 is not allowed to this process"),
        ("huge", "--pin huge: is no list of CPUs; write big, little, or one such as 0-3,6"),
        ("", "--pin : is no list of CPUs"),
        ("1-", "--pin 1-: is no list of CPUs"),
        ("\x1b[2J", r"--pin \\x1b\[2J: is no list of CPUs"),
    ],
)
def test_what_cannot_be_pinned_to_is_told_with_what_can(phone: Phone, pin: str, words: str) -> None:
    phone.put(f"{CPU}/online", "0-5,7\n")
    phone.put("/proc/self/status", "Cpus_allowed_list:\t0-6\n")
    with pytest.raises(UsageError, match=words):
        resolve_pin(pin, cpus_of(phone))


def test_a_big_cluster_that_is_closed_is_not_replaced_by_another(phone: Phone) -> None:
    phone.put("/proc/self/status", "Cpus_allowed_list:\t0-3\n")
    with pytest.raises(UsageError, match="--pin big: CPU 4-7 are not allowed to this process"):
        resolve_pin("big", cpus_of(phone))


@pytest.mark.parametrize("pin", ["big", "little"])
def test_cpus_that_are_all_alike_have_to_be_named(tmp_path: Path, pin: str) -> None:
    texts = {f"{CPU}/present": "0-1\n", f"{CPU}/online": "0-1\n"}
    texts |= {f"{CPU}/cpu{number}/cpu_capacity": "1024\n" for number in range(2)}
    with pytest.raises(UsageError, match=f"--pin {pin}: the CPUs here are all alike.*--pin 0-1"):
        resolve_pin(pin, cpus_of(Phone(tmp_path, texts)))


def test_a_machine_that_tells_nothing_has_no_cpus_to_pin_to(tmp_path: Path) -> None:
    cpus = cpus_of(Phone(tmp_path, {}))
    assert set(cluster_facts(cpus).values()) == {None}
    for pin in ("big", "0"):
        with pytest.raises(UsageError, match=f"--pin {pin}: "):
            resolve_pin(pin, cpus)


def test_clusters_are_facts_and_hostile_words_are_plain(tmp_path: Path) -> None:
    phone = Phone(tmp_path, phone_texts())
    for number in range(4, 8):
        phone.put("/proc/self/cpuset", "/foreground\n")
        phone.put(f"{CPU}/cpu{number}/cpufreq/scaling_governor", "<b>\x1b[31mwalt\n")
    assert cluster_facts(cpus_of(phone)) == {
        "cpu.clusters": "0-3, up to 1.80 GHz, capacity 250, governor schedutil; "
        r"4-7, up to 2.84 GHz, capacity 1024, governor <b>\x1b[31mwalt",
        "cpu.online": "0-7",
        "cpu.allowed": "0-7",
        "cpu.cpuset": "/foreground",
    }


def test_all_is_read_in_two_round_trips(phone: Phone) -> None:
    cpus_of(phone)
    assert phone.round_trips == 2
