"""What a mounted file system can do and is set to, beyond the options in mountinfo.

Sources: Documentation/ABI/testing/sysfs-fs-f2fs; Documentation/admin-guide/ext4.rst.
"""

import re
from collections.abc import Mapping

from loadstone.environment import Fact, ReadTexts
from loadstone.text import printable

_NAME = re.compile(r"[A-Za-z0-9._!-]+")
_LONGEST = 1024
_F2FS_NUMBERS = ("free_segments", "dirty_segments", "gc_urgent", "ipu_policy")


def feature_facts(read_texts: ReadTexts, facts: Mapping[str, Fact]) -> dict[str, Fact]:
    """The features of an F2FS, or all options of an ext4, also those that are its defaults.

    Args:
        facts: those of ``storage_facts``: ``fs.type``, ``fs.options`` and ``block.name``.
    """
    name, fs_type = facts.get("block.name"), facts.get("fs.type")
    if fs_type not in ("ext4", "f2fs") or not isinstance(name, str) or not _NAME.fullmatch(name):
        return {}
    options = re.split("[,;]", str(facts.get("fs.options")))
    found: dict[str, Fact] = {"fs.inline_encryption": "inlinecrypt" in options}
    if fs_type == "f2fs":
        return found | _f2fs(read_texts, f"/sys/fs/f2fs/{name}")
    return found | _ext4(read_texts, f"/proc/fs/ext4/{name}/options")


def _f2fs(read_texts: ReadTexts, base: str) -> dict[str, Fact]:
    texts = read_texts([f"{base}/{file}" for file in ("features", *_F2FS_NUMBERS)])
    found: dict[str, Fact] = {
        f"fs.f2fs_{file}": int(text)
        for file in _F2FS_NUMBERS
        if re.fullmatch("[0-9]{1,12}", text := texts.get(f"{base}/{file}", "").strip())
    }
    if features := texts.get(f"{base}/features"):
        found["fs.features"] = printable(features.strip()[:_LONGEST])
    return found


def _ext4(read_texts: ReadTexts, path: str) -> dict[str, Fact]:
    text = read_texts([path]).get(path)
    return {"fs.all_options": printable(",".join(text.split())[:_LONGEST])} if text else {}
