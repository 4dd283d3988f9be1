"""The workload zoned-gc."""

from loadstone.workloads.zoned_gc.workload import WORKLOAD

__all__ = ["WORKLOAD"]
