"""What of a file is on its device as it is in the file, and which file system has it."""

from collections.abc import Mapping

from loadstone.model import Fact
from loadstone.provision.model_file import ModelFile
from loadstone.units import format_bytes_rounded

_NOT_THE_DEVICES = "bandwidth above the device's is not the device's"


def content_notes(file: ModelFile) -> tuple[str, ...]:
    """What of the file is not on its device as it is in the file, by any of its Trials."""
    extents = file.extents
    found = []
    if extents.is_dax:
        found.append("DAX: its memory is the device, which is read without any I/O")
    if unwritten := extents.unwritten_bytes:
        found.append(
            f"{format_bytes_rounded(unwritten)} of it preallocated, never written: reading gives "
            f"zeros without the device; {_NOT_THE_DEVICES}"
        )
    if (encoded := extents.encoded_bytes) and file.stored_bytes is None:
        found.append(
            f"compressed: of {format_bytes_rounded(encoded)} nothing tells how few the device "
            f"reads; {_NOT_THE_DEVICES}"
        )
    if file.hole_bytes:
        found.append(
            f"{_hole_kind(file)}: {format_bytes_rounded(file.hole_bytes)} are not on the device; "
            f"{_NOT_THE_DEVICES}"
        )
    return tuple(found)


def _hole_kind(file: ModelFile) -> str:
    """As EROFS has it, which FIEMAP does not tell: a compressed file takes fewer blocks."""
    if file.extents.hole_bytes == file.hole_bytes:
        return "sparse"
    return "compressed" if file.extents.is_compressed else "sparse or compressed"


def fs_type(facts: Mapping[str, Fact]) -> Fact:
    """The file system that has the data: below an overlay another than the mount's."""
    return facts.get("fs.lower_type") or facts.get("fs.type")
