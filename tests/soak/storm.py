"""One command after another is killed; each time all that is promised of a kill is held to.

After a kill come ``show``, ``resume`` and ``clean``: none of them may fail, no Trial that had
ended may be lost, the Run is finished, and nothing is left of what was set up.
"""

import shutil
import signal
import subprocess
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

import loadstone as api
from commands import Command, Done, until
from loadstone.model import Run, Status
from loadstone.plan.order import order
from soak.inventory import Held, take_held, take_inventory
from soak.kills import Ended, Kill, deliver, draw
from soak.subjects import MODEL_BYTES, Subject
from soak.warm import Warm

# A command that leads a process group, whose whole group can be killed.
_LEADER = ("setsid",)
# Nothing that a killed Run had begun may keep what it was set up with longer than this.
_LIMIT_S = 20
_SHARE_OF_SECOND_KILLS = 0.25
_FIRST_LENGTH_S = 1.5
_LONGER = 1.05
_CLEAN_S = 0.2
# In a guest without KVM, on a busy machine.
_UNDISTURBED_LIMIT_S = 600
_FAULT = 5
# Until Loadstone's first line is run, Python has its own way with SIGINT, and exit code 1.
_PYTHON_NOT_READY = "KeyboardInterrupt"
# So many that a leak of one kill, times these, is more than what else happens on a machine.
_MANY = 50
_SETTLE_S = 300


class Storm:
    """Kills one of the subjects after another, in a directory of its own.

    Args:
        warm: carries out what comes after a kill.
        rng: decides which, who of it is hit, by which signal, and when.
        counts: what was done and what came of it.
    """

    def __init__(
        self,
        subjects: Sequence[Subject],
        command: Command,
        warm: Warm,
        rng: Random,
        counts: Counter[str],
    ) -> None:
        self._subjects, self._command, self._warm, self._rng = subjects, command, warm, rng
        self._lengths_s = dict.fromkeys(subjects, _FIRST_LENGTH_S)
        self._before = take_inventory(command)
        self._counts = counts

    def measure(self) -> None:
        """Find out how long each takes undisturbed, instead of learning it kill by kill."""
        for subject in self._subjects:
            begun_s = time.monotonic()
            process = self._start(*subject.words)
            _, err = process.communicate(timeout=_UNDISTURBED_LIMIT_S)
            assert process.returncode in (0, 3), err
            self._lengths_s[subject] = time.monotonic() - begun_s
            shutil.rmtree(self._command.results, ignore_errors=True)
        # Modules that were loaded for them stay.
        self._before = take_inventory(self._command)

    def rage(self, kills: int) -> None:
        """Kill so many times.

        Raises:
            AssertionError: what was wrong after which of the kills.
        """
        if kills >= _MANY:
            self.measure()
        before = take_held()
        problems = [
            f"kill {number}: {problem}" for number in range(kills) if (problem := self.strike())
        ]
        assert not problems, "\n\n".join([f"{len(problems)} of {kills} kills:", *problems])
        if kills >= _MANY:
            _check_held(before, kills)

    def strike(self) -> str | None:
        """Kill once, see what became of it, and go on with an empty results directory.

        Returns:
            What was wrong with what was killed how; None where nothing was.
        """
        subject = self._rng.choice(self._subjects)
        kill = draw(self._rng, self._lengths_s[subject])
        problem = None
        try:
            self._strike(subject, kill)
        except (AssertionError, subprocess.TimeoutExpired) as error:
            notes = getattr(error, "__notes__", ())
            said = "\n".join((*traceback.format_exception(error, limit=-2), *notes))
            problem = f"{kill} of: loadstone {' '.join(subject.words)}\n{said}"
            self._recover()
        shutil.rmtree(self._command.results, ignore_errors=True)
        return problem

    def _recover(self) -> None:
        """What this kill has left is not to be taken for what the next one leaves."""
        for process in self._command.processes():
            process.kill()
        self._warm("clean")
        self._before = take_inventory(self._command)

    def _strike(self, subject: Subject, kill: Kill) -> None:
        ended = self._kill(subject, kill)
        self._check_end(kill, ended)
        if self._rng.random() < _SHARE_OF_SECOND_KILLS:
            self._kill_again()
        kept = self._whole_lines()
        self._counts["amid Trials"] += bool(kept)
        self._check(self._warm("show", "--json"), "show")
        self._check(self._warm("resume", "--quiet"), "resume")
        self._check_run(kill, kept)
        self._clean()

    def _kill(self, subject: Subject, kill: Kill) -> Ended:
        """Kills, and learns how long the command takes from when it ends before, or does not."""
        begun_s = time.monotonic()
        ended = deliver(self._start(*subject.words), kill)
        if ended.was_hit:
            self._lengths_s[subject] *= _LONGER
            self._counts[f"{kill.number.name} to its {kill.victim}"] += 1
        else:
            self._lengths_s[subject] = time.monotonic() - begun_s
        self._counts["kills" if ended.was_hit else "ended before"] += 1
        self._counts[subject.name] += ended.was_hit
        return ended

    def _start(self, *words: str) -> "subprocess.Popen[bytes]":
        return self._command.start(*words, before=_LEADER)

    def _check_end(self, kill: Kill, ended: Ended) -> None:
        """A command that was asked to end does so by that signal, and takes down all itself."""
        said = f"it ended with {ended.code}: {ended.err}"
        if kill.number is signal.SIGINT and _PYTHON_NOT_READY in ended.err:
            self._counts["ended by Python, which was not ready"] += 1
            return
        assert ended.code != _FAULT, said
        if not (kill.ends_command and ended.was_hit):
            assert ended.code in (0, 3, 4), said
        elif kill.number is signal.SIGKILL:
            assert ended.code in (-signal.SIGKILL, 0, 3), said
        else:
            assert ended.code in (-kill.number, 0, 3), said
            self._await_nothing_left("by itself")

    def _kill_again(self) -> None:
        """Kill what goes on after a kill, or what cleans up."""
        verb = self._rng.choice(("resume", "clean"))
        kill = draw(self._rng, _FIRST_LENGTH_S if verb == "resume" else _CLEAN_S)
        ended = deliver(self._start(verb), Kill(kill.number, "process", kill.after_s))
        self._counts[f"second kills, of {verb}"] += ended.was_hit
        assert ended.code != _FAULT, ended.err

    def _check(self, done: Done, verb: str) -> None:
        """The verb did it; or, where no Run was begun, it said so."""
        self._counts[f"{verb} {done.code}"] += 1
        assert "Traceback" not in done.err, done.err
        if self._manifest() is None:
            assert (done.code, verb) in ((2, "show"), (2, "resume")), done.err
            assert done.complaint
        else:
            assert done.code in (0, 3, 4), done.err

    def _check_run(self, kill: Kill, kept: list[bytes]) -> None:
        """The Run is whole, in its order, and begins with what it had at the kill."""
        if self._manifest() is None:
            return
        assert self._whole_lines()[: len(kept)] == kept
        run = api.load("last", results=self._command.results)
        had = [(trial.case, trial.round, trial.warmup) for trial in run.trials]
        assert had == _expected(run)
        failed = [trial for trial in run.trials if trial.status is Status.FAILED]
        assert len(failed) <= (not kill.ends_command), [trial.reason for trial in failed]
        for trial in failed:
            assert f"killed by {kill.number.name}" in (trial.reason or ""), trial.reason
        self._counts.update(f"Trials {trial.status}" for trial in run.trials)

    def _clean(self) -> None:
        done = self._warm("clean")
        assert done.code == 0, done.out + done.err
        self._counts["cleaned"] += "nothing to clean" not in done.out
        self._await_nothing_left("after clean")

    def _await_nothing_left(self, when: str) -> None:
        """Processes may need a moment to die, and a loop device to be closed."""
        left: dict[str, list[str]] = {}

        def is_gone() -> bool:
            nonlocal left
            left = take_inventory(self._command).beyond(self._before)
            return not left

        try:
            until(is_gone, f"nothing to be left {when}", _LIMIT_S)
        except AssertionError as error:
            error.add_note(f"left: {left}")
            raise

    def _manifest(self) -> Path | None:
        return next(self._command.results.glob("runs/*/manifest.json"), None)

    def _whole_lines(self) -> list[bytes]:
        """Of the only Run's Trials; what a kill cut off is none."""
        return [
            line
            for path in self._command.results.glob("runs/*/trials.jsonl")
            for line in path.read_bytes().splitlines(keepends=True)
            if line.endswith(b"\n")
        ]


def _expected(run: Run) -> list[tuple[str, int, bool]]:
    """The Steps of a whole Run: a Case that is skipped is not tried again."""
    skipped: set[str] = set()
    steps = []
    for step in order(run.manifest.plan):
        if step.case.id not in skipped:
            steps.append((step.case.id, step.round, step.warmup))
        skipped |= {
            trial.case
            for trial in run.trials
            if trial.status is Status.SKIPPED
            and (trial.case, trial.round, trial.warmup) == (step.case.id, step.round, step.warmup)
        }
    return steps


def _check_held(before: Held, kills: int) -> None:
    """Memory is free again: there is less than half of what a leak at each kill would come to.

    What others hold meanwhile, they do not hold for long.
    """
    more_bytes = kills * MODEL_BYTES // 2
    until(
        lambda: take_held().is_within(before, more_bytes),
        f"what the kernel holds to be little more than {before}",
        _SETTLE_S,
    )
