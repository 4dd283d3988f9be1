"""What the commands are made of, for Python."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from loadstone import runner, store, targets
from loadstone.catalog import find
from loadstone.compare import compare as compare_runs
from loadstone.errors import RunError
from loadstone.model import Comparison, Run
from loadstone.request import Request, make_plan
from loadstone.units import parse_bytes

DEFAULT_RESULTS = Path("results")

Axis = str | int | bool | Sequence[str | int | bool]


def run(
    what: str = "model-load",
    *,
    file: str | Path | None = None,
    directory: str | Path | None = None,
    size: str | int | None = None,
    axes: Mapping[str, Axis] | None = None,
    rounds: int | None = None,
    warmups: int | None = None,
    seed: int | None = None,
    devices: Sequence[str] = (),
    erase: Sequence[str] = (),
    pin: str | None = None,
    cool_below_c: float | None = None,
    target: str = "local",
    results: str | Path = DEFAULT_RESULTS,
    observer: runner.Observer | None = None,
) -> Run:
    """Time a workload's Cases, or those of a plan file, and return the Run.

    Args:
        what: a workload's name, or the path of a plan file (``….toml``).
        file: a model file to load; opened read-only. None: one is made and removed.
        directory: where that one is made.
        size: its size in bytes, or as text (``"256MiB"``).
        axes: parameter name to a value or a list of values; their product is run.
        rounds, warmups: Trials of every Case, and those before that are never counted.
        seed: fixes the order; random and recorded where None.
        devices: block devices to work on: paths, or names of storage to be simulated. Empty:
            loop devices, where the workload takes any.
        erase: the paths among them again: all that is on them may be lost.
        pin: CPUs that Jobs run on: ``big``, ``little``, or a list (``"4-7"``).
        cool_below_c: the temperature in °C that each Trial waits for.
        target: where to run.
        results: the directory that holds ``runs/``.

    Raises:
        UsageError: the request is wrong.
        CannotMeasureError: it cannot be carried out here.
        RunError: the results cannot be written.
    """
    request = Request(
        what=what,
        axes=tuple(_axis_text(name, values) for name, values in (axes or {}).items()),
        file=str(file) if file is not None else None,
        directory=str(directory) if directory is not None else None,
        size_bytes=parse_bytes(size) if isinstance(size, str) else size,
        rounds=rounds,
        warmups=warmups,
        seed=seed,
        devices=tuple(devices),
        erase=tuple(erase),
        pin=pin,
        cool_below_c=cool_below_c,
    )
    return start(request, target=target, results=results, observer=observer)


def start(
    request: Request,
    *,
    target: str = "local",
    results: str | Path = DEFAULT_RESULTS,
    observer: runner.Observer | None = None,
) -> Run:
    """Carry out a Request; ``run`` is this with the Request's parts as arguments.

    Raises:
        LoadstoneError: as for ``run``.
    """
    plan, remarks = make_plan(request)
    watcher = observer or runner.Silence()
    for remark in remarks:
        watcher.say(remark)
    with targets.connect(target, Path(results)) as connected:
        return runner.run_plan(plan, connected, Path(results), watcher)


def resume(
    text: str,
    *,
    results: str | Path = DEFAULT_RESULTS,
    observer: runner.Observer | None = None,
) -> Run:
    """Finish a Run that was interrupted; one that lacks nothing is returned as it is.

    Raises:
        RunError: there is no such Run, or it was begun on another file or machine, or in a
            guest of the lab, whose memory is gone.
    """
    found = load(text, results=results)
    if found.manifest.environment.target.startswith("lab:"):
        raise RunError(
            f"{found.id}: cannot be resumed: its guest is gone, and another boot is another draw; "
            "what ended can be shown and compared, and `loadstone lab run` makes a new one"
        )
    with targets.connect(found.manifest.environment.target, Path(results)) as connected:
        return runner.resume_run(found, connected, Path(results), observer or runner.Silence())


def load(text: str, *, results: str | Path = DEFAULT_RESULTS) -> Run:
    """Read a Run by its path, id, unique prefix, or ``last``, ``last~1``, ….

    Raises:
        RunError: there is none, there are several, or it is damaged.
    """
    return store.load(find(Path(results), text))


def compare(base: Run, new: Run, threshold: float = 0.03, metric: str | None = None) -> Comparison:
    """Hold ``new`` against ``base``, Case by Case.

    Args:
        threshold: the share within which two Cases count as the same.
        metric: its name; None for the workload's first.

    Raises:
        CannotMeasureError: the Runs have no measured Case in common.
        UsageError: the Runs have no such metric.
    """
    return compare_runs(base, new, threshold, metric)


def _axis_text(name: str, values: Axis) -> str:
    listed = [values] if isinstance(values, str | int) else values
    texts = (str(value).replace(",", "\\,") for value in listed)
    return f"{name}={','.join(texts)}"
