"""Small files of a machine that is not this one."""

from collections.abc import Mapping

from loadstone.environment import ReadTexts

MOUNTINFO = r"""22 1 259:2 / / rw,relatime - ext4 /dev/nvme0n1p2 rw,discard
30 22 0:30 / /data rw - btrfs /dev/sda1 rw,compress=zstd
31 22 0:31 / /with\040space rw - tmpfs tmpfs rw,size=1024k
32 30 8:1 /sub /data rw,noatime - xfs /dev/sdb1 rw
broken line
"""
"""What its ``/proc/self/mountinfo`` has."""


def texts_of(files: Mapping[str, str]) -> ReadTexts:
    """Reads small files of a machine that has these."""
    return lambda paths: {path: files[path] for path in paths if path in files}
