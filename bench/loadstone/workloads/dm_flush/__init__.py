"""The workload dm-flush."""

from loadstone.workloads.dm_flush.workload import WORKLOAD

__all__ = ["WORKLOAD"]
