"""Comparisons call what is there, and only that."""

import math
from collections.abc import Mapping, Sequence

import msgspec
import pytest

from analysis.runs import STEADY, run_with
from loadstone.analysis.compare import compare
from loadstone.analysis.comparison import Effect, Verdict
from loadstone.errors import CannotMeasureError, UsageError
from loadstone.model import Metric, Run, Status
from sample_runs import DELAY, SPEED

LABELS = tuple(f"block {i}" for i in range(10))


def _of_one(
    base: Sequence[float], new: Sequence[float], metric: Metric = SPEED, new_hour: int = 1
) -> Effect:
    sides = (
        run_with("a", {"block 0": base}, metric),
        run_with("b", {"block 0": new}, metric, new_hour),
    )
    return compare(*sides).effects[0]


def test_the_primary_metric_decides_which_way_is_better() -> None:
    less = [0.9 * figure for figure in STEADY]
    assert _of_one(STEADY, less, SPEED).verdict is Verdict.SLOWER
    effect = _of_one(STEADY, less, DELAY)
    assert effect.verdict is Verdict.FASTER
    assert effect.ratio == pytest.approx(1 / 0.9)
    assert 1 < effect.low <= effect.ratio <= effect.high


def test_an_interval_within_the_threshold_is_the_same() -> None:
    effect = _of_one(STEADY, [1.002 * figure for figure in reversed(STEADY)])
    assert effect.verdict is Verdict.SAME
    assert effect.rounds_needed is None


def test_too_much_noise_is_inconclusive_and_says_how_many_rounds_would_do() -> None:
    effect = _of_one([80.0, 125.0, 100.0, 90.0, 110.0], [85.0, 120.0, 105.0, 92.0, 111.0])
    assert effect.verdict is Verdict.INCONCLUSIVE
    assert effect.rounds_needed is not None
    assert effect.rounds_needed > 5


def test_a_single_round_decides_nothing() -> None:
    for new in (100.0, 200.0):
        effect = _of_one([100.0], [new])
        assert effect.verdict is Verdict.INCONCLUSIVE
        assert effect.rounds_needed is None


def test_many_cases_are_corrected_for() -> None:
    five, more = STEADY[:5], [1.2 * figure for figure in STEADY[:5]]
    alone = compare(run_with("a", {"block 0": five}), run_with("b", {"block 0": more}, hour=1))
    assert [effect.verdict for effect in alone.effects] == [Verdict.FASTER]
    among = compare(
        run_with("a", dict.fromkeys(LABELS, five)),
        run_with("b", dict.fromkeys(LABELS, five) | {"block 0": more}, hour=1),
    )
    assert among.effects[0].p == pytest.approx(10 * alone.effects[0].p)
    assert among.effects[0].verdict is Verdict.INCONCLUSIVE


def test_a_change_that_drift_could_explain_is_withheld_with_a_warning() -> None:
    falling = [figure * 0.98**number for number, figure in enumerate(STEADY)]
    base, new = run_with("a", {"block 0": falling}), run_with("b", {"block 0": STEADY}, hour=1)
    comparison = compare(base, new)
    assert comparison.effects[0].verdict is Verdict.INCONCLUSIVE
    assert comparison.effects[0].rounds_needed is None
    drifted, withheld = comparison.warnings
    assert drifted.startswith("BASE drifted by -1")
    assert "block 0" in withheld


def test_interleaved_runs_are_paired_so_that_shared_drift_cancels() -> None:
    levels = [math.exp(-0.1 * number) for number in range(8)]
    base = [level * figure for level, figure in zip(levels, STEADY, strict=True)]
    new = [1.05 * level * figure for level, figure in zip(levels, STEADY[::-1], strict=True)]
    assert _of_one(base, new, new_hour=1).verdict is Verdict.INCONCLUSIVE
    assert _of_one(base, new, new_hour=0).verdict is Verdict.FASTER


def test_warm_ups_and_trials_that_did_not_end_well_do_not_count() -> None:
    good = run_with("a", {"block 0": STEADY})
    spoilt = [
        msgspec.structs.replace(good.trials[0], metrics={"throughput": 1.0}, **change)
        for change in ({"warmup": True}, {"status": Status.INVALID}, {"status": Status.FAILED})
        for _ in range(20)
    ]
    worse = msgspec.structs.replace(good, trials=(*good.trials, *spoilt))
    new = run_with("b", {"block 0": STEADY}, hour=1)
    assert compare(worse, new).effects == compare(good, new).effects


def test_cases_are_matched_by_label_only_where_no_id_is_shared() -> None:
    base = run_with("a", {"block 0": STEADY, "block 1": STEADY})
    renamed = run_with("b", {"block 0": STEADY}, hour=1, grown=["block 0"])
    assert [effect.label for effect in compare(base, renamed).effects] == ["block 0"]
    mixed = run_with("b", {"block 0": STEADY, "block 1": STEADY}, hour=1, grown=["block 0"])
    assert [effect.label for effect in compare(base, mixed).effects] == ["block 1"]
    assert len(compare(base, mixed).unmatched) == 2


def test_a_case_that_one_run_skipped_is_unmatched_with_the_reason() -> None:
    base = run_with("a", {"block 0": STEADY, "block 1": STEADY})
    new = run_with("b", {"block 0": STEADY, "block 1": STEADY[:1]}, hour=1)
    skip = msgspec.structs.replace(
        new.trials[-1], status=Status.SKIPPED, reason="no udmabuf", metrics={}
    )
    new = msgspec.structs.replace(new, trials=(*new.trials[:-1], skip))
    assert compare(base, new).unmatched == ("block 1 (NEW: skipped, no udmabuf)",)
    assert compare(new, base).unmatched == ("block 1 (BASE: skipped, no udmabuf)",)


def test_a_figure_of_zero_has_no_ratio_and_says_so() -> None:
    base = run_with("a", {"block 0": STEADY, "block 1": STEADY})
    new = run_with("b", {"block 0": STEADY, "block 1": [0.0, *STEADY[1:]]}, hour=1)
    assert compare(base, new).unmatched == ("block 1 (NEW: throughput of zero has no ratio)",)


def test_nothing_in_common_is_an_error_that_names_both_runs_and_what_to_do() -> None:
    with pytest.raises(CannotMeasureError, match=r"^a and b have no measured Case.*same plan"):
        compare(run_with("a", {"block 0": STEADY}), run_with("b", {"block 1": STEADY}))
    with pytest.raises(CannotMeasureError, match=r"throughput in B/s and b measures delay in ns"):
        compare(run_with("a", {"block 0": STEADY}), run_with("b", {"block 0": STEADY}, DELAY))
    with pytest.raises(UsageError, match="negative"):
        compare(
            run_with("a", {"block 0": STEADY}), run_with("b", {"block 0": STEADY}), threshold=-0.1
        )


def test_only_evidence_that_moved_is_kept() -> None:
    def with_evidence(run: Run, evidence: Mapping[str, float]) -> Run:
        trials = (msgspec.structs.replace(trial, evidence=evidence) for trial in run.trials)
        return msgspec.structs.replace(run, trials=tuple(trials))

    base = with_evidence(
        run_with("a", {"block 0": STEADY}), {"flushes": 2, "ios": 100, "gone": 1, "zero": 0}
    )
    new = with_evidence(
        run_with("b", {"block 0": STEADY}, hour=1), {"flushes": 1, "ios": 109, "come": 1, "zero": 0}
    )
    assert compare(base, new).effects[0].evidence == {"flushes": (2, 1)}
