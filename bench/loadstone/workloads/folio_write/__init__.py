"""The workload folio-write."""

from loadstone.workloads.folio_write.workload import WORKLOAD

__all__ = ["WORKLOAD"]
