"""How fast a Linux or Android device loads a model file, and why.

The interface that the ``loadstone`` command uses too::

    import loadstone

    run = loadstone.run("model-load", file="model.gguf", rounds=10)
    for case in loadstone.summarise(run):
        print(case.case.label, case.metrics.get("throughput"))

Each is imported when it is first asked for (PEP 562): the command's ``--help`` and the worker
process, which need few of the modules, import this one too.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from loadstone._version import __version__

if TYPE_CHECKING:
    from loadstone.analysis.advice import Advice, advice_of
    from loadstone.analysis.comparison import Comparison
    from loadstone.analysis.summary import CaseSummary, summarise
    from loadstone.api import advise, compare, gate, import_fio, load, resume, run
    from loadstone.errors import (
        CannotMeasureError,
        ExitCode,
        LoadstoneError,
        RunError,
        TargetError,
        UsageError,
    )
    from loadstone.model import Case, Run, Trial
    from loadstone.targets.access import Access, Root

__all__ = [
    "Access",
    "Advice",
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
    "advice_of",
    "advise",
    "compare",
    "gate",
    "import_fio",
    "load",
    "resume",
    "run",
    "summarise",
]

_NAMES = {
    "analysis.advice": ("Advice", "advice_of"),
    "analysis.comparison": ("Comparison",),
    "analysis.summary": ("CaseSummary", "summarise"),
    "api": ("advise", "compare", "gate", "import_fio", "load", "resume", "run"),
    "errors": (
        "CannotMeasureError",
        "ExitCode",
        "LoadstoneError",
        "RunError",
        "TargetError",
        "UsageError",
    ),
    "model": ("Case", "Run", "Trial"),
    "targets.access": ("Access", "Root"),
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names}


if not TYPE_CHECKING:
    # A type checker that saw it would take any name for one of these.
    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value: object = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
