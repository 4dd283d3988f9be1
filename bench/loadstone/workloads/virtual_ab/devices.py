"""The devices of an update: the image, the old one, stores, a snapshot, and verity over it."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from loadstone.core.explain import describe
from loadstone.errors import CannotMeasureError, LoadstoneError, TargetError
from loadstone.model import Case, Input, Job, Noun
from loadstone.provision.block_device import BlockDevice
from loadstone.provision.device_mapper import (
    MappedDevice,
    mapped_device,
    reload,
    resumed_at_the_end,
)
from loadstone.provision.jobs import execute
from loadstone.provision.journal import Journal
from loadstone.provision.verity_image import (
    DATA_BLOCK_BYTES,
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
from loadstone.workloads.virtual_ab.stores import (
    CHUNK_BYTES,
    MERGED,
    Store,
    base_start,
    changed_bytes,
    snapshot_table,
    store_of,
    stores_start,
)

WRITE_UPDATE = "write-update"


class Stack(Noun, frozen=True, kw_only=True):
    """All devices of a Run.

    ``image`` holds what the update results in, and no update touches it. ``base`` is updated, and
    ``snapshot`` shows it updated: its table is each Trial's own. ``verity`` by the count of roots,
    or why there is none.
    """

    layout: Layout
    lower: BlockDevice
    image: MappedDevice
    tree: Tree
    fec: Mapping[int, Fec]
    base: MappedDevice
    stores: Mapping[Store, MappedDevice]
    snapshot: MappedDevice
    verity: Mapping[int, MappedDevice | str]

    def store(self, case: Case) -> MappedDevice:
        """Where a Case's update puts what it changes."""
        return self.stores[store_of(case, self.layout.image_bytes)]

    def table(self, case: Case, kind: str) -> str:
        """The snapshot's table in a Case: see ``snapshot_table``."""
        store = self.store(case).number
        return snapshot_table(kind, self.layout.image_bytes, self.base.number, store)

    @property
    def merged_table(self) -> str:
        """The snapshot's table once there is none any more."""
        return linear_target(0, 0, self.layout.image_bytes, self.base.number)


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
    """All devices, on one below them.

    Raises:
        CannotMeasureError: there is no room, no veritysetup, no dm-snapshot, or the device refuses.
    """
    with contextlib.ExitStack() as stack:
        enter = stack.enter_context
        image = enter(image_on(target, input, journal, layout, lower.number, say))
        say("hashing it")
        tree = enter(hash_tree(target, journal, layout, lower.number, image, DATA_BLOCK_BYTES))
        fec = enter(fec_by_roots(target, journal, layout, lower.number, image, tree, say))

        def linear(table: str, what: str) -> MappedDevice:
            return enter(mapped_device(target, journal, table, what=what))

        start, size = base_start(layout), layout.image_bytes
        base = linear(linear_target(0, start, size, lower.number), "base")
        merging = [case for case in cases if case.parameters["state"] != MERGED]
        stores = {
            store: linear(store.table(lower.number, stores_start(layout)), "cow")
            for store in dict.fromkeys(store_of(case, size) for case in merging)
        }
        table = linear_target(0, 0, size, base.number)
        if stores:
            # Refused here where the kernel has no dm-snapshot.
            store_device = next(iter(stores.values()))
            empty(target, store_device)
            table = snapshot_table("snapshot", size, base.number, store_device.number)
        snapshot = enter(mapped_device(target, journal, table, what="snapshot"))
        roots_asked = dict.fromkeys(int(case.parameters["fec_roots"]) for case in cases)
        verity = {
            roots: verity_device(
                stack,
                target,
                journal,
                verity_table(layout, snapshot, tree, fec=fec.get(roots)),
            )
            for roots in roots_asked
        }
        # After the devices over it: they can be closed only once it is resumed.
        enter(resumed_at_the_end(journal, snapshot))
        yield Stack(
            layout=layout,
            lower=lower,
            image=image,
            tree=tree,
            fec=fec,
            base=base,
            stores=stores,
            snapshot=snapshot,
            verity=verity,
        )


def make_state(target: Target, stack: Stack, case: Case) -> None:
    """Bring a Case's update about, up to where it is read: before it is merged, or as if it were.

    Raises:
        LoadstoneError: the kernel or a device refuses.
    """
    is_merged = case.parameters["state"] == MERGED
    changed = 0 if is_merged else changed_bytes(case, stack.layout.image_bytes)
    reload(target, stack.snapshot, stack.merged_table)
    _write_update(target, stack, case, "before", stack.base, changed)
    if not is_merged:
        empty(target, stack.store(case))
        reload(target, stack.snapshot, stack.table(case, "snapshot"))
        _write_update(target, stack, case, "pieces", stack.snapshot, changed)


def empty(target: Target, store: MappedDevice) -> None:
    """Have a store taken for one that nothing was put into: its header is zeros.

    Raises:
        CannotMeasureError: the device below refuses.
    """
    words = ("if=/dev/zero", f"of={store.path}", f"bs={CHUNK_BYTES}", "count=1", "oflag=direct")
    try:
        target.run_command("dd", *words, "conv=notrunc,fsync")
    except TargetError as error:
        raise CannotMeasureError(error.what, remedy="see dmesg for what the device says") from error


def _write_update(
    target: Target, stack: Stack, case: Case, write: str, device: MappedDevice, changed: int
) -> None:
    options = {
        "image": stack.image.path,
        "device": device.path,
        "write": write,
        "changed": str(changed),
        "piece": str(case.parameters["piece"]),
    }
    outcome = execute(target, Job(operation=WRITE_UPDATE, options=options))
    if outcome.error:
        raise LoadstoneError(
            describe(outcome.error), remedy="see dmesg for what the device and dm-snapshot say"
        )
