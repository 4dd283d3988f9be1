"""Whether the page cache held as much of a file before a Trial as its Case says."""

import errno

from loadstone.errors import system_words
from loadstone.units import format_bytes_rounded


def not_in_state(
    asked: str, found_bytes: float, file_bytes: float, *, is_root: bool
) -> tuple[str, str] | None:
    """Reason and remedy where a file was not cold, or not warm, as asked.

    Args:
        asked: ``cold``, ``warm`` or ``as-is``.
        found_bytes: of the file, in the page cache; below 0 the errno by which that is unknown.
    """
    if asked == "as-is":
        return None
    if found_bytes < 0:
        return _cache_unknown(asked, -int(found_bytes))
    if asked == "cold" and found_bytes > 0:
        stop = "stop what maps or reads the file (fuser -v tells who)"
        return (
            f"not cold: {format_bytes_rounded(found_bytes)} of the file stayed in the page cache",
            f"{stop}, or --set cache=as-is"
            if is_root
            else f"{stop}, run as root (drop_caches), or --set cache=as-is",
        )
    if asked == "warm" and (missing := file_bytes - found_bytes) > 0:
        return (
            f"not warm: {format_bytes_rounded(missing)} of the file were not in the page cache",
            "free memory, so that the file stays cached",
        )
    return None


def _cache_unknown(asked: str, code: int) -> tuple[str, str]:
    if code in (errno.EPERM, errno.EACCES):
        return (
            f"not known to be {asked}: the kernel tells only who owns a file or may write it "
            "what is cached of it",
            "copy the file, chown it, run as root, or --set cache=as-is",
        )
    return (
        f"not known to be {asked}: neither cachestat(2) nor mincore(2) tells what is cached of "
        f"it: {system_words(code)}",
        "put the file on ext4, XFS, btrfs or F2FS, or --set cache=as-is",
    )
