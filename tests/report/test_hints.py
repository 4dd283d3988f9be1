"""What is said of a Run before its figures are trusted."""

from collections.abc import Sequence

import msgspec

from loadstone.analysis.summary import summarise
from loadstone.model import Case, Run
from loadstone.report.hints import hints
from sample_runs import SPEED, Facts, measured_run

FAST, SLOW = (Case.of("model-load", label, {"engine": label}) for label in ("fast", "slow"))
STEADY = (100.0, 101.0, 99.0, 100.5, 99.5, 100.2)
WIDE = (100.0, 50.0, 150.0, 70.0, 130.0, 100.0)


def said(slow: Sequence[float], facts: Facts | None = None, steal_ns: float = 0) -> list[str]:
    run = measured_run([(FAST, STEADY), (SLOW, slow)], SPEED, facts=facts)
    return hints(run, summarise(with_evidence(run, steal_ns)))


def with_evidence(run: Run, steal_ns: float) -> Run:
    evidence = {"elapsed_ns": 1e9, "cpu.steal_ns": steal_ns}
    trials = tuple(msgspec.structs.replace(trial, evidence=evidence) for trial in run.trials)
    return msgspec.structs.replace(run, trials=trials)


def test_steady_figures_of_a_machine_without_problems_need_no_word() -> None:
    assert said(STEADY) == []


def test_wide_intervals_are_counted_and_come_first() -> None:
    first, second = said(WIDE, {"cpu.governor": "powersave"})
    assert first == (
        "1 of 2 Cases are unsteady (interval wider than ±10%): more --rounds, or fix the causes "
        "below"
    )
    assert second == (
        "the CPU governor is powersave; `performance` is steadier; as root: cpupower "
        "frequency-set -g performance"
    )


def test_time_that_the_hypervisor_took_is_told_as_a_share_of_a_trial() -> None:
    assert said(STEADY, steal_ns=0.01e9) == []
    assert said(STEADY, steal_ns=0.25e9) == [
        "the hypervisor stole up to 25% of a CPU's time during Trials"
    ]


def test_where_commands_stand_beside_loads_of_ours_it_is_said_that_these_have_no_start_up() -> None:
    command = Case.of("command", "c", {})
    both = measured_run([(command, STEADY), (FAST, STEADY)], SPEED)
    (note,) = hints(both, summarise(both))
    assert "by loading_throughput" in note
    for case in (command, FAST):
        alone = measured_run([(case, STEADY)], SPEED)
        assert hints(alone, summarise(alone)) == []
