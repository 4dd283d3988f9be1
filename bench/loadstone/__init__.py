"""How fast a Linux or Android device loads a model file, and why.

The names here are those that the ``loadstone`` command is made of::

    import loadstone

    run = loadstone.run("model-load", file="model.gguf", rounds=10)
    for case in loadstone.summarise(run):
        print(case.case.label, case.metrics.get("throughput"))
"""

from loadstone._version import __version__
from loadstone.analysis.summary import CaseSummary, summarise
from loadstone.api import compare, load, resume, run
from loadstone.errors import (
    CannotMeasureError,
    ExitCode,
    LoadstoneError,
    RunError,
    TargetError,
    UsageError,
)
from loadstone.model import Case, Comparison, Run, Trial
from loadstone.targets.access import Access, Root

__all__ = [
    "Access",
    "CannotMeasureError",
    "Case",
    "CaseSummary",
    "Comparison",
    "ExitCode",
    "LoadstoneError",
    "Root",
    "Run",
    "RunError",
    "TargetError",
    "Trial",
    "UsageError",
    "__version__",
    "compare",
    "load",
    "resume",
    "run",
    "summarise",
]
