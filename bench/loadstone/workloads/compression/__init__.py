"""The workload compression."""

from loadstone.workloads.compression.workload import WORKLOAD

__all__ = ["WORKLOAD"]
