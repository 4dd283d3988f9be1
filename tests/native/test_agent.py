"""The agent answers as the core does, on every architecture, and moves every byte."""

import errno
import itertools
import os
import platform
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from loadstone.core import native
from loadstone.model import Job, Outcome
from loadstone.targets.local import LocalTarget
from native import places, sample_jobs
from native.job_lines import Agent
from native.programs import Program

pytestmark = pytest.mark.native

Runner = Callable[[Job], Outcome]


@pytest.fixture
def agent(job: Program) -> Agent:
    """This machine's, as it is shipped."""
    return Agent(job.path)


def _shape(outcome: Outcome, place: Path) -> dict[str, Any]:
    """What two machines must agree on; figures are each one's own."""
    error = outcome.error
    return {
        "error": error
        and (error.code, error.step, error.path.replace(str(place), "PLACE"), error.offset),
        "death": outcome.crash,
        # Which orders there are is the page cache's choice.
        "values": sorted(name for name in outcome.values if "_order_" not in name),
        "spans": sorted({span.name for span in outcome.spans}),
        "histograms": sorted(histogram.name for histogram in outcome.histograms),
        "before": sorted(path.replace(str(place), "PLACE") for path in outcome.before),
        "after": sorted(path.replace(str(place), "PLACE") for path in outcome.after),
    }


def _shapes(runner: Runner, operation: str, place: Path) -> list[dict[str, Any]]:
    sample_jobs.prepare(place)
    return [_shape(runner(job), place) for job in sample_jobs.jobs_of(operation, place)]


_SURVEY_FOLIOS = ("file-read", "folio-write")


def _operations() -> Iterator[object]:
    """Those that survey folios go alone: a page dropped meanwhile makes the survey unknown."""
    for one in native.operations():
        marks = [pytest.mark.alone] if one.name in _SURVEY_FOLIOS else []
        yield pytest.param(one.name, marks=marks)


@pytest.mark.parametrize("operation", [*_operations()])
def test_the_agent_answers_every_operation_as_the_core_does(
    device_agent: Agent, local: LocalTarget, operation: str, tmp_path: Path
) -> None:
    expected = _shapes(local.execute, operation, tmp_path / "core")
    told = _shapes(device_agent.execute, operation, tmp_path / "agent")
    for one, other in zip(told, expected, strict=True):
        if not (device_agent.prefix and _is_without_rings(one)):
            assert one == other


def _is_without_rings(shape: dict[str, Any]) -> bool:
    """QEMU's emulators of user programs have no io_uring."""
    error = shape["error"]
    return error is not None and error[:2] == (errno.ENOSYS, "io_uring_setup")


def test_times_and_counts_are_those_of_an_outcome(agent: Agent, tmp_path: Path) -> None:
    sample_jobs.prepare(tmp_path / "place")
    outcome = agent.execute(sample_jobs.jobs_of("model-load", tmp_path / "place")[0])
    assert "start_ns" not in outcome.values
    assert all(0 <= span.start_ns <= span.end_ns < 60 * 10**9 for span in outcome.spans)
    (histogram,) = outcome.histograms
    assert 0 < histogram.min_ns <= histogram.max_ns <= histogram.sum_ns
    assert sum(histogram.buckets.values()) == histogram.count
    assert outcome.before["/proc/nowhere"] == ""
    assert int(outcome.before["/proc/vmstat"].split()[1]) > 0


def test_an_empty_histogram_is_zero(agent: Agent, tmp_path: Path) -> None:
    """A load from a mapping reads nothing."""
    sample_jobs.prepare(tmp_path / "place")
    outcome = agent.execute(sample_jobs.jobs_of("model-load", tmp_path / "place")[2])
    for histogram in outcome.histograms:
        assert (histogram.count == 0) == (histogram.min_ns == 0)


def test_the_first_line_says_who_answers(device_agent: Agent) -> None:
    hello = device_agent.say(end=b"").hello
    assert hello.core == native.source_hash()
    assert device_agent.path.name == f"loadstone-agent-{hello.architecture}"
    assert hello.page_bytes == os.sysconf("SC_PAGESIZE")
    assert hello.uid == os.geteuid()


_MEMORY = ("anon", "thp", "hugetlb", "memfd", "memfd-hugetlb")
_WAYS = (
    *itertools.product(("pread", "mmap-copy"), _MEMORY),
    *itertools.product(("sendfile", "splice"), ("memfd",)),
    ("mmap", "mapping"),
)
_VARIANTS: tuple[dict[str, str], ...] = (
    {},
    {"threads": "2", "buffers": "2", "overlap": "65536", "block": "16384"},
)


@pytest.mark.parametrize(("engine", "destination"), _WAYS)
def test_every_byte_arrives(
    device_agent: Agent,
    engine: str,
    destination: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    if "hugetlb" in destination:
        request.getfixturevalue("huge_pages_untouched")
    place = tmp_path / "place"
    sample_jobs.prepare(place)
    options = {"file": f"{place}/model", "checksums": f"{place}/sums", "io": "buffered"}
    options |= {"engine": engine, "destination": destination, "cache": "as-is", "verify": "full"}
    several = engine not in ("sendfile", "mmap")
    for variant in _VARIANTS if several else _VARIANTS[:1]:
        outcome = device_agent.execute(Job(operation="model-load", options=options | variant))
        if "hugetlb" in destination and outcome.error is not None:
            assert outcome.error.step == f"mmap {destination.replace('-', ' ')}"
            continue
        assert outcome.error is None
        assert outcome.values["verified_bytes"] == sample_jobs.MODEL_BYTES


def test_rings_bring_every_byte_too(agent: Agent, tmp_path: Path) -> None:
    places.need_locked_memory()
    place = tmp_path / "place"
    sample_jobs.prepare(place)
    options = {"file": f"{place}/model", "checksums": f"{place}/sums", "verify": "full"}
    options |= {"engine": "uring", "cache": "as-is", "fixed": "on", "io": "direct"}
    for destination in ("anon", "memfd"):
        job = Job(operation="model-load", options=options | {"destination": destination})
        assert agent.execute(job).values["verified_bytes"] == sample_jobs.MODEL_BYTES


def test_wrong_bytes_are_found(device_agent: Agent, tmp_path: Path) -> None:
    place = tmp_path / "place"
    sample_jobs.prepare(place)
    with (place / "model").open("r+b") as stream:
        stream.seek((1 << 20) + 5)
        stream.write(b"?")
    outcome = device_agent.execute(sample_jobs.jobs_of("model-load", place)[0])
    assert outcome.error is not None
    assert (outcome.error.step, outcome.error.offset) == ("verify", 1 << 20)


def test_files_and_checksums_are_the_same_everywhere(device_agent: Agent, tmp_path: Path) -> None:
    size = (3 << 20) + 5
    files = [tmp_path / "here", tmp_path / "there"]
    for file, run in zip(files, (native.run_job, device_agent.execute), strict=True):
        options = {"file": str(file), "bytes": str(size), "seed": "7"}
        assert run(Job(operation="make-file", options=options)).error is None
    data = files[1].read_bytes()
    assert data == files[0].read_bytes()
    options = {"file": str(files[1]), "output": str(tmp_path / "sums")}
    outcome = device_agent.execute(Job(operation="checksum", options=options))
    sums = b"".join(
        native.crc32c(data[at : at + (1 << 20)], portable=True).to_bytes(4, "little")
        for at in range(0, size, 1 << 20)
    )
    assert (tmp_path / "sums").read_bytes() == sums
    assert outcome.values["crc32c"] == native.crc32c(sums, portable=True)


def test_a_place_beyond_4_gib_is_read_and_told(device_agent: Agent, tmp_path: Path) -> None:
    hole = tmp_path / "loadstone-hole"
    options = {"file": str(hole), "bytes": str((4 << 30) + 10), "content": "sparse"}
    assert device_agent.execute(Job(operation="make-file", options=options)).error is None
    with hole.open("r+b") as stream:
        stream.seek(4 << 30)
        stream.write(b"beyond it\n")
    options = {"file": str(hole), "offset": str(4 << 30)}
    outcome = device_agent.execute(Job(operation="read-text", options=options, samples=("text",)))
    assert outcome.before["text"] == "beyond it\n"
    outcome = device_agent.execute(Job(operation="stat", options={"file": str(hole)}))
    assert outcome.values["file_bytes"] == (4 << 30) + 10


@pytest.mark.parametrize(
    ("engine", "destination", "step"),
    [
        ("pread", "anon", "mmap"),
        ("mmap", "mapping", "mmap"),
        ("pread", "memfd", "mmap destination"),
    ],
)
def test_more_than_32_bits_can_address_is_an_error_there(
    built_agents: Path, engine: str, destination: str, step: str, tmp_path: Path
) -> None:
    """Not a smaller piece of memory: what 64 bits count must not be cut."""
    agent = Agent(built_agents / "loadstone-agent-armv7", ("qemu-arm-static",))
    places.need_tool("qemu-arm-static", "qemu-user-static")
    hole = tmp_path / "hole"
    with hole.open("wb") as stream:
        stream.truncate((4 << 30) + 4096)
    options = {"file": str(hole), "engine": engine, "destination": destination}
    options |= {"io": "buffered", "cache": "as-is"}
    outcome = agent.execute(Job(operation="model-load", options=options))
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.step) == (12, step)


def test_text_that_is_not_utf8_is_read_as_python_reads_it(agent: Agent, tmp_path: Path) -> None:
    source = random.Random(1)
    pieces = [bytes(source.choices(range(1, 256), k=7)) for _ in range(500)]
    pieces += [b"\xed\xa0\x80", b"\xf0\x9f\x98", b"\xf0\x9f\x98\x80", b"\xe0\x80\x80", b"\xc0\xaf"]
    pieces += ["µ€😀\u2028".encode(), b"\xf4\x90\x80\x80", b"\xf5", b"\xfe\xff", b'"\\\x01\x7f']
    text = tmp_path / "text"
    text.write_bytes(b"\n".join(pieces) + b"\n")
    job = Job(operation="read-text", options={"file": str(text)}, samples=(str(text),))
    told = agent.execute(job).before[str(text)]
    assert told == text.read_bytes().decode(errors="replace")
    assert told == native.run_job(job).before[str(text)]


def test_names_with_quotes_and_control_characters_stay_whole(agent: Agent, tmp_path: Path) -> None:
    place = tmp_path / 'a "place"\n\\x\t%41 = µ'
    sample_jobs.prepare(place)
    job = sample_jobs.jobs_of("read-text", place)[0]
    assert agent.execute(job).before == {str(place / "text"): "two\nlines\n"}


def test_a_name_that_is_not_utf8_reaches_the_file(agent: Agent, tmp_path: Path) -> None:
    file = tmp_path / b"\xff\xfe".decode(errors="surrogateescape")
    file.write_text("found\n")
    job = Job(operation="read-text", options={"file": str(file)}, samples=("text",))
    assert agent.execute(job).before == {"text": "found\n"}


def test_this_machines_agent_is_among_those_for_devices(built_agents: Path) -> None:
    assert (built_agents / f"loadstone-agent-{platform.machine()}").exists()
