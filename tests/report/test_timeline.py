"""The time line of a Case shows one Trial, without what was not timed."""

import msgspec

from loadstone.report import html
from loadstone.report.strips import reported
from loadstone.report.timeline import most_median, timelines
from report.pages import FAST, MEASURED, SLOW, good_trial, run_with
from sample_runs import SPEED


def test_the_most_median_trial_is_drawn() -> None:
    trials = [
        good_trial(FAST, number, speed) for number, speed in enumerate((1e9, 5e9, 3e9, 2.9e9))
    ]
    found = most_median(trials, SPEED, 2.95e9)
    assert found is not None
    assert found.round == 2
    assert most_median([], SPEED, 1.0) is None


def test_untimed_verification_is_cut_out_and_said_not_to_be_there() -> None:
    run = run_with(*MEASURED)
    (fast, slow), is_shared = timelines(reported(run))
    assert is_shared
    assert fast.axis == slow.axis
    assert fast.ready is not None
    assert slow.ready is not None
    assert slow.cut is not None
    assert slow.ready < slow.cut
    assert slow.axis.end < 1.2 * 64e6 + 5e6
    assert (fast.busy_text, fast.ready_text) == ("31.7 ms", "31.7 ms")


def test_the_key_to_a_time_line_explains_only_what_is_drawn() -> None:
    bare = good_trial(FAST, 0, 1e9, metrics={"throughput": 1e9})
    bare = msgspec.structs.replace(bare, spans=bare.spans[:2])
    assert "Dashed line" in html.render([run_with(*MEASURED)])
    text = html.render([run_with(bare)])
    assert "Where the time goes" in text
    assert "Dashed line" not in text
    assert "Solid line" not in text


def test_time_lines_too_unlike_have_a_scale_each() -> None:
    run = run_with(good_trial(FAST, 0, 50e9), good_trial(SLOW, 0, 0.5e9), rounds=1)
    lines, is_shared = timelines(reported(run))
    assert not is_shared
    assert lines[0].axis.end < lines[1].axis.end
    assert "Each on a scale of its own" in html.render([run])
