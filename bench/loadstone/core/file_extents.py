"""Where a file's bytes lie: on its device as they are, in another form, or not at all."""

import uuid
from collections.abc import Mapping

from loadstone.core.remote_files import Execute
from loadstone.errors import TargetLostError
from loadstone.model import Job, Noun

# statx(2): STATX_ATTR_COMPRESSED, STATX_ATTR_DAX.
_COMPRESSED, _DAX = 0x4, 0x200000
_LIMIT_S = 600.0
_LOST_REMEDY = "see that it has power and is connected"
_HALF = 1 << 64


class FileExtents(Noun, frozen=True, kw_only=True):
    """What FIEMAP tells of a file; a count of bytes is None where its file system tells nothing.

    ``plain_bytes`` are on the device as they are in the file, ``unwritten_bytes`` are preallocated
    and read as zeros, ``encoded_bytes`` are compressed, and how small FIEMAP does not tell.
    ``btrfs`` is the file system's id and how many devices it must have, if it is one.
    """

    plain_bytes: int | None = None
    hole_bytes: int | None = None
    unwritten_bytes: int | None = None
    encoded_bytes: int | None = None
    inline_bytes: int | None = None
    shared_bytes: int | None = None
    extents: int | None = None
    is_dax: bool = False
    is_compressed: bool = False
    btrfs: tuple[str, int] | None = None


UNKNOWN = FileExtents()
_COUNTS = tuple(name for name in FileExtents.__struct_fields__ if name.endswith(("bytes", "tents")))


def read_extents(execute: Execute, path: str) -> FileExtents:
    """What is known of a file's place, or of a directory's file system.

    Raises:
        TargetLostError: the Target is gone.
    """
    job = Job(operation="extents", options={"file": path}, timeout_s=_LIMIT_S)
    outcome = execute(job)
    if outcome.target_lost:
        raise TargetLostError(str(outcome.crash), remedy=_LOST_REMEDY)
    if outcome.error or outcome.crash:
        return UNKNOWN
    values = outcome.values
    counts = {name: values.get(name) for name in _COUNTS} if values.get("fiemap") == 0 else {}
    attributes = values["attributes"]
    return FileExtents(
        **counts,
        is_dax=bool(attributes & _DAX),
        is_compressed=bool(attributes & _COMPRESSED),
        btrfs=_btrfs(values) if values["btrfs"] == 0 else None,
    )


def _btrfs(values: Mapping[str, int]) -> tuple[str, int]:
    high, low = (values[name] % _HALF for name in ("btrfs_id_high", "btrfs_id_low"))
    return str(uuid.UUID(int=high * _HALF + low)), values["btrfs_devices"]
