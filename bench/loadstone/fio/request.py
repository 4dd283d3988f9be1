"""A job file as a Request: its jobs are the Cases of one workload."""

import os
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import msgspec

from loadstone.errors import UsageError
from loadstone.fio.flush import mapped_flush
from loadstone.fio.job import Deviation, JobReader, error_of
from loadstone.fio.job_file import JobFile, Section, read_job_file
from loadstone.fio.load import mapped_load
from loadstone.fio.mapped_job import IMPORT, MappedJob
from loadstone.fio.write import mapped_write
from loadstone.plan.parameters import as_text, named, parse_value
from loadstone.plan.request import Request
from loadstone.text import did_you_mean, printable
from loadstone.workloads import make_case, workload

_KINDS: dict[str, tuple[str, Callable[[JobReader], MappedJob]]] = {
    "read": ("read", mapped_load),
    "write": ("write", mapped_write),
    "randwrite": ("flush", mapped_flush),
}
_SAME = ("workload", "file", "directory", "size_bytes", "devices", "pin")


def with_jobs(
    request: Request, path: Path, sections: Sequence[str] = (), accepted: Collection[str] = ()
) -> Request:
    """A Request of the jobs of a file; what the Request says already goes before.

    Args:
        sections: names of the jobs to take; all where there are none.
        accepted: options that may mean something else here.

    Raises:
        UsageError: the file is none of fio, or has what cannot be carried out here; the error
            names file, line and option.
    """
    if request.what is not None:
        raise UsageError(
            f"{printable(request.what)} and --fio: the jobs say what is run", remedy="take one"
        )
    file = read_job_file(path, os.environ)
    readers = [JobReader(file, section, accepted) for section in _chosen(file, sections)]
    jobs = [_mapped(reader) for reader in readers]
    if deviations := _distinct([one for reader in readers for one in reader.deviations]):
        raise error_of(file, deviations)
    first = _common(file, readers, jobs)
    is_placed = request.file is not None or request.size_bytes is not None
    return msgspec.structs.replace(
        request,
        what=first.workload,
        name=printable(path.stem) or "fio",
        cases=tuple(job.parameters for job in jobs),
        remarks=_remarks(readers),
        file=request.file if is_placed else first.file,
        size_bytes=request.size_bytes if is_placed else first.size_bytes,
        directory=request.directory if request.directory is not None else first.directory,
        devices=request.devices or first.devices,
        pin=request.pin if request.pin is not None else first.pin,
    )


def _mapped(job: JobReader) -> MappedJob:
    """The Case of a job; what else its options would do is noted in the reader."""
    kind = job.text("rw", "read")
    if kind not in _KINDS:
        raise job.refuse("rw", f"no workload does {printable(kind)!r} on a file", IMPORT)
    sort, take = _KINDS[kind]
    found = take(job)
    job.finish(sort)
    _require_case(job, found)
    return found


def _require_case(job: JobReader, found: MappedJob) -> None:
    """Refuse values that the workload does not take, where the job stands."""
    chosen = workload(found.workload)
    try:
        for name, value in found.parameters.items():
            parse_value(named(chosen.parameters, name), as_text(value))
        make_case(chosen, found.parameters)
    except UsageError as error:
        where = f"[{printable(job.section.name)}] as {found.workload}: {error.what}"
        raise job.file.error(job.section.line, where, remedy=error.remedy) from None


def _chosen(file: JobFile, names: Sequence[str]) -> list[Section]:
    known = [section.name for section in file.sections]
    for name in names:
        if name not in known:
            raise UsageError(
                f"--section {printable(name)}: {printable(file.path)} has no such job"
                f"{did_you_mean(name, known)}",
                remedy=f"it has {printable(', '.join(known))}",
            )
    return [section for section in file.sections if not names or section.name in names]


def _common(file: JobFile, readers: Sequence[JobReader], jobs: Sequence[MappedJob]) -> MappedJob:
    """The first; a Run is of one workload, on one file, under one set of conditions."""
    first = jobs[0]
    for reader, job in zip(readers, jobs, strict=True):
        for what in _SAME:
            one, other = getattr(first, what), getattr(job, what)
            if one != other:
                names = [printable(each.section.name) for each in (readers[0], reader)]
                raise file.error(
                    reader.section.line,
                    f"[{names[1]}] is another Run than [{names[0]}]: {what.removesuffix('_bytes')} "
                    f"{printable(str(other))} instead of {printable(str(one))}",
                    remedy=f"take one of them with --section {names[1]}",
                )
    return first


def _remarks(readers: Sequence[JobReader]) -> tuple[str, ...]:
    """Once each, with the jobs that it is said of where it is not said of all."""
    jobs: dict[str, list[str]] = {}
    for reader in readers:
        agreed = (f"{one.option}: accepted: {one.what}" for one in reader.agreed)
        for remark in dict.fromkeys((*agreed, *reader.remarks)):
            jobs.setdefault(remark, []).append(printable(reader.section.name))
    return tuple(
        remark if len(names) == len(readers) else f"[{'], ['.join(names)}] {remark}"
        for remark, names in jobs.items()
    )


def _distinct(deviations: Sequence[Deviation]) -> list[Deviation]:
    """One of ``[global]`` is of all jobs, and said once."""
    return list({(one.line, one.option): one for one in reversed(deviations)}.values())[::-1]
