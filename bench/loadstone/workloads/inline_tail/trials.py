"""Trials of inline-tail: builds Jobs, evaluates Outcomes."""

import contextlib
from collections.abc import Mapping
from pathlib import Path, PurePath

from loadstone.core.evidence import device_files
from loadstone.errors import CannotMeasureError
from loadstone.layout.walk import BLOCK_BYTES
from loadstone.model import Case, Finding, Input, Job, Outcome, Value
from loadstone.provision.file_system import made_file_system, mount_point, mounted_file_system
from loadstone.provision.jobs import execute, job_error
from loadstone.provision.journal import Journal
from loadstone.provision.loop_device import LoopDevice
from loadstone.result_names import ELAPSED_NS
from loadstone.targets import Target
from loadstone.workloads.inline_tail.device import MKFS_OPTIONS, mount_options
from loadstone.workloads.inline_tail.errors import RULES
from loadstone.workloads.inline_tail.tree import Tree
from loadstone.workloads.outcomes import evidence_of, failure, measured

OPERATION = "file-tree"
COPY, READ = "copy", "read"

_TYPE = "f2fs"
_NAME = "loadstone-tree"
_MOVED_BYTES = {COPY: "block.write_bytes", READ: "block.read_bytes"}
_LEAST_LIMIT_S = 600.0
_SLOWEST_BYTES_PER_S = 1e5


class PreparedTree:
    """inline-tail with its tree and its device; see ``loadstone.workloads.Prepared``.

    Args:
        directory: where F2FS is mounted.
        mounted: holds the mount of the Trial that is carried out.
    """

    def __init__(
        self,
        target: Target,
        input: Input,
        journal: Journal,
        directory: PurePath,
        tree: Tree,
        device: LoopDevice,
        mounted: contextlib.ExitStack,
    ) -> None:
        self.path = str(directory)
        self.input = input
        self.facts: Mapping[str, Value] = {
            "file.bytes": tree.bytes,
            "tree.files": tree.files,
            "tree.inodes": tree.inline.inodes,
            "tree.left_out": tree.left_out,
            "fs.mkfs": f"mkfs.f2fs {MKFS_OPTIONS}",
            "fs.loop_is_direct": device.is_direct,
        }
        self._target = target
        self._journal = journal
        self._directory = directory
        self._tree = tree
        self._device = device
        self._mounted = mounted

    def skip_reason(self, case: Case) -> Finding | None:
        del case
        return None

    def job(self, case: Case) -> Job:
        """The Job, on an F2FS that was made for it; what is read was copied, and mounted anew."""
        # A Trial that crashed has left it.
        self._mounted.close()
        inline, phase = bool(case.parameters["inline"]), str(case.parameters["phase"])
        device, options = self._device.path, mount_options(inline)
        point = mount_point(self._directory)
        made = made_file_system(device, _TYPE, MKFS_OPTIONS, options, point, self._journal)
        if phase == COPY:
            self._mounted.enter_context(made)
            return self._job(point, COPY)
        with made:
            outcome = execute(self._target, self._job(point, COPY))
        if outcome.error:
            raise job_error(CannotMeasureError, outcome.error, "take a smaller tree")
        self._mounted.enter_context(
            mounted_file_system(device, _TYPE, options, point, self._journal)
        )
        return self._job(point, READ)

    def evaluate(self, case: Case, outcome: Outcome) -> Finding:
        self._mounted.close()
        if found := failure(outcome, case.parameters, RULES):
            return found
        inline, phase = bool(case.parameters["inline"]), str(case.parameters["phase"])
        evidence = evidence_of(outcome)
        if phase == COPY:
            evidence |= self._predicted(inline)
        figures = {"tree_ns": evidence[ELAPSED_NS]}
        if "used_bytes" in evidence:
            figures["used_bytes"] = evidence["used_bytes"]
        moved_bytes = evidence.get(_MOVED_BYTES[phase])
        if moved_bytes is not None:
            figures["device_bytes"] = moved_bytes
        return measured(figures, evidence, _not_cold(phase, moved_bytes), self._notes(moved_bytes))

    def _job(self, point: Path, phase: str) -> Job:
        device = device_files(f"/sys/dev/block/{self._device.number}")
        return Job(
            operation=OPERATION,
            options={"source": str(self._tree.path), "copy": str(point / _NAME), "phase": phase},
            samples=(*self._target.samples(None), *device),
            timeout_s=_LEAST_LIMIT_S + self._tree.bytes / _SLOWEST_BYTES_PER_S,
        )

    def _predicted(self, inline: bool) -> dict[str, float]:
        """What ``loadstone layout`` says of the same tree: inodes and data, without the blocks
        of what F2FS has besides, and of the tree's own directory, which is there before."""
        sizes = self._tree.inline
        blocks = sizes.blocks - 1 - (sizes.inline_data_blocks if inline else 0)
        found: dict[str, float] = {"predicted_bytes": blocks * BLOCK_BYTES}
        if inline:
            found["inline_tail_bytes"] = (blocks - sizes.inline_tail_blocks) * BLOCK_BYTES
            found["inline_tail_change"] = sizes.inline_tail_change
        return found

    def _notes(self, moved_bytes: float | None) -> tuple[str, ...]:
        notes = []
        if not self._device.is_direct:
            notes.append(
                "the loop device goes through the page cache, as the file system of --dir has no "
                "direct I/O"
            )
        if moved_bytes is None:
            notes.append("what the device moved is not known: it counts nothing")
        return tuple(notes)


def _not_cold(phase: str, moved_bytes: float | None) -> tuple[str, str] | None:
    if phase == READ and moved_bytes == 0:
        return (
            "not cold: nothing was read of the device, so that the tree was in memory",
            "name a --dir on ext4, XFS or btrfs, where the image can be read by direct I/O",
        )
    return None
