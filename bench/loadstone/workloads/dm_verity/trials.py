"""Trials of dm-verity: builds Jobs, evaluates Outcomes."""

import errno
from collections.abc import Collection, Mapping

from loadstone.core.evidence import counter_deltas, device_files, parse_block_stat
from loadstone.core.explain import describe, skipped
from loadstone.core.histogram import percentile
from loadstone.model import Case, CoreError, Finding, Input, Job, Outcome, Status, Value
from loadstone.provision.block_device import BlockDevice
from loadstone.provision.device_mapper import MappedDevice, has_met_corruption, reload
from loadstone.provision.verity_image import DATA_BLOCK_BYTES, DIGEST_BYTES, Layout, Tree
from loadstone.result_names import ELAPSED_NS
from loadstone.targets import Target
from loadstone.units import format_bytes, format_bytes_rounded
from loadstone.workloads.dm_verity.errors import RULES
from loadstone.workloads.outcomes import failure, measured
from loadstone.workloads.parameters import core_options

OPERATION = "device-read"
SET_UP_PARAMETERS = frozenset({"tasklet", "use_bh_bytes", "hash_block", "cache"})
"""Those of verity's table and of its caches, of which the core knows nothing."""

USE_BH_BYTES = "/sys/module/dm_verity/parameters/use_bh_bytes"

_AS_IS = "as-is"
_IMAGE_PARTS = ("image", "hash")
_UNCOUNTED = "its device counts nothing (queue/iostats is 0, or its driver never does)"
_MIB = 1 << 20
_LEAST_LIMIT_S = 600.0
_SLOWEST_BYTES_PER_S = 1e5
# Of the hash tree: what a warm Trial may read and still count as warm.
_MOST_WARM_SHARE = 0.01


class PreparedVerity:
    """dm-verity with its image; see ``loadstone.workloads.Prepared``.

    Args:
        lower: the device that image and trees lie on.
        data: the image, which is the baseline device.
        trees: by their blocks' size in bytes.
        devices: what each Case reads, by its id, or why there is none.
        bh_bytes: the kernel's ``use_bh_bytes``, None where it has none.
        version: of its device-mapper interface.
    """

    def __init__(
        self,
        target: Target,
        input: Input,
        layout: Layout,
        lower: BlockDevice,
        data: MappedDevice,
        trees: Mapping[int, Tree],
        devices: Mapping[str, MappedDevice | str],
        bh_bytes: str | None,
        version: str,
    ) -> None:
        self.path = lower.path
        self.input = input
        self.facts: Mapping[str, Value] = {
            "dm.version": version,
            "file.bytes": layout.image_bytes,
            **lower.facts,
            **({"verity.use_bh_bytes": bh_bytes} if bh_bytes is not None else {}),
        }
        self._target = target
        self._layout = layout
        self._lower = lower
        self._data = data
        self._trees = trees
        self._devices = devices
        self._bh_bytes = bh_bytes

    def skip_reason(self, case: Case) -> Finding | None:
        device = self._devices[case.id]
        if isinstance(device, str):
            return skipped(
                f"this kernel makes no such verity device: {device}",
                "see dmesg for the kernel's reason; --set hash_block=4KiB, as none may be smaller "
                "than a block of the device below; --set tasklet=off; or a later kernel",
            )
        if case.parameters["use_bh_bytes"] != _AS_IS and self._bh_bytes is None:
            return skipped(
                f"this kernel's dm-verity has no use_bh_bytes ({USE_BH_BYTES} is not there)",
                "--set use_bh_bytes=as-is, or a later kernel",
            )
        total = int(case.parameters["total"])
        if case.parameters["pattern"] == "sequential" and total > self._layout.image_bytes:
            return skipped(
                f"{format_bytes(total)} in sequence are more than the image of "
                f"{format_bytes_rounded(self._layout.image_bytes)}",
                f"--set total={format_bytes(self._layout.image_bytes)} or less, or a larger --size",
            )
        return None

    def job(self, case: Case) -> Job:
        """The Job, once the device is as if it had just been made: no hash is in memory."""
        parameters, device = case.parameters, self._device(case)
        if self._bh_bytes is not None:
            self._target.write_text(USE_BH_BYTES, self._wanted_bh_bytes(case))
        reload(self._target, device)
        options = core_options(parameters, SET_UP_PARAMETERS)
        covered = int(parameters["hash_block"]) // DIGEST_BYTES * DATA_BLOCK_BYTES
        options |= {
            "device": device.path,
            "baseline": self._data.path,
            "warm-stride": str(covered if parameters["cache"] == "warm" else 0),
        }
        return Job(
            operation=OPERATION,
            options=options,
            samples=(
                *self._target.samples(None),
                *(file for files in self._counters(case).values() for file in files),
            ),
            timeout_s=_LEAST_LIMIT_S + int(parameters["total"]) / _SLOWEST_BYTES_PER_S,
        )

    def evaluate(self, case: Case, outcome: Outcome) -> Finding:
        if outcome.error and self._is_corrupt(case, outcome.error):
            return _corrupt(outcome.error)
        if found := failure(outcome, case.parameters, RULES):
            return found
        evidence = {name: float(value) for name, value in outcome.values.items()}
        evidence |= self._counted(case, outcome)
        evidence |= _reads_per_block(evidence)
        evidence["floor_mib_per_s"] = _mib_per_s(outcome.values, "floor_ns")
        reason = self._cache_not_as_asked(case, evidence)
        why_invalid = (reason, "end what else reads this device") if reason else None
        return measured(_figures(outcome), evidence, why_invalid, _notes(evidence))

    def _is_corrupt(self, case: Case, error: CoreError) -> bool:
        """An EIO is verity's own where its status says so."""
        device = self._device(case)
        is_of_device = error.code == errno.EIO and error.path == device.path
        return is_of_device and has_met_corruption(self._target, device)

    def _device(self, case: Case) -> MappedDevice:
        device = self._devices[case.id]
        assert isinstance(device, MappedDevice)
        return device

    def _wanted_bh_bytes(self, case: Case) -> str:
        wanted, was = str(case.parameters["use_bh_bytes"]), self._bh_bytes or ""
        # A value for each I/O priority class.
        return was if wanted == _AS_IS else ",".join([wanted] * len(was.split(",")))

    def _counters(self, case: Case) -> dict[str, tuple[str, ...]]:
        """Kernel files with what was read of the image, of the tree, and of the device below."""
        tree = self._trees[int(case.parameters["hash_block"])]
        return {
            "image": device_files(f"/sys/dev/block/{self._data.number}"),
            "hash": device_files(f"/sys/dev/block/{tree.device.number}"),
            "block": self._lower.samples(self._target),
        }

    def _counted(self, case: Case, outcome: Outcome) -> dict[str, float]:
        """The counters that moved, those of image and tree under names of their own."""
        files = self._counters(case)
        own = {*files["image"], *files["hash"]} - {*files["block"]}
        found = counter_deltas(_without(outcome.before, own), _without(outcome.after, own))
        for name in ("image", "hash"):
            known = _without_needless_switch(outcome.before, files[name])
            others = {path for path in outcome.after if path not in known}
            moved = counter_deltas(
                _without(outcome.before, others), _without(outcome.after, others)
            )
            for key in ("read_bytes", "read_ios"):
                if f"block.{key}" in moved:
                    found[f"{name}_{key}"] = moved[f"block.{key}"]
        return found

    def _cache_not_as_asked(self, case: Case, evidence: Mapping[str, float]) -> str | None:
        """What was in memory shows in what was read: of the data all, of the hashes as asked."""
        data_bytes, hash_bytes = (evidence.get(f"{name}_read_bytes") for name in _IMAGE_PARTS)
        tree_bytes = self._layout.tree_bytes(int(case.parameters["hash_block"]))
        if evidence["cached_before_bytes"] < 0:
            return "not known to be cold: the kernel does not tell what is cached of the image"
        if evidence["cached_before_bytes"] > 0:
            return "not cold: data of the image were in the page cache"
        if (
            case.parameters["pattern"] == "sequential"
            and data_bytes is not None
            and data_bytes < evidence["bytes"]
        ):
            return f"only {format_bytes_rounded(data_bytes)} of the image were read from below"
        if hash_bytes is None:
            return None
        if case.parameters["cache"] == "cold" and hash_bytes == 0:
            return "not cold: no hash was read, so they were in memory"
        if case.parameters["cache"] == "warm" and hash_bytes > _MOST_WARM_SHARE * tree_bytes:
            return f"not warm: {format_bytes_rounded(hash_bytes)} of hashes had to be read"
        return None


def _reads_per_block(evidence: Mapping[str, float]) -> dict[str, float]:
    """What reaches image and tree for each block of data, where both are counted."""
    reads = [evidence.get(f"{name}_read_ios") for name in _IMAGE_PARTS]
    if None in reads:
        return {}
    blocks = evidence["bytes"] / DATA_BLOCK_BYTES
    return {"lower_reads_per_block": sum(count or 0 for count in reads) / blocks}


def _notes(evidence: Mapping[str, float]) -> tuple[str, ...]:
    names = [name for name in _IMAGE_PARTS if f"{name}_read_bytes" not in evidence]
    return tuple(f"what was read of the {name} is not known: {_UNCOUNTED}" for name in names)


def _without_needless_switch(texts: Mapping[str, str], files: tuple[str, ...]) -> tuple[str, ...]:
    """A device's counters, without what says whether it counts where it has counted reads.

    Nobody turns the switch of a device that was made for the Run. It is 0 on Linux 6.1, whose
    device-mapper counts all the same.
    """
    stat = files[0]
    has_counted = parse_block_stat(texts.get(stat, "")).get("block.read_ios", 0) > 0
    return (stat,) if has_counted else files


def _without(texts: Mapping[str, str], paths: Collection[str]) -> dict[str, str]:
    return {path: text for path, text in texts.items() if path not in paths}


def _corrupt(error: CoreError) -> Finding:
    return Finding(
        status=Status.FAILED,
        reason="dm-verity found a corrupt block (its status is C), as the image or its hash tree "
        f"was changed, or the device returned wrong data: {describe(error)}",
        remedy="see dmesg for the block, and trust no data of this device",
    )


def _mib_per_s(values: Mapping[str, int], time: str) -> float:
    return values["bytes"] / _MIB / values[time] * 1e9


def _figures(outcome: Outcome) -> dict[str, float]:
    """Verity's own cost is what a read takes beyond the same read of the baseline device."""
    values = outcome.values
    own_ns = values[ELAPSED_NS] - values["floor_ns"]
    figures = {
        "throughput": _mib_per_s(values, ELAPSED_NS),
        "verity_ns_per_block": own_ns / (values["bytes"] / DATA_BLOCK_BYTES),
        "verity_s_per_gb": own_ns / values["bytes"],
    }
    latency = next(one for one in outcome.histograms if one.name == "read")
    for name, share in (("read_ns", 0.5), ("read_p99_ns", 0.99)):
        if (value_ns := percentile(latency, share)) is not None:
            figures[name] = float(value_ns)
    return figures
