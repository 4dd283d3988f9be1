"""What fio calls the parameters of a Case, as far as it has such: its job options.

Source: HOWTO of fio, "Job file parameters".
"""

from collections.abc import Iterator

from loadstone.model import Case, Value

# fio's psync is pread(2) and pwrite(2); an engine that it lacks keeps our name.
_ENGINES = {"pread": "psync", "pwrite": "psync", "uring": "io_uring"}
_SIZES = ("block", "size")
_COUNTS = {"depth": "iodepth", "threads": "numjobs"}
_EVERY = "every:"


def job_options(case: Case, direction: str) -> dict[str, str]:
    """The options of a job that reads or writes as the Case does."""
    parameters = case.parameters
    is_random = parameters.get("pattern") == "random"
    return {
        "rw": f"{'rand' if is_random else ''}{direction}",
        **dict(_sizes(parameters.get(name) for name in _SIZES)),
        **{
            option: str(parameters[name])
            for name, option in _COUNTS.items()
            if isinstance(parameters.get(name), int)
        },
        **({"direct": "1"} if "direct" in (parameters.get("io"), parameters.get("read")) else {}),
        **dict(_engine(parameters.get("engine"))),
        **dict(_sync(parameters.get("sync"))),
    }


def _sizes(values: Iterator[Value | None]) -> Iterator[tuple[str, str]]:
    found = next((value for value in values if isinstance(value, int)), None)
    if found:
        yield "bs", str(found)


def _engine(engine: Value | None) -> Iterator[tuple[str, str]]:
    if engine is not None:
        yield "ioengine", _ENGINES.get(str(engine), str(engine))


def _sync(sync: Value | None) -> Iterator[tuple[str, str]]:
    match sync:
        case "end":
            yield "end_fsync", "1"
        case "fsync" | "fdatasync":
            yield sync, "1"
        case str() if sync.startswith(_EVERY):
            yield "fsync", sync.removeprefix(_EVERY)
        case _:
            return
