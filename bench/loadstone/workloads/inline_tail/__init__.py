"""The workload inline-tail."""

from loadstone.workloads.inline_tail.workload import WORKLOAD

__all__ = ["WORKLOAD"]
