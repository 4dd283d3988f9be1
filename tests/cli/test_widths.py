"""Every table of every verb at many widths: nothing is cut, and what is left out is said."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from rich.cells import cell_len
from rich.console import Console

from commands import Command
from loadstone.analysis.compare import compare
from loadstone.analysis.summary import summarise
from loadstone.analysis.within_run import compare_within
from loadstone.doctor.diagnosis import Diagnosis
from loadstone.doctor.probes import Check, Group
from loadstone.doctor.reachable import Reachable
from loadstone.lab.cache import StockKernel
from loadstone.model import Case, Run, Status
from loadstone.plan.knobs import with_knobs
from loadstone.published.changes import all_postings, published_changes
from loadstone.report import figures, text
from loadstone.workloads import Workload, workloads
from sample_runs import SPEED, manifest_of, measured_run, plan_of, run_of, trial_of, write_run

WIDTHS = (40, 60, 80, 120, 200)
WIDE = 1000
SAID = "left out for want of room: "
NOTE = "other I/O on the device; below it a layer that caches, /sys/block/loop0/loop/backing_file"
REMEDY = "as root: echo 1 > /sys/class/block/nvme0n1/queue/iostats; then again"


class Shown(NamedTuple):
    """What prints something, and the texts in each of the columns that may be left out."""

    show: Callable[[], None]
    spare: Mapping[str, tuple[str, ...]] = {}


def shown_at(width: int, shown: Shown, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "console", lambda: Console(file=sys.stdout, width=width, height=25))
        shown.show()
    return capsys.readouterr().out


def squeezed(said: str) -> str:
    return re.sub(r"\s+", "", said)


def left_out(said: str) -> str:
    """The line that names columns, without its breaks."""
    return squeezed(" ".join(said.partition(SAID.split(":", maxsplit=1)[0])[2].split(";")[:1]))


def check(width: int, shown: Shown, capsys: pytest.CaptureFixture[str]) -> None:
    whole, said = (shown_at(one, shown, capsys) for one in (WIDE, width))
    assert max(map(cell_len, said.splitlines())) <= width
    assert "want of room" not in whole
    words = {word for line in said.splitlines() for word in line.split()}
    joined, named = squeezed(said), left_out(squeezed_words(said))
    gone = {
        word
        for heading, texts in shown.spare.items()
        if squeezed(heading) in named
        for cell in (heading, *texts)
        for word in cell.split()
    }
    missing = {word for word in whole.split() if word not in words and word not in joined} - gone
    assert not missing, said


def squeezed_words(said: str) -> str:
    return " ".join(said.split())


def run_of_workload(workload: Workload, factor: float = 1.0) -> Run:
    """A Run in which every column of a workload has figures and every note is long."""
    labels = (f"{workload.name} " + "with-many words ×8 " * 4, "short", "dropped by its kernel")
    cases = [Case.of(workload.name, label.strip(), {"n": label}) for label in labels]
    plan = plan_of(cases, rounds=6)
    names = [*(column.name for column in workload.columns), "cached_after_bytes"]
    trials = []
    for case in cases[:2]:
        for number in range(6):
            some = 123456789.0 * factor * (1 + number / 100)
            metrics = {metric.name: some for metric in workload.metrics}
            evidence = dict.fromkeys(names, some)
            trials.append(trial_of(case, number, metrics, evidence=evidence, notes=(NOTE,)))
    why = {"status": Status.SKIPPED, "reason": NOTE, "remedy": REMEDY}
    trials.append(trial_of(cases[2], 0, {}, **why))
    id_ = f"20260101T000000Z-local-{workload.name}-{factor:04.0f}"
    return run_of(manifest_of(plan, id_=id_, metrics=workload.metrics), trials)


def run_shown(workload: Workload) -> Shown:
    run = run_of_workload(workload)
    measured = figures.measured(run, summarise(run))
    cells = zip(*(figures.cells(run, summary) for summary in measured), strict=True)
    spare = dict(zip(figures.headings(run), cells, strict=True))
    return Shown(lambda: text.print_run(run, text.console(), all_postings([])), spare)


def comparison_shown(workload: Workload) -> Shown:
    base, new = (run_of_workload(workload, factor) for factor in (1, 2))
    compared = compare(base, new)
    published = published_changes(compared, base, new, all_postings([]))
    spare = {
        "metric": tuple(effect.metric for effect in compared.effects),
        "p": tuple(f"{effect.p:.3f}" for effect in compared.effects),
    }
    return Shown(lambda: text.print_comparison(compared, text.console(), published), spare)


def plan_shown(workload: Workload) -> Shown:
    plan = run_of_workload(workload).manifest.plan
    return Shown(lambda: text.print_plan(plan, [NOTE], text.console()))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("of", [run_shown, comparison_shown, plan_shown])
@pytest.mark.parametrize("name", sorted(workloads()))
def test_tables_of_a_workload(
    name: str, of: Callable[[Workload], Shown], width: int, capsys: pytest.CaptureFixture[str]
) -> None:
    check(width, of(workloads()[name]), capsys)


def test_at_80_columns_each_case_is_named_and_its_figures_are_whole(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = run_shown(workloads()["model-load"])
    said = shown_at(80, shown, capsys)
    assert "model-load with-many" in said
    assert re.search(r"^short +0\.127  0\.124 – 0\.129 .* 6$", said, re.MULTILINE), said
    assert "columns left out for want of room: " in said


@pytest.mark.parametrize("width", WIDTHS)
def test_commands_of_knobs(width: int, capsys: pytest.CaptureFixture[str]) -> None:
    path = "/sys/devices/system/cpu/intel_pstate/no_turbo"
    case = Case.of("model-load", "pread direct → anon 1MiB", {"engine": "pread"})
    commands = [f"[echo {one} > {path}; sleep 0.01; echo {one} > /dev/null]" for one in "10"]
    cases = with_knobs([case], {"turbo": commands})
    own = [(one, [speed] * 8) for one, speed in zip(cases, (100.0, 200.0), strict=True)]
    run = measured_run(own, SPEED, "a", 0, None)
    compared = compare_within(run, "knob.turbo")
    spare = {
        "metric": tuple(effect.metric for effect in compared.effects),
        "p": tuple(f"{effect.p:.3f}" for effect in compared.effects),
    }
    check(width, Shown(lambda: text.print_comparison(compared, text.console()), spare), capsys)
    plan = run.manifest.plan
    check(width, Shown(lambda: text.print_plan(plan, [NOTE], text.console())), capsys)


def test_at_80_columns_commands_are_readable(capsys: pytest.CaptureFixture[str]) -> None:
    path = "/sys/devices/system/cpu/intel_pstate/no_turbo"
    case = Case.of("model-load", "pread direct → anon 1MiB", {"engine": "pread"})
    cases = with_knobs([case], {"turbo": [f"[echo {one} > {path}]" for one in "10"]})
    own = [(one, [speed] * 8) for one, speed in zip(cases, (100.0, 200.0), strict=True)]
    compared = compare_within(measured_run(own, SPEED, "a", 0, None), "knob.turbo")
    said = shown_at(80, Shown(lambda: text.print_comparison(compared, text.console())), capsys)
    name = " ".join(line[:32].strip() for line in said.splitlines()[4:7]).strip()
    assert name == "pread direct → anon 1MiB turbo [echo 1 > /sys/…/no_turbo]: 1 → 0", said


CHECKS = tuple(
    Check(
        group=group,
        name=f"{group} by a long-name → dma-heap:system",
        is_met=is_met,
        detail=NOTE if is_met else "",
        reason=None if is_met else f"{group}: {NOTE}",
        remedy=None if is_met else REMEDY,
    )
    for group in Group
    for is_met in (True, False)
)


def doctor_shown() -> Shown:
    from loadstone.cli import doctor

    diagnosis = Diagnosis(
        target="local", path="/models/" + "x" * 90, is_made=True, can_load=True, checks=CHECKS
    )
    return Shown(lambda: doctor._print(diagnosis))  # its connecting would need a Target


def lab_doctor_shown() -> Shown:
    from loadstone.cli import doctor

    return Shown(lambda: doctor._print_lab(CHECKS))


def devices_shown() -> Shown:
    from loadstone.cli import devices

    good = {
        "phone.model": "Pixel 6",
        "kernel.release": "6.1.57-android14-11-g0123456789ab-ab11535104",
        "memory.dma_heaps": "system system-uncached qcom,display qcom,secure-pixel mtk_mm",
        "heat.zones": "cpu-0-0-usr, cpu-0-1-usr, battery, skin-therm-usr, quiet-therm-usr",
    }
    target = "adb:adb-26151FDF60083B-9tP4nl (2)._adb-tls-connect._tcp"
    found = (
        Reachable(target=target, about="Pixel 6", facts=good, free_bytes=1 << 36),
        Reachable(target="adb:R58M", about=None, problem=NOTE, remedy=REMEDY),
    )
    return Shown(lambda: devices._print(found))


def kernels_shown() -> Shown:
    from loadstone.cli.lab import kernels

    rows = kernels._rows(
        [
            StockKernel(
                suite="trixie-backports",
                release=f"7.3.{number}+deb13-amd64",
                package="linux-image",
                version=f"7.3.{number}-1~bpo13+1",
                architecture="x86_64",
            )
            for number in range(3)
        ]
    )
    spare = {"version": tuple(row["version"] for row in rows)}
    others = {"sid": "the newest", "bookworm-backports": "6.12"}
    return Shown(lambda: kernels._print(rows, others), spare)


def schemas_shown() -> Shown:
    from loadstone.cli import schema

    return Shown(lambda: schema.command.main([], standalone_mode=False))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "of", [doctor_shown, lab_doctor_shown, devices_shown, kernels_shown, schemas_shown]
)
def test_tables_of_the_other_verbs(
    of: Callable[[], Shown], width: int, capsys: pytest.CaptureFixture[str]
) -> None:
    check(width, of(), capsys)


@pytest.fixture
def command(tmp_path: Path) -> Command:
    write_run(run_of_workload(workloads()["model-load"]), tmp_path / "results")
    return Command(tmp_path)


def on_a_terminal(width: int, command: Command, *verb: str, **env: str) -> Iterator[str]:
    """The lines that a verb prints on a terminal of its own."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    words = (sys.executable, "-m", "loadstone.cli", *verb)
    kept = {name: value for name, value in command.environment.items() if name != "COLUMNS"}
    process = subprocess.Popen(
        words, cwd=command.place, env={"TERM": "xterm", **kept, **env}, stdin=its, stdout=its
    )
    os.close(its)
    said = b""
    while part := _read(ours):
        said += part
    os.close(ours)
    assert process.wait(60) == 0
    yield from said.decode().replace("\r", "").splitlines()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:
        # EIO: the other end is closed.
        return b""


@pytest.mark.parametrize(
    ("width", "env"),
    [
        (100, {"TERM": "dumb"}),
        (80, {"NO_COLOR": "1"}),
        (40, {"TERM": "xterm"}),
        (200, {"COLUMNS": "60"}),
    ],
)
def test_a_real_terminals_width_is_what_counts(
    width: int, env: dict[str, str], command: Command
) -> None:
    lines = list(on_a_terminal(width, command, "show", **env))
    bare = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
    counts = int(env.get("COLUMNS", width))
    assert counts - 12 < max(map(cell_len, bare)) <= counts
    assert "…" not in "".join(bare)
    if env.get("TERM") == "dumb":
        assert bare == lines
    if "NO_COLOR" in env:
        assert not re.search(r"\x1b\[[0-9;]*3[0-9]", "".join(lines))


def test_in_a_pipe_there_is_room_whatever_columns_says(command: Command) -> None:
    done = command("show", env={"COLUMNS": "70"})
    assert 150 < max(map(cell_len, done.out.splitlines())) <= 160


@pytest.mark.parametrize("width", [40, 80])
def test_a_list_of_workloads_is_whole_on_a_terminal(width: int, command: Command) -> None:
    lines = list(on_a_terminal(width, command, "list"))
    assert max(map(cell_len, lines)) <= width
    assert squeezed("\n".join(lines)) == squeezed(command("list").out)
