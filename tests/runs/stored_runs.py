"""Runs on disk, of one Case."""

import os
from pathlib import Path

from loadstone.model import Case, Environment, Plan, Run, Trial
from loadstone.runs.run_files import MANIFEST
from loadstone.runs.store import RunWriter, create
from sample_runs import SPEED, measured_run, trial_of, write_run

CASE = Case.of("model-load", "pread 1MiB", {"engine": "pread", "block": 1 << 20})


PLAN = Plan(name="ufs tuning/1", workload="model-load", cases=(CASE,), rounds=9, warmups=1, seed=7)


def start(results: Path, plan: Plan = PLAN) -> RunWriter:
    environment = Environment(target="adb:1.2.3.4", facts={"kernel.release": "6.12", "x": None})
    return create(
        results, plan=plan, metrics=(), environment=environment, loadstone="0.1.0", core="abc"
    )


def named(results: Path, name: str, mtime: float | None = None) -> Path:
    """A Run in a directory of that name."""
    case = Case.of("model-load", "it", {})
    write_run(measured_run([(case, [1.0])], SPEED, "r"), results)
    path = (results / "runs" / "r").rename(results / "runs" / name)
    if mtime is not None:
        os.utime(path / MANIFEST, (mtime, mtime))
    return path


def trial(number: int, note: str = "steady é \n") -> Trial:
    return trial_of(CASE, number, {"throughput": 1.5e9 + number}, notes=(note,))


def a_run(results: Path, trials: int = 3) -> Path:
    with start(results) as writer:
        for number in range(trials):
            writer.append(trial(number))
    return writer.path


def rounds(run: Run) -> list[int]:
    return [trial.round for trial in run.trials]
