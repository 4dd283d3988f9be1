"""The workload f2fs-read."""

from loadstone.workloads.f2fs_read.workload import WORKLOAD

__all__ = ["WORKLOAD"]
