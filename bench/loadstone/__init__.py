"""How fast a Linux or Android device loads a model file, and why.

The names here are those that the ``loadstone`` command is made of::

    import loadstone

    run = loadstone.run("model-load", file="model.gguf", rounds=10)
    for case in loadstone.summarise(run):
        print(case.case.label, case.metrics.get("throughput"))
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
    from loadstone.summary import CaseSummary, summarise

__version__ = "0.1.0"

_HOMES = {
    **dict.fromkeys(("compare", "load", "resume", "run"), "loadstone.api"),
    **dict.fromkeys(
        (
            "CannotMeasureError",
            "ExitCode",
            "LoadstoneError",
            "RunError",
            "TargetError",
            "UsageError",
        ),
        "loadstone.errors",
    ),
    **dict.fromkeys(("Case", "Comparison", "Run", "Trial"), "loadstone.model"),
    **dict.fromkeys(("CaseSummary", "summarise"), "loadstone.summary"),
}

__all__ = [
    "CannotMeasureError",
    "Case",
    "CaseSummary",
    "Comparison",
    "ExitCode",
    "LoadstoneError",
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


def __getattr__(name: str) -> Any:
    """Import on first use, so that ``loadstone --help`` need not wait for it."""
    if name not in _HOMES:
        raise AttributeError(f"module 'loadstone' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
