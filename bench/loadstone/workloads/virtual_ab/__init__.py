"""The workload virtual-ab."""

from loadstone.workloads.virtual_ab.workload import WORKLOAD

__all__ = ["WORKLOAD"]
