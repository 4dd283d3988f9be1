"""What stands above and in the table of a Comparison, as plain text; not yet fit to be printed."""

from collections.abc import Iterator

from loadstone.analysis.comparison import Comparison, Design, Effect
from loadstone.analysis.within_run import PAIRS

ABOUT = "above 0 %: NEW is better. p is corrected for the number of Cases (Holm)."

_DESIGN_MEANS = {
    Design.INTERLEAVED_RUNS: "paired by round or boot",
    Design.SEVERAL_RUNS: "a Run's median is one figure",
}


def side_lines(comparison: Comparison) -> Iterator[str]:
    """What is compared with what, and what the verdicts rest on."""
    if comparison.by is not None:
        yield f"run  {_named(comparison.base, comparison.base_kernel)}"
        is_pairs = comparison.by == PAIRS
        what = "B against A" if is_pairs else f"each value of {comparison.by} against the first"
        yield f"design: {comparison.design.value}, {what}; paired by round"
        return
    yield f"base {_named(comparison.base, comparison.base_kernel)}"
    yield f"new  {_named(comparison.new, comparison.new_kernel)}"
    meaning = _DESIGN_MEANS.get(comparison.design)
    yield f"design: {comparison.design.value}{f'; {meaning}' if meaning else ''}"


def change(effect: Effect) -> str:
    """How much better NEW is."""
    return f"{effect.ratio - 1:+.1%}"


def change_bounds(effect: Effect) -> str:
    """The interval of ``change``."""
    return f"[{effect.low - 1:+.1%}, {effect.high - 1:+.1%}]"


def needed(effect: Effect) -> str:
    """How many rounds would settle it, for behind a verdict; empty where that is not known."""
    return f" ({effect.rounds_needed} rounds would do)" if effect.rounds_needed else ""


def _named(id_: str, kernel: str | None) -> str:
    return f"{id_}, Linux {kernel}" if kernel else id_
