"""The features and settings of a mounted file system, beyond the options in mountinfo.

Sources: Documentation/ABI/testing/sysfs-fs-f2fs; Documentation/admin-guide/ext4.rst.
"""

import re
from collections.abc import Mapping

from loadstone.environment import ReadTexts
from loadstone.environment.sysfs import parse_count, parse_word
from loadstone.model import Fact

MEMORY_FILE_SYSTEMS = ("tmpfs", "ramfs", "devtmpfs", "rootfs", "hugetlbfs")
"""Those whose files are in memory and nowhere else."""

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
        f"fs.f2fs_{file}": count
        for file in _F2FS_NUMBERS
        if (count := parse_count(texts.get(f"{base}/{file}"))) is not None
    }
    if features := parse_word(texts.get(f"{base}/features"), _LONGEST):
        found["fs.features"] = features
    return found


def _ext4(read_texts: ReadTexts, path: str) -> dict[str, Fact]:
    options = parse_word(",".join(read_texts([path]).get(path, "").split()), _LONGEST)
    return {"fs.all_options": options} if options else {}
