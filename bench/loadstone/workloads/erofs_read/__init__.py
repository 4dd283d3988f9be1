"""The workload erofs-read."""

from loadstone.workloads.erofs_read.workload import WORKLOAD

__all__ = ["WORKLOAD"]
