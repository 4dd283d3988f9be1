"""The exit codes that a Comparison comes to."""

from loadstone.analysis.comparison import CaseOutcome, Comparison, Verdict
from loadstone.errors import ExitCode


def unmeasured_code(comparison: Comparison) -> ExitCode:
    """What ``compare`` leaves with: whether NEW measured what BASE did.

    Returns:
        FAILED where a Trial of NEW failed; NOT_MEASURED where NEW has no figures of a Case that
        BASE measured, or no Case is in both; else DONE.
    """
    if any(case.new.failed for case in comparison.incomplete):
        return ExitCode.FAILED
    is_lacking = any(
        case.base.outcome is CaseOutcome.MEASURED and not case.is_compared
        for case in comparison.incomplete
    )
    return ExitCode.NOT_MEASURED if is_lacking or not comparison.effects else ExitCode.DONE


def gate_code(comparison: Comparison) -> ExitCode:
    """What ``gate`` leaves with: as ``compare``, and with the verdicts.

    Returns:
        FAILED before REGRESSION before NOT_MEASURED (also where a Case is inconclusive), else
        DONE.
    """
    code = unmeasured_code(comparison)
    verdicts = {effect.verdict for effect in comparison.effects}
    if code is not ExitCode.FAILED and Verdict.SLOWER in verdicts:
        return ExitCode.REGRESSION
    if code is ExitCode.DONE and Verdict.INCONCLUSIVE in verdicts:
        return ExitCode.NOT_MEASURED
    return code
