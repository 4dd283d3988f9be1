"""The workload dm-verity."""

from loadstone.workloads.dm_verity.workload import WORKLOAD

__all__ = ["WORKLOAD"]
