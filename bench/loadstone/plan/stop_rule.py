"""The rule by which rounds are added to a Plan's: made of what was asked for, and in words."""

from loadstone.analysis.stopping import FEWEST, Ending, Precision, Stop, rounds_expected
from loadstone.errors import UsageError
from loadstone.model import StopRule
from loadstone.units import format_duration, format_share

_MOST_TIMES = 20
_MOST_ROUNDS = 1000


def make_rule(within: float | None, limit_s: float | None, rounds: int) -> StopRule | None:
    """The rule of a Plan with at least so many rounds; None where none was asked for.

    Raises:
        UsageError: there is a limit and nothing that it ends, or there are too few rounds.
    """
    if within is None:
        if limit_s is None:
            return None
        raise UsageError(
            f"limit: {format_duration(limit_s)} ends the adding of rounds, and none are added",
            remedy="say until how narrow an interval: --until 2%",
        )
    if rounds < FEWEST:
        raise UsageError(
            f"rounds: {rounds} are too few for until: an interval is narrow by chance too",
            remedy=f"write {FEWEST} or more, or leave them out",
        )
    most_rounds = max(rounds, min(_MOST_TIMES * rounds, _MOST_ROUNDS))
    return StopRule(within=within, most_rounds=most_rounds, limit_s=limit_s)


def rule_words(rule: StopRule) -> str:
    """The rule for people."""
    limit = "" if rule.limit_s is None else f" or {format_duration(rule.limit_s)}"
    return f"until ±{format_share(rule.within)}, at most {rule.most_rounds} rounds{limit}"


def look_words(rule: StopRule, rounds: int, found: tuple[Precision, ...]) -> str:
    """What a look at the intervals showed, and how many rounds are likely to do."""
    stop = Stop(rule=rule, rounds=rounds, ending=Ending.EARLY, found=found)
    text = f"{rounds} rounds: {_not_reached(stop)}"
    expected = rounds_expected(found, rounds, rule.within)
    if expected is None:
        return text
    if expected > rule.most_rounds:
        return f"{text}; that takes more than the {rule.most_rounds} there may be"
    return f"{text}; some {expected} rounds will do"


def stop_words(stop: Stop, is_time_over: bool = False) -> str:
    """How a Run ended, for people.

    Args:
        is_time_over: the limit of time is known to have ended it.
    """
    after = f"after {stop.rounds} round{'' if stop.rounds == 1 else 's'}"
    if stop.ending is Ending.NARROW:
        return f"±{format_share(stop.rule.within)} reached by all {after}"
    if not stop.found:
        return f"no Case has a figure {after}"
    return f"{_not_reached(stop)}; ended {after}{_reason(stop, is_time_over)}"


def _reason(stop: Stop, is_time_over: bool) -> str:
    if stop.ending is Ending.ROUNDS:
        return ", the most there may be"
    if stop.rule.limit_s is None:
        return ""
    limit = format_duration(stop.rule.limit_s)
    return f", by the limit of {limit}" if is_time_over else f", by the limit of {limit} or cut off"


def _not_reached(stop: Stop) -> str:
    wide = stop.wide
    named = ", ".join(f"{one.label} {width_words(one)}" for one in wide[:3])
    more = f" and {len(wide) - 3} more" if len(wide) > 3 else ""
    within = format_share(stop.rule.within)
    return f"±{within} not reached by {len(wide)} of {len(stop.found)} ({named}{more})"


def width_words(one: Precision) -> str:
    """How narrow it is, or why that is not believed."""
    if one.figures < FEWEST:
        return f"has {one.figures} of {FEWEST} good rounds"
    return f"±{format_share(one.width)}"
