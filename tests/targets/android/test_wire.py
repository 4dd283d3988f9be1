"""Jobs and Outcomes on the way to the agent and back."""

from urllib.parse import unquote_to_bytes

import pytest

from loadstone.errors import TargetError
from loadstone.model import CoreError, Histogram, Job, Span
from loadstone.targets.android.wire import job_line, read_hello, read_outcome

HELLO = (
    b'{"loadstone_agent": 1, "core": "ab", "architecture": "aarch64", "page_bytes": 16384, '
    b'"uid": 2000}'
)


def words(job: Job) -> list[tuple[bytes, bytes]]:
    line = job_line(job)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    pairs = (word.partition(b"=") for word in line[:-1].split(b" "))
    return [(key, unquote_to_bytes(value)) for key, _, value in pairs]


@pytest.mark.parametrize(
    "value",
    ["/data/a b", "$(reboot)`x`;'\"", "line\nbreak", "100%25", "../..", "ünïcode", "\udcff", ""],
)
def test_whatever_a_value_holds_arrives(value: str) -> None:
    job = Job(operation="stat", options={"file": value}, samples=(value,))
    arrived = value.encode(errors="surrogateescape")
    assert words(job)[-2:] == [(b"file", arrived), (b"sample", arrived)]


def test_a_job_tells_its_limit_and_its_cpus() -> None:
    job = Job(operation="probe", options={}, timeout_s=0.2, cpus="4-7")
    assert words(job) == [(b"operation", b"probe"), (b"timeout-s", b"0.2"), (b"cpus", b"4-7")]


def test_the_agents_first_line_is_read() -> None:
    hello = read_hello(HELLO)
    assert (hello.architecture, hello.page_bytes, hello.uid) == ("aarch64", 16384, 2000)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b"sh: loadstone-agent: not found", "is none of its own"),
        (b"\xff\xfe", "is none of its own"),
        (HELLO.replace(b": 1,", b": 2,"), "speaks protocol 2, not 1"),
    ],
)
def test_what_is_no_first_line_of_ours_is_refused(line: bytes, complaint: str) -> None:
    with pytest.raises(TargetError, match=complaint):
        read_hello(line)


def test_an_outcome_is_read_whole() -> None:
    outcome = read_outcome(
        b'{"error": {"code": 2, "step": "open", "path": "/x", "offset": -1}, "death": null, '
        b'"spans": [{"name": "read", "lane": 0, "start_ns": 1, "end_ns": 5}], "histograms": '
        b'[{"name": "io", "count": 2, "min_ns": 7, "max_ns": 9, "sum_ns": 16, "buckets": '
        b'{"7": 1, "9": 1}}], "values": {"bytes": 4}, "before": {"/proc/vmstat": "a\\n"}, '
        b'"after": {}}'
    )
    assert outcome.error == CoreError(code=2, step="open", path="/x", offset=-1)
    assert outcome.spans == (Span(name="read", lane=0, start_ns=1, end_ns=5),)
    assert outcome.histograms == (
        Histogram(name="io", count=2, min_ns=7, max_ns=9, sum_ns=16, buckets={7: 1, 9: 1}),
    )
    assert outcome.before == {"/proc/vmstat": "a\n"}
    assert not outcome.target_lost


@pytest.mark.parametrize(
    "line", [b"", b"{", b'{"nonsense": 1}', b'{"values": {"a": "x"}}', b"\xff"]
)
def test_what_is_no_outcome_is_refused(line: bytes) -> None:
    with pytest.raises(TargetError, match="is no Outcome"):
        read_outcome(line)
