"""Android's system properties, as ``getprop`` prints them."""

import re

from loadstone.model import Fact
from loadstone.text import printable

_LONGEST = 256
_BEGIN = re.compile(r"\[([^\]]+)\]: \[(.*)", re.DOTALL)

_FACTS = {
    "phone.model": ("ro.product.model",),
    "phone.manufacturer": ("ro.product.manufacturer",),
    "phone.soc": ("ro.soc.model", "ro.board.platform", "ro.hardware"),
    "phone.soc_manufacturer": ("ro.soc.manufacturer",),
    "phone.storage": ("ro.boot.hardware.ufs", "ro.boot.hardware.emmc"),
    "android.fingerprint": ("ro.build.fingerprint",),
    "android.version": ("ro.build.version.release",),
    "android.sdk": ("ro.build.version.sdk",),
    "android.security_patch": ("ro.build.version.security_patch",),
    "android.build_type": ("ro.build.type",),
    "android.encryption": ("ro.crypto.type",),
}


def parse_properties(text: str) -> dict[str, str]:
    """All properties by name; of one that is listed twice the first.

    A value may hold anything, also newlines and brackets: it ends with the bracket before the next
    property, or before the end of the text. Source: toybox's getprop.
    """
    found: dict[str, str] = {}
    name, lines = "", list[str]()
    for line in [*text.replace("\r\n", "\n").rstrip("\n").split("\n"), None]:
        begin = None if line is None else _BEGIN.fullmatch(line)
        if lines and lines[-1].endswith("]") and (begin or line is None):
            found.setdefault(name, "\n".join(lines)[:-1])
            lines = []
        if not lines and begin:
            name, lines = begin[1], [begin[2]]
        elif lines and line is not None:
            lines.append(line)
    return found


def property_facts(text: str) -> dict[str, Fact]:
    """The facts that properties hold; those that a phone does not have are left out."""
    properties = parse_properties(text)
    facts: dict[str, Fact] = {}
    for fact, names in _FACTS.items():
        values = (properties.get(name, "").strip() for name in names)
        if value := next(filter(None, values), None):
            facts[fact] = printable(value[:_LONGEST])
    sdk = str(facts.get("android.sdk", ""))
    return facts | ({"android.sdk": int(sdk)} if re.fullmatch("[0-9]{1,4}", sdk) else {})
