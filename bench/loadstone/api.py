"""The Python interface: run, resume, load and compare."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from loadstone import targets
from loadstone.analysis.across_runs import compare_across
from loadstone.analysis.advice import Advice, advice_of
from loadstone.analysis.compare import compare as compare_runs
from loadstone.analysis.comparison import Comparison
from loadstone.analysis.exit_codes import gate_code
from loadstone.analysis.thresholds import DEFAULT, Thresholds
from loadstone.analysis.within_run import compare_within, require_other_side
from loadstone.errors import ExitCode, LoadstoneError, RunError, UsageError
from loadstone.fio.importing import imported as fio_run
from loadstone.fio.importing import plan_name
from loadstone.fio.result_file import read_result
from loadstone.model import Plan, Run
from loadstone.plan.knobs import knob_text
from loadstone.plan.race import DEFAULT_BUDGET_S, RaceRequest, make_race_plan
from loadstone.plan.request import Request, Side, make_pair_plan, make_plan, require_whole_paths
from loadstone.runs import importing, runner, store
from loadstone.runs.lookup import find
from loadstone.targets.access import Access
from loadstone.units import parse_bytes, parse_duration, parse_share, require_duration
from loadstone.workloads.entrants import Into

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
    knobs: Mapping[str, Axis] | None = None,
    until: str | float | None = None,
    limit: str | float | None = None,
    target: str = "local",
    results: str | Path = DEFAULT_RESULTS,
    observer: runner.Observer | None = None,
    access: Access | None = None,
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
        knobs: as ``axes``, of tunables of the kernel (``{"read_ahead_kb": [128, 8192]}``), set for
            each Trial and put back at the end. Or shell commands in square brackets
            (``{"turbo": ["[turbo on]", "[turbo off]"]}``), which are run before each Trial, and the
            first of them at the end.
        until: add rounds to ``rounds`` until the 95 % interval of each Case's median is within
            so much of it: a share (0.02), or as text (``"2%"``).
        limit: in seconds, or as text (``"10m"``): no round is added, or begins, later than this.
        target: where to run: ``local``, or ``adb:SERIAL``.
        results: the directory that holds ``runs/``.
        access: how the target is reached, where it is another device.

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
        knobs=tuple(
            knob_text(name, _axis_values(values)) for name, values in (knobs or {}).items()
        ),
        until=parse_share(until) if isinstance(until, str) else until,
        limit_s=parse_duration(limit) if isinstance(limit, str) else limit,
    )
    return start(request, target=target, results=results, observer=observer, access=access)


def start(
    request: Request,
    *,
    target: str = "local",
    results: str | Path = DEFAULT_RESULTS,
    observer: runner.Observer | None = None,
    access: Access | None = None,
) -> Run:
    """Carry out a Request; ``run`` is this with the Request's parts as arguments.

    Args:
        access: how the Target is reached.

    Raises:
        LoadstoneError: as for ``run``.
    """
    watcher = observer or runner.Silence()
    plan = _planned(request, (target,), watcher)
    with targets.connect(target, Path(results), access) as connected:
        return runner.run_plan(plan, connected, Path(results), watcher)


def advise(
    file: str | Path | None = None,
    *,
    into: str = "any",
    budget_s: float = DEFAULT_BUDGET_S,
    target: str = "local",
    thorough: bool = False,
    directory: str | Path | None = None,
    size: str | int | None = None,
    seed: int | None = None,
    results: str | Path = DEFAULT_RESULTS,
    observer: runner.Observer | None = None,
    access: Access | None = None,
) -> Advice:
    """Find the fastest way to load a file on a device, and say how sure that is.

    Args:
        file: a model file to load; opened read-only. None: one is made and removed.
        into: the memory to load into: ``anon`` (a process's own), ``dma-buf`` (what an accelerator
            takes), or ``any``.
        budget_s: how long it may take.
        thorough: try the best and the plain ways under memory pressure and a second time, too.

    Returns:
        What the Run says, which is kept: ``load(advice.run)``.

    Raises:
        LoadstoneError: as for ``run``.
    """
    request = Request(
        file=str(file) if file is not None else None,
        directory=str(directory) if directory is not None else None,
        size_bytes=parse_bytes(size) if isinstance(size, str) else size,
        seed=seed,
    )
    if into not in list(Into):
        raise UsageError(
            f"into: {into!r} is no sort of memory", remedy="write anon, dma-buf or any"
        )
    race = RaceRequest(into=Into(into), budget_s=require_duration(budget_s), is_thorough=thorough)
    run = start_race(
        request, race, target=target, results=results, observer=observer, access=access
    )
    advice = advice_of(run)
    assert advice is not None, "a race has advice"
    return advice


def start_race(
    request: Request,
    race: RaceRequest,
    *,
    target: str = "local",
    results: str | Path = DEFAULT_RESULTS,
    observer: runner.Observer | None = None,
    access: Access | None = None,
) -> Run:
    """Race the ways to load what a Request names, in one Run; ``advice_of`` it says what came of
    it.

    Raises:
        LoadstoneError: as for ``run``.
    """
    watcher = observer or runner.Silence()
    if not targets.is_this_machine(target):
        require_whole_paths(request, target)
    plan, remarks = make_race_plan(request, race)
    for remark in remarks:
        watcher.say(remark)
    with targets.connect(target, Path(results), access) as connected:
        return runner.run_plan(plan, connected, Path(results), watcher)


def start_pairs(
    request: Request,
    base: Side,
    new: Side,
    *,
    target: str = "local",
    results: str | Path = DEFAULT_RESULTS,
    observer: runner.Observer | None = None,
    access: Access | None = None,
) -> Run:
    """Carry out two sides of a Request in one Run; ``compare(run, by="ab")`` compares them.

    Raises:
        LoadstoneError: as for ``run``; or the sides cannot be paired.
    """
    watcher = observer or runner.Silence()
    if not targets.is_this_machine(target):
        require_whole_paths(request, target)
    plan, remarks = make_pair_plan(request, base, new)
    for remark in remarks:
        watcher.say(remark)
    with targets.connect(target, Path(results), access) as connected:
        return runner.run_plan(plan, connected, Path(results), watcher)


def start_each(
    request: Request,
    *,
    observers: Mapping[str, runner.Observer],
    results: str | Path = DEFAULT_RESULTS,
    access: Access | None = None,
) -> dict[str, Run | LoadstoneError]:
    """Carry out a Request on several Targets side by side: the same Plan, a Run each.

    Args:
        observers: who watches, by the Target's name as for ``run``.

    Returns:
        By the same names the Run, or what ended it early.

    Raises:
        LoadstoneError: the request is wrong, or a Target cannot be reached; nothing was run.
    """
    watchers = list(observers.values())
    plan = _planned(request, tuple(observers), watchers[0])
    with ExitStack() as stack:
        connected = [
            stack.enter_context(targets.connect(name, Path(results), access)) for name in observers
        ]
        ended = runner.run_side_by_side(plan, connected, Path(results), watchers)
    return dict(zip(observers, ended, strict=True))


def _planned(request: Request, names: Sequence[str], watcher: runner.Observer) -> Plan:
    for name in names:
        if not targets.is_this_machine(name):
            require_whole_paths(request, name)
    plan, remarks = make_plan(request)
    for remark in remarks:
        watcher.say(remark)
    return plan


def resume(
    text: str,
    *,
    results: str | Path = DEFAULT_RESULTS,
    observer: runner.Observer | None = None,
    access: Access | None = None,
) -> Run:
    """Finish a Run that was interrupted; one that lacks nothing is returned as it is.

    Raises:
        RunError: there is no such Run, or it was begun on another file or machine, or on one
            that existed for that Run alone.
    """
    watcher = observer or runner.Silence()
    found = load(text, results=results, say=watcher.say)
    importing.refuse_to_resume(found)
    target = found.manifest.environment.target
    if not targets.can_connect(target):
        raise RunError(
            f"{found.id}: cannot be resumed: {target} existed for that run alone",
            remedy="show and compare what ended, or start a new run",
        )
    with targets.connect(target, Path(results), access) as connected:
        return runner.resume_run(found, connected, Path(results), watcher)


def load(
    text: str, *, results: str | Path = DEFAULT_RESULTS, say: Callable[[str], None] | None = None
) -> Run:
    """Read a Run by its path, id, unique prefix, or ``last``, ``last~1``, ….

    Args:
        say: is told where a clock that went back puts another Run into the place of ``last``.

    Raises:
        RunError: there is none, there are several, or it is damaged.
    """
    return store.load(find(Path(results), text, say))


def import_fio(
    *paths: str | Path, name: str | None = None, results: str | Path = DEFAULT_RESULTS
) -> Run:
    """Make a Run of what fio printed (``--output-format=json`` or ``json+``), and return it.

    Args:
        paths: results of the same jobs, each of which is a round.
        name: what the Run is called; None for the name of the first file.

    Raises:
        UsageError: one of them is no result of fio, or two are no rounds of one Run.
        RunError: the results cannot be written.
    """
    files = [Path(path) for path in paths]
    if not files or (name is not None and not name.strip()):
        what = "paths: is empty" if not files else "name: is empty"
        raise UsageError(what, remedy="write one")
    found = fio_run([read_result(path) for path in files], name or plan_name(files))
    return importing.keep(found, Path(results))


def compare(
    base: Run,
    new: Run | None = None,
    threshold: float | Thresholds = DEFAULT,
    metric: str | None = None,
    by: str | None = None,
) -> Comparison:
    """Compare ``new`` with ``base``, Case by Case; or Cases of ``base`` with one another.

    Args:
        new: None where Cases of one Run are compared.
        threshold: the share within which two Cases count as the same.
        metric: its name; None for the workload's first.
        by: the parameter in which the Cases of one Run differ; each of its values is compared
            with its first in the Plan. The strongest design: figures are paired by round, and
            nothing lies between them.

    Raises:
        CannotMeasureError: the Runs have no measured Case in common; its ``exit_code`` is FAILED
            where Trials of ``new`` failed. Or no two Cases differ in that parameter alone.
        UsageError: the Runs have no such metric or parameter, or not one of ``new`` and ``by``
            is given.
    """
    require_other_side(new is not None, by)
    if by is not None:
        return compare_within(base, by, threshold, metric)
    assert new is not None, "without a parameter there is another Run"
    return compare_runs(base, new, threshold, metric)


def compare_sides(
    bases: Sequence[Run],
    news: Sequence[Run],
    threshold: float | Thresholds = DEFAULT,
    metric: str | None = None,
    by: str | None = None,
) -> Comparison:
    """Compare Runs of two sides: one with one as ``compare`` does, or several with several.

    Of several Runs each is one figure, so that whatever differs from Run to Run is noise.

    Args:
        news: empty where Cases of one Run are compared by the parameter ``by``.

    Raises:
        CannotMeasureError: no Case was measured in all Runs.
        UsageError: one side has a single Run and the other several; or as for ``compare``.
    """
    if len(bases) > 1 or len(news) > 1:
        require_other_side(bool(news), by)
        return compare_across(bases, news, threshold, metric)
    return compare(bases[0], news[0] if news else None, threshold, metric, by)


def gate(comparison: Comparison) -> ExitCode:
    """The verdict of a Comparison, as ``loadstone gate`` leaves with it.

    Returns:
        The first that holds: FAILED where a Trial of NEW failed, REGRESSION where a Case got
        slower, NOT_MEASURED where NEW has no figures of a Case that BASE measured or a Case is
        inconclusive, else DONE.
    """
    return gate_code(comparison)


def _axis_text(name: str, values: Axis) -> str:
    texts = (value.replace(",", "\\,") for value in _axis_values(values))
    return f"{name}={','.join(texts)}"


def _axis_values(values: Axis) -> list[str]:
    listed = [values] if isinstance(values, str | int) else values
    return [str(value) for value in listed]
