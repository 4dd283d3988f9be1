"""Typed face of the C core ``loadstone._native``; nothing else imports that module.

Shapes, units and errors are those of ``native/include/loadstone.h``.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from loadstone import result_names
from loadstone._native import ffi, lib
from loadstone.model import CoreError, Histogram, Job, Noun, Outcome, Span

_KINDS = {
    lib.LS_OPTION_NUMBER: "number",
    lib.LS_OPTION_CHOICE: "choice",
    lib.LS_OPTION_TEXT: "text",
}


def _text(chars: Any) -> str:
    return bytes(ffi.string(chars)).decode(errors="replace")


SAMPLES_MAX = int(lib.LS_SAMPLES_MAX)
"""How many kernel files an agent samples for one Job."""


class Option(Noun, frozen=True):
    """One option of an operation; without a default it must be given."""

    name: str
    kind: str
    default: str | None
    choices: tuple[str, ...] = ()

    @property
    def is_required(self) -> bool:
        """Whether a Job without it is refused."""
        return self.default is None


class Operation(Noun, frozen=True):
    """What a Job can ask for."""

    name: str
    options: tuple[Option, ...]


def run_job(job: Job) -> Outcome:
    """Carry out one Job in this process, on this thread, with the GIL released.

    A core that is killed (SIGBUS, out of memory) takes the process along: callers that must
    live on use ``loadstone.core.worker``.

    Returns:
        The Outcome, with ``error`` set where a step failed. Span times are ns from the start
        of the timed region.
    """
    keep: list[Any] = []
    c_job = _job(job, keep)
    result = ffi.new("struct ls_result *")
    texts_bytes = max(1, len(job.samples)) * lib.LS_SAMPLE_BYTES
    before, after = ffi.new("char[]", texts_bytes), ffi.new("char[]", texts_bytes)
    result.before, result.after = before, after
    lib.ls_job_run(c_job, result)
    return _outcome(job, result)


def crc32c(data: bytes, crc: int = 0, portable: bool = False) -> int:
    """Castagnoli CRC of ``data``, continuing from ``crc``; ``portable`` avoids the instruction."""
    update = lib.ls_crc32c_update_portable if portable else lib.ls_crc32c_update
    return int(update(crc, ffi.from_buffer("uint8_t[]", data), len(data)))


def payload_of(name: str, seed: int, size_bytes: int) -> bytes:
    """Bytes of a class of payload (``random``, ``text``, ``same-filled``, …).

    Raises:
        ValueError: there is no such class, or the size is no multiple of 8.
    """
    kind = getattr(lib, f"LS_PAYLOAD_{name.replace('-', '_').upper()}", -1)
    data = bytearray(size_bytes)
    if kind < 0 or lib.ls_payload_fill(kind, seed, ffi.from_buffer("uint8_t[]", data), size_bytes):
        raise ValueError(f"no payload {name!r} of {size_bytes} bytes")
    return bytes(data)


def source_hash() -> str:
    """SHA-256 (hex) of the C sources this core was built from."""
    return _text(lib.ls_core_source_hash())


def operations() -> tuple[Operation, ...]:
    """What a Job can ask for, sorted by name, with the options that each takes."""
    found: list[Operation] = []
    while (name := lib.ls_operation_name(len(found))) != ffi.NULL:
        found.append(Operation(name=_text(name), options=tuple(_options(name))))
    return tuple(found)


def operation_options(operation: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """An operation's options: name to (``number``, ``choice`` or ``text``; the choices)."""
    found = (one.options for one in operations() if one.name == operation)
    return {option.name: (option.kind, option.choices) for option in next(found, ())}


def histogram_of(values_ns: list[int]) -> Histogram:
    """Count values the way the core does."""
    histogram = ffi.new("struct ls_histogram *")
    histogram.min_ns = (1 << 64) - 1
    for value in values_ns:
        lib.ls_histogram_record(histogram, value)
    return _histogram(histogram)


def _options(operation: Any) -> Iterator[Option]:
    info = ffi.new("struct ls_option_info *")
    position = 0
    while lib.ls_operation_option(operation, position, info) == 0:
        has_default = info.default_value != ffi.NULL
        yield Option(
            name=_text(info.key),
            kind=_KINDS[info.kind],
            default=_text(info.default_value) if has_default else None,
            choices=tuple(_texts(info.choices)) if info.choices != ffi.NULL else (),
        )
        position += 1


def _texts(texts: Any) -> Iterator[str]:
    """Those of an array that ends with NULL."""
    position = 0
    while texts[position] != ffi.NULL:
        yield _text(texts[position])
        position += 1


def _job(job: Job, keep: list[Any]) -> Any:
    def hold(text: str) -> Any:
        keep.append(ffi.new("char[]", text.encode(errors="surrogateescape")))
        return keep[-1]

    options = ffi.new("struct ls_option[]", max(1, len(job.options)))
    for slot, (key, value) in zip(options, job.options.items(), strict=False):
        slot.key, slot.value = hold(key), hold(value)
    samples = ffi.new("char const *[]", [hold(path) for path in job.samples] or [ffi.NULL])
    keep += [options, samples]
    c_job = ffi.new("struct ls_job *")
    c_job.operation = hold(job.operation)
    c_job.options, c_job.options_count = options, len(job.options)
    c_job.samples, c_job.samples_count = samples, len(job.samples)
    return c_job


def _outcome(job: Job, result: Any) -> Outcome:
    values = {_text(v.name): int(v.value) for v in result.values[0 : result.values_count]}
    start_ns = values.pop(result_names.START_NS, 0)
    if result.spans_lost:
        values["spans_lost"] = int(result.spans_lost)
    return Outcome(
        error=_error(result.error) if result.error.code else None,
        spans=tuple(
            Span(
                name=_text(span.name),
                lane=span.lane,
                start_ns=span.start_ns - start_ns,
                end_ns=span.end_ns - start_ns,
            )
            for span in result.spans[0 : result.spans_count]
        ),
        histograms=tuple(
            _histogram(histogram) for histogram in result.histograms[0 : result.histograms_count]
        ),
        values=values,
        before=_samples(job, result.before),
        after=_samples(job, result.after),
    )


def _error(error: Any) -> CoreError:
    return CoreError(
        code=-error.code,
        step=_text(error.step),
        path=_text(error.path),
        offset=error.offset,
    )


def _histogram(histogram: Any) -> Histogram:
    counts = ffi.unpack(histogram.buckets, lib.LS_HISTOGRAM_BUCKETS)
    return Histogram(
        name=_text(histogram.name),
        count=histogram.count,
        min_ns=histogram.min_ns if histogram.count else 0,
        max_ns=histogram.max_ns,
        sum_ns=histogram.sum_ns,
        buckets={
            int(lib.ls_histogram_bucket_start(bucket)): count
            for bucket, count in enumerate(counts)
            if count
        },
    )


def _samples(job: Job, texts: Any) -> Mapping[str, str]:
    size = lib.LS_SAMPLE_BYTES
    return {path: _text(texts + i * size) for i, path in enumerate(job.samples)}
