"""page-classes on zram devices that are made for the Run, and on swap where the machine has none.

In the guests of tests/lab, too: what is compressed to what depends on the kernel.
"""

import contextlib
import signal
from pathlib import Path

import psutil
import pytest

from commands import MIB, Command, needs_root, until
from loadstone import run as run_workload
from loadstone.model import Run, Status, Trial
from zrams import needs_zram, zram_swaps

pytestmark = [needs_root, needs_zram, pytest.mark.usefixtures("nothing_is_left")]

_CLASSES = ["zero", "same", "half", "text", "pointers", "fp16", "bf16", "int4", "random"]


def run_pages(place: Path, rounds: int = 1, /, **axes: object) -> Run:
    return run_workload(
        "page-classes",
        axes={"total": MIB, **axes},  # type: ignore[dict-item]
        rounds=rounds,
        warmups=0,
        results=place / "results",
    )


def trials(run: Run, *names: str) -> dict[tuple[object, ...], Trial]:
    """By their Cases' values of some parameters; of several rounds the first that counts.

    What others swap out meanwhile makes a Trial invalid, and rightly so.
    """
    cases = {case.id: case for case in run.manifest.plan.cases}
    found: dict[tuple[object, ...], Trial] = {}
    for one in run.trials:
        if one.status is Status.INVALID:
            assert "took pages of others" in str(one.reason)
        key = tuple(cases[one.case].parameters[name] for name in names)
        if key not in found or found[key].status is Status.INVALID:
            found[key] = one
    return found


def test_every_class_is_what_it_says_by_every_algorithm(place: Path) -> None:
    dump = place / "dump"
    dump.write_bytes(bytes(MIB) + b"x" * MIB)
    run = run_pages(
        place,
        **{"class": [*_CLASSES, f"file:{dump}"]},
        algorithm=["lz4", "lzo-rle", "zstd", "none-such"],
    )
    found = trials(run, "class", "algorithm")
    measured = {key: one for key, one in found.items() if one.status is Status.OK}
    assert {one.status for one in found.values()} == {Status.OK, Status.SKIPPED}
    algorithms = {key[1] for key in measured}
    assert algorithms
    assert "none-such" not in algorithms
    for (name, algorithm), one in measured.items():
        evidence, metrics = one.evidence, one.metrics
        assert evidence["verified_bytes"] == MIB
        assert evidence["escaped_pages"] == evidence["unstored_pages"] == 0
        shares = {kind: evidence[f"{kind}_share"] for kind in ("same", "zsp", "zmp", "zhp")}
        assert sum(shares.values()) == pytest.approx(1)
        if name in ("zero", "same", f"file:{dump}"):
            assert shares["same"] == 1
        if name == "random":
            assert shares["zhp"] == 1
            assert (metrics["saved_speed"], metrics["stored_ratio"]) == (0, 1)
        if name in ("half", "text", "pointers"):
            assert shares["zhp"] == 0
            assert metrics["saved_speed"] > 0
        # zstd makes ZMP of weights.
        if algorithm != "zstd" and name in ("fp16", "bf16", "int4"):
            assert shares["zhp"] == 1
    assert len({one.evidence["huge_class_size"] for one in measured.values()}) == 1


def test_a_level_is_the_algorithms_or_a_skip(place: Path) -> None:
    run = run_pages(place, level=[0, 8])
    by_level = trials(run, "level")
    at_level = by_level[8,]
    if at_level.status is Status.SKIPPED:
        assert "level" in (at_level.reason or "")
        assert at_level.remedy
        return
    # Acceleration: less is found.
    assert at_level.metrics["stored_ratio"] > by_level[0,].metrics["stored_ratio"]


@pytest.mark.alone
def test_pages_that_are_swapped_out_and_touched_are_timed_and_are_right(place: Path) -> None:
    before = Path("/proc/swaps").read_text()
    run = run_pages(
        place,
        3,
        **{"class": ["zero", "text", "random"]},
        path=["block", "swap"],
        thp=[False, True],
        total=4 * MIB,
        other_swap=len(before.splitlines()) > 1,
    )
    assert Path("/proc/swaps").read_text() == before
    found = trials(run, "class", "path", "thp")
    has_thp = Path("/sys/kernel/mm/transparent_hugepage").exists()
    for (name, path, is_huge), one in found.items():
        if is_huge and not has_thp:
            assert one.status is Status.SKIPPED
            continue
        assert one.status is Status.OK, one.reason
        assert one.evidence["verified_bytes"] == 4 * MIB
        if path == "swap":
            written = found[name, "block", False]
            assert one.evidence["pages"] > 0.9 * written.evidence["pages"]
            assert one.metrics["stored_ratio"] == pytest.approx(
                written.metrics["stored_ratio"], rel=0.001
            )
            assert one.evidence["huge_class_size"] == written.evidence["huge_class_size"]


@pytest.mark.alone
def test_what_is_swapped_out_when_all_is_killed_is_gone_after_clean(loadstone: Command) -> None:
    before = zram_swaps()
    words = [f"--set={axis}" for axis in ("path=swap", "other_swap=on", "total=64m", "class=text")]
    process = loadstone.start("run", "page-classes", *words, "--rounds=50")
    until(lambda: zram_swaps() - before and _swapped_out() > MIB, "pages to be swapped out", 120)
    for one in loadstone.processes():
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    done = loadstone("clean")
    assert done.code == 0, done.err
    assert zram_swaps() == before


def _swapped_out() -> int:
    """The bytes of all that is."""
    lines = Path("/proc/swaps").read_text().splitlines()[1:]
    return sum(int(line.split()[3]) << 10 for line in lines)
