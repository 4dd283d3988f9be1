"""The workload command."""

from loadstone.workloads.command.workload import WORKLOAD

__all__ = ["WORKLOAD"]
