"""Verity devices over blocks that are damaged below, and what of each kind of damage is made."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from loadstone.model import Case, Input, Noun
from loadstone.provision.block_device import BlockDevice
from loadstone.provision.device_mapper import MappedDevice, mapped_device, resumed_at_the_end
from loadstone.provision.journal import Journal
from loadstone.provision.verity_image import (
    DATA_BLOCK_BYTES,
    SECTOR_BYTES,
    Fec,
    Layout,
    Tree,
    fec_by_roots,
    hash_tree,
    image_on,
    linear_target,
    verity_device,
    verity_table,
)
from loadstone.targets import Say, Target

NO_DAMAGE, CORRUPT, ERROR, SUSPENDED = "none", "corrupt", "error", "suspended"


class DamagedDevice(Noun, frozen=True, kw_only=True):
    """What a Case reads: the image damaged, and the verity device over it, or why there is none."""

    below: MappedDevice
    verity: MappedDevice | str


class Stack(Noun, frozen=True, kw_only=True):
    """All devices of a Run. ``damaged`` by the Case's id, ``fec`` by its count of roots."""

    layout: Layout
    lower: BlockDevice
    image: MappedDevice
    tree: Tree
    fec: Mapping[int, Fec]
    damaged: Mapping[str, DamagedDevice]


def damaged_start(layout: Layout) -> int:
    """Where in the image the damaged blocks begin, in bytes: in its middle."""
    return layout.image_blocks // 2 * DATA_BLOCK_BYTES


def most_blocks(layout: Layout) -> int:
    """As many blocks of the image as there are from there to its end."""
    return layout.image_blocks - layout.image_blocks // 2


def damaged_table(layout: Layout, lower: str, damage: str, blocks: int) -> str:
    """The table of the image with damaged blocks in its middle; the image itself stays as it is.

    Corrupt blocks are mapped to those of the hash tree, again and again: never what they held.
    """
    if damage in (NO_DAMAGE, SUSPENDED):
        return linear_target(0, 0, layout.image_bytes, lower)
    start, bytes = damaged_start(layout), blocks * DATA_BLOCK_BYTES
    lines = [linear_target(0, 0, start, lower)] if start else []
    if damage == ERROR:
        lines.append(f"{start // SECTOR_BYTES} {bytes // SECTOR_BYTES} error")
    else:
        lines += _hashes_instead(layout, lower, start, bytes)
    end = start + bytes
    if end < layout.image_bytes:
        lines.append(linear_target(end, end, layout.image_bytes - end, lower))
    return "\n".join(lines)


def _hashes_instead(layout: Layout, lower: str, start: int, bytes: int) -> list[str]:
    tree_start = layout.tree_start(DATA_BLOCK_BYTES)
    tree_bytes = layout.tree_bytes(DATA_BLOCK_BYTES)
    return [
        linear_target(start + at, tree_start, min(tree_bytes, bytes - at), lower)
        for at in range(0, bytes, tree_bytes)
    ]


@contextlib.contextmanager
def stack_on(
    target: Target,
    input: Input,
    journal: Journal,
    layout: Layout,
    lower: BlockDevice,
    cases: Sequence[Case],
    say: Say,
) -> Iterator[Stack]:
    """Image, hash tree and FEC on a device, and for each Case a damaged one with verity over it.

    Raises:
        CannotMeasureError: there is no room for them, no veritysetup, or the device refuses.
    """
    with contextlib.ExitStack() as stack:
        enter = stack.enter_context
        image = enter(image_on(target, input, journal, layout, lower.number, say))
        say("hashing it")
        tree = enter(hash_tree(target, journal, layout, lower.number, image, DATA_BLOCK_BYTES))
        fec = enter(fec_by_roots(target, journal, layout, lower.number, image, tree, say))
        below = {
            (damage, blocks): enter(
                mapped_device(
                    target,
                    journal,
                    damaged_table(layout, lower.number, damage, blocks),
                    what=f"{damage}-blocks",
                    is_read_only=True,
                )
            )
            for damage, blocks in sorted({_damage_of(case, layout) for case in cases})
        }
        verity: dict[str, MappedDevice | str] = {}
        damaged = {}
        for case in cases:
            device = below[_damage_of(case, layout)]
            table = verity_table(layout, device, tree, fec=fec.get(_roots_of(case)))
            if table not in verity:
                verity[table] = verity_device(stack, target, journal, table)
            damaged[case.id] = DamagedDevice(below=device, verity=verity[table])
        # After all devices over it: they can be closed only once it is resumed.
        for (damage, _), device in below.items():
            if damage == SUSPENDED:
                enter(resumed_at_the_end(journal, device))
        yield Stack(layout=layout, lower=lower, image=image, tree=tree, fec=fec, damaged=damaged)


def _damage_of(case: Case, layout: Layout) -> tuple[str, int]:
    damage, blocks = str(case.parameters["damage"]), int(case.parameters["blocks"])
    return damage, min(blocks, most_blocks(layout))


def _roots_of(case: Case) -> int:
    return int(case.parameters["fec_roots"])
