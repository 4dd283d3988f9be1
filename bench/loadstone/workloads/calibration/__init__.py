"""The workload calibration."""

from loadstone.workloads.calibration.workload import WORKLOAD

__all__ = ["WORKLOAD"]
