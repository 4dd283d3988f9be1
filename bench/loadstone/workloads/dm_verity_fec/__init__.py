"""The workload dm-verity-fec."""

from loadstone.workloads.dm_verity_fec.workload import WORKLOAD

__all__ = ["WORKLOAD"]
