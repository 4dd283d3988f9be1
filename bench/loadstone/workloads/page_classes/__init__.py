"""The workload page-classes."""

from loadstone.workloads.page_classes.workload import WORKLOAD

__all__ = ["WORKLOAD"]
