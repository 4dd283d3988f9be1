"""The workload model-load."""

from loadstone.workloads.model_load.workload import WORKLOAD

__all__ = ["WORKLOAD"]
