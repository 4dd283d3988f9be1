"""What a phone tells through getprop, its kernel's configuration and dumpsys, whatever it tells."""

import re
from pathlib import Path

import pytest

from fake_phone import Phone
from loadstone.targets.android.facts import phone_facts, state_facts
from loadstone.targets.android.kernel_config import config_facts
from loadstone.targets.android.properties import parse_properties, property_facts

GETPROP = """\
[dalvik.vm.heapsize]: [512m]
[ro.board.platform]: [kona]
[ro.boot.hardware.ufs]: [256GB,SAMSUNG]
[ro.build.fingerprint]: [vendor/phone/phone:14/UQ1A.240205/123:user/release-keys]
[ro.build.type]: [user]
[ro.build.version.release]: [14]
[ro.build.version.sdk]: [34]
[ro.build.version.security_patch]: [2024-02-05]
[ro.crypto.type]: [file]
[ro.product.manufacturer]: [Vendor]
[ro.product.model]: [Phone 5]
[ro.soc.model]: [SM8250]
[sys.boot_completed]: [1]
"""
CONFIG = """\
#
# Automatically generated file; DO NOT EDIT.
#
CONFIG_ARM64_4K_PAGES=y
# CONFIG_ARM64_16K_PAGES is not set
# CONFIG_IO_URING is not set
CONFIG_DMABUF_HEAPS=y
CONFIG_DMABUF_HEAPS_SYSTEM=m
CONFIG_HZ=250
CONFIG_LOCALVERSION="-android12"
"""
POWER = """\
POWER MANAGER (dumpsys power)

Power Manager State:
  mWakefulness=Asleep
  mIsPowered=true
Battery saver state machine:
  Battery Saver is currently: OFF
"""


def run_of(outputs: dict[str, str]) -> object:
    return lambda *words: outputs.get(" ".join(words))


def test_a_phone_tells_what_it_is() -> None:
    assert property_facts(GETPROP) == {
        "phone.model": "Phone 5",
        "phone.manufacturer": "Vendor",
        "phone.soc": "SM8250",
        "phone.storage": "256GB,SAMSUNG",
        "android.fingerprint": "vendor/phone/phone:14/UQ1A.240205/123:user/release-keys",
        "android.version": "14",
        "android.sdk": 34,
        "android.security_patch": "2024-02-05",
        "android.build_type": "user",
        "android.encryption": "file",
    }


def test_an_older_phone_is_known_by_its_platform() -> None:
    older = re.sub(r"\[ro\.soc\.model\].*\n", "", GETPROP)
    assert property_facts(older)["phone.soc"] == "kona"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("two\nlines", "two\nlines"),
        ("a] [b", "a] [b"),
        ("]: [", "]: ["),
        ("[x]\n", "[x]\n"),
        ("", ""),
        ("\"'`$(reboot)<script>", "\"'`$(reboot)<script>"),
        ("مرحبا \x1b[2J", "مرحبا \x1b[2J"),
    ],
)
def test_a_value_may_hold_whatever_it_likes(value: str, expected: str) -> None:
    text = f"[a]: [1]\n[b]: [{value}]\n[c]: [3]\n"
    assert parse_properties(text) == {"a": "1", "b": expected, "c": "3"}
    assert parse_properties(text.replace("\n", "\r\n"))["c"] == "3"


def test_a_property_that_is_told_twice_is_what_it_was_first() -> None:
    assert parse_properties("[a]: [1]\n[a]: [2]\n") == {"a": "1"}


def test_hostile_values_are_plain_text_and_short() -> None:
    hostile = property_facts(
        f"[ro.product.model]: [<b>x</b>\n\x1b]0;owned\x07{'y' * 5000}]\n"
        "[ro.build.version.sdk]: [34; reboot]\n"
    )
    model = str(hostile["phone.model"])
    assert model.startswith(r"<b>x</b>\n\x1b]0;owned\x07yyy")
    assert model.isprintable()
    assert len(model) < 300
    assert hostile["android.sdk"] == "34; reboot"


@pytest.mark.parametrize(
    "text", ["", "garbage", "[", "[a]: [", "[]: []", "\x00" * 1000, "[a]\n" * 50]
)
def test_what_is_no_property_is_none(text: str) -> None:
    assert parse_properties(text) == {}
    assert property_facts(text) == {}


def test_a_flood_of_unfinished_properties_is_read_once() -> None:
    """Were each held against all that comes behind it, this would take hours."""
    assert parse_properties("[a]: [\n" * 300_000) == {}


def test_options_are_told_as_they_are_and_those_that_do_not_exist_are_left_out() -> None:
    assert config_facts(CONFIG) == {
        "config.IO_URING": "n",
        "config.DMABUF_HEAPS": "y",
        "config.DMABUF_HEAPS_SYSTEM": "m",
        "config.ARM64_4K_PAGES": "y",
        "config.ARM64_16K_PAGES": "n",
        "config.HZ": "250",
    }
    assert config_facts("\x1f\x8b garbage") == {}


def test_a_phones_facts_are_those_of_all_its_sources(tmp_path: Path) -> None:
    phone = Phone(tmp_path, {"/sys/fs/selinux/enforce": "1"})
    outputs = {
        "getprop": GETPROP,
        "zcat /proc/config.gz": CONFIG,
        "ls /dev/dma_heap": "system\nqcom,display\n\x1b[2J\n../x\nsystem-uncached\n",
    }
    facts = phone_facts(phone.read_texts, run_of(outputs))  # type: ignore[arg-type]  # a lambda takes any words
    assert facts["phone.model"] == "Phone 5"
    assert facts["security.selinux"] == "enforcing"
    assert facts["config.IO_URING"] == "n"
    assert facts["memory.dma_heaps"] == "qcom,display, system, system-uncached"


def test_a_phone_that_refuses_everything_has_no_facts(tmp_path: Path) -> None:
    phone = Phone(tmp_path, {})
    assert phone_facts(phone.read_texts, lambda *_: None) == {}
    assert state_facts(lambda *_: None) == {}
    assert state_facts(lambda *_: "Can't find service: power\n") == {}


def test_whether_the_screen_is_on_and_power_is_saved_is_told() -> None:
    assert state_facts(lambda *_: POWER) == {
        "screen.wakefulness": "Asleep",
        "battery.saver_is_on": False,
    }
