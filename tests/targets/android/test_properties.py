"""What a phone tells by getprop, whatever its values hold."""

import re

import pytest

from loadstone.targets.android.properties import parse_properties, property_facts
from targets.android.phone_outputs import GETPROP


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
