"""Histograms, checksums, and what the core tells of itself."""

import errno
import random
import re

import pytest

from loadstone import result_names
from loadstone._native import ffi, lib
from loadstone.core import native
from loadstone.model import Histogram, Job

_HOUR_NS = 3600 * 10**9


def _random_values(count: int) -> list[int]:
    """From 1 ns to 1 h, every power of two as likely as the other."""
    source = random.Random(1)
    return sorted(min(_HOUR_NS, int(2 ** source.uniform(0, 41.8))) for _ in range(count))


def _percentile(histogram: Histogram, share: float) -> int:
    """The lower bound of the bucket that holds the value at ``share`` of all."""
    rank, seen = max(1, round(share * histogram.count)), 0
    for start_ns, count in sorted(histogram.buckets.items()):
        seen += count
        if seen >= rank:
            return start_ns
    raise AssertionError("fewer values than counted")


@pytest.mark.parametrize(
    "value_ns",
    [1, 2, 127, 128, 129, 255, 256, 257, 999, 10**6 + 1, 2**32 - 1, 2**32, _HOUR_NS - 1, _HOUR_NS],
)
def test_a_bucket_begins_within_one_percent_of_what_it_counts(value_ns: int) -> None:
    (start_ns,) = native.histogram_of([value_ns]).buckets
    assert start_ns <= value_ns
    assert value_ns - start_ns <= value_ns * 0.01


def test_every_value_up_to_an_hour_is_told_within_one_percent() -> None:
    for value_ns in _random_values(3000):
        (start_ns,) = native.histogram_of([value_ns]).buckets
        assert 0 <= value_ns - start_ns <= value_ns * 0.01


def test_small_values_are_exact() -> None:
    assert native.histogram_of(list(range(256))).buckets == dict.fromkeys(range(256), 1)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.9, 0.99, 0.999, 1.0])
def test_percentiles_are_within_one_percent_of_the_exact_ones(share: float) -> None:
    values = _random_values(5000)
    exact = values[max(1, round(share * len(values))) - 1]
    found = _percentile(native.histogram_of(values), share)
    assert 0 <= exact - found <= exact * 0.01


def test_count_sum_and_extremes_are_exact() -> None:
    values = _random_values(1000)
    histogram = native.histogram_of(values)
    assert histogram.count == sum(histogram.buckets.values()) == 1000
    assert histogram.sum_ns == sum(values)
    assert (histogram.min_ns, histogram.max_ns) == (values[0], values[-1])


def test_what_is_longer_than_any_bucket_is_counted_all_the_same() -> None:
    histogram = native.histogram_of([2**43 - 1, 2**43, 2**63])
    assert sum(histogram.buckets.values()) == histogram.count == 3
    assert histogram.max_ns == 2**63
    assert len(histogram.buckets) == 1


def test_an_empty_histogram_is_zero() -> None:
    histogram = native.histogram_of([])
    assert (histogram.count, histogram.sum_ns, histogram.min_ns, histogram.max_ns) == (0, 0, 0, 0)
    assert not histogram.buckets


# RFC 3720, appendix B.4, and the check value of the CRC's definition.
_KNOWN_SUMS = [
    (b"\x00" * 32, 0x8A9136AA),
    (b"\xff" * 32, 0x62A8AB43),
    (bytes(range(32)), 0x46DD794E),
    (bytes(range(31, -1, -1)), 0x113FDB5C),
    (b"123456789", 0xE3069283),
    (b"", 0),
]


@pytest.mark.parametrize(("data", "crc"), _KNOWN_SUMS)
@pytest.mark.parametrize("portable", [False, True])
def test_crc32c_agrees_with_the_published_vectors(data: bytes, crc: int, portable: bool) -> None:
    assert native.crc32c(data, portable=portable) == crc


def test_crc32c_by_instruction_and_by_table_agree_at_every_length_and_start() -> None:
    data = random.Random(2).randbytes(100)
    for start in range(9):
        for end in range(start, 100):
            piece = data[start:end]
            assert native.crc32c(piece) == native.crc32c(piece, portable=True)


def test_crc32c_continues_where_it_stopped() -> None:
    data = random.Random(3).randbytes(1000)
    for cut in (0, 1, 7, 8, 500, 1000):
        for portable in (False, True):
            crc = native.crc32c(data[:cut], portable=portable)
            assert native.crc32c(data[cut:], crc, portable) == native.crc32c(data)


def test_operations_are_listed_with_their_options() -> None:
    found = {
        one.name: {option.name: option for option in one.options} for one in native.operations()
    }
    assert list(found) == sorted(found)
    assert set(found) >= {"checksum", "make-file", "model-load", "probe"}
    load = found["model-load"]
    assert load["file"] == native.Option(name="file", kind="text", default=None)
    assert load["file"].is_required
    assert load["block"] == native.Option(name="block", kind="number", default="1048576")
    assert not load["block"].is_required
    assert load["heap"].default == ""
    assert load["io"].choices == ("buffered", "direct", "dontcache")
    assert load["cache"] == native.Option(
        name="cache", kind="choice", default="cold", choices=("cold", "warm", "as-is")
    )
    assert {"pread", "uring", "mmap", "mmap-copy", "sendfile"} <= set(load["engine"].choices)
    assert found["clock-step"] == {}


OPTIONS = [(one.name, option) for one in native.operations() for option in one.options]


@pytest.mark.parametrize(
    ("operation", "option"), OPTIONS, ids=[f"{name}-{option.name}" for name, option in OPTIONS]
)
def test_what_the_core_says_of_an_option_is_what_its_parser_does(
    operation: str, option: native.Option
) -> None:
    """Its default is a value that it takes, and a choice has choices, each of them once."""
    if option.kind == "number" and option.default is not None:
        assert 0 <= int(option.default) < 1 << 64
    assert bool(option.choices) == (option.kind == "choice")
    assert len(set(option.choices)) == len(option.choices)
    assert option.kind != "choice" or option.default in (None, *option.choices)
    wrong = {"number": "many", "choice": "?", "text": None}[option.kind]
    others = {
        one.name: one.choices[0] if one.choices else "0"
        for name, one in OPTIONS
        if name == operation and one.is_required and one != option
    }
    given = others if wrong is None else {**others, option.name: wrong}
    if wrong is not None or option.is_required:
        error = native.run_job(Job(operation=operation, options=given)).error
        assert error is not None
        code = errno.EINVAL if wrong else errno.ENODATA
        assert (error.code, error.step, error.path) == (code, "option", option.name)


def test_the_option_that_is_left_out_is_the_one_with_its_default() -> None:
    options = {"effect": "syscall", "count": "10"}
    left_out = native.run_job(Job(operation="calibrate", options=options))
    (calibrate,) = (one for one in native.operations() if one.name == "calibrate")
    (batches,) = (option for option in calibrate.options if option.name == "batches")
    assert len(left_out.spans) == int(batches.default or 0)


_SHARED = {
    "ls_value_start_ns": result_names.START_NS,
    "ls_value_ready_ns": result_names.READY_NS,
    "ls_value_elapsed_ns": result_names.ELAPSED_NS,
    "ls_value_set_up_ns": result_names.SET_UP_NS,
    "ls_value_set_cache_ns": result_names.SET_CACHE_NS,
    "ls_value_verify_ns": result_names.VERIFY_NS,
    "ls_value_trace_ns": result_names.TRACE_NS,
    "ls_span_release": result_names.RELEASE_SPAN,
}


def test_the_core_calls_what_operations_share_by_the_names_that_are_read_back() -> None:
    declared = {name for name in dir(lib) if name.startswith(("ls_value_", "ls_span_"))}
    found = {name: bytes(ffi.string(getattr(lib, name))).decode() for name in declared}
    assert found == _SHARED


def test_spans_count_from_the_start_of_the_timed_region() -> None:
    options = {"effect": "syscall", "count": "10", "batches": "2"}
    outcome = native.run_job(Job(operation="calibrate", options=options))
    assert result_names.ELAPSED_NS in outcome.values
    assert result_names.START_NS not in outcome.values
    assert 0 <= outcome.spans[0].start_ns < outcome.spans[0].end_ns < 10**9


def test_an_unknown_operation_has_no_options() -> None:
    assert native.operation_options("teleport") == {}


@pytest.mark.parametrize(
    ("operation", "options", "code", "step", "path"),
    [
        ("teleport", {}, errno.ENOSYS, "operation", "teleport"),
        ("checksum", {"file": "f"}, errno.ENODATA, "option", "output"),
        ("checksum", {"file": "f", "output": "o", "x": "1"}, errno.ENOENT, "option", "x"),
        ("make-file", {"file": "f", "bytes": "1k"}, errno.EINVAL, "option", "bytes"),
        ("make-file", {"file": "f", "bytes": "-1"}, errno.EINVAL, "option", "bytes"),
        ("make-file", {"file": "f", "bytes": ""}, errno.EINVAL, "option", "bytes"),
        ("make-file", {"file": "f", "bytes": str(1 << 64)}, errno.ERANGE, "option", "bytes"),
        (
            "model-load",
            {"file": "f", "engine": "pread", "io": "direct "},
            errno.EINVAL,
            "option",
            "io",
        ),
        ("model-load", {"file": "f", "engine": "pread", "io": ""}, errno.EINVAL, "option", "io"),
    ],
)
def test_what_is_wrong_with_a_job_is_named(
    operation: str, options: dict[str, str], code: int, step: str, path: str
) -> None:
    error = native.run_job(Job(operation=operation, options=options)).error
    assert error is not None
    assert (error.code, error.step, error.path, error.offset) == (code, step, path, -1)


def test_the_source_hash_is_one() -> None:
    assert re.fullmatch("[0-9a-f]{64}", native.source_hash())
