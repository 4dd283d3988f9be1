"""Comparisons as JUnit XML, which continuous integration shows line by line.

Source: the schema of the Apache Ant JUnit task, as Jenkins and GitLab read it.
"""

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from loadstone.analysis.comparison import CaseState, Comparison, Effect, IncompleteCase, Verdict
from loadstone.text import printable


def junit_xml(comparisons: Sequence[Comparison]) -> bytes:
    """A test suite for each Comparison, a test case for each Case and metric.

    Slower is a failure, a failed Trial an error; inconclusive, and what NEW has no figures of, is
    skipped with its reason.
    """
    root = Element("testsuites")
    for comparison in comparisons:
        _add_suite(root, comparison)
    indent(root)
    body: bytes = tostring(root, "utf-8")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + body + b"\n"


def _add_suite(root: Element, comparison: Comparison) -> None:
    name = f"{comparison.new} against {comparison.base} ({comparison.design.value})"
    suite = SubElement(root, "testsuite", name=printable(name))
    failed = {case.label for case in comparison.incomplete if case.new.failed}
    for effect in comparison.effects:
        case = _case(suite, effect.metric, effect.label)
        if effect.label not in failed:
            _add_verdict(case, effect)
    for incomplete in comparison.incomplete:
        _add_incomplete(suite, incomplete)
    for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(key, str(len(suite.findall(f"testcase/{tag}"))))
    suite.set("tests", str(len(suite.findall("testcase"))))


def _case(suite: Element, metric: str, label: str) -> Element:
    return SubElement(suite, "testcase", classname=printable(metric), name=printable(label))


def _add_verdict(case: Element, effect: Effect) -> None:
    words = (
        f"{effect.verdict.value}: {effect.ratio - 1:+.1%} "
        f"[{effect.low - 1:+.1%}, {effect.high - 1:+.1%}], p {effect.p:.3f}"
    )
    match effect.verdict:
        case Verdict.SLOWER:
            SubElement(case, "failure", message=words).text = effect.cause
        case Verdict.INCONCLUSIVE:
            SubElement(case, "skipped", message=words)
        case _:
            SubElement(case, "system-out").text = words


def _add_incomplete(suite: Element, incomplete: IncompleteCase) -> None:
    if incomplete.new.failed:
        SubElement(
            _case(suite, "Trials", incomplete.label), "error", message=_reason(incomplete.new)
        )
    elif not incomplete.is_compared:
        case = _case(suite, "Trials", incomplete.label)
        state = incomplete.new if incomplete.new.reason else incomplete.base
        SubElement(case, "skipped", message=_reason(state))


def _reason(state: CaseState) -> str:
    return printable(f"{state.outcome.value}: {state.reason or 'no reason known'}")
