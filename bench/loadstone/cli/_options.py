"""Options that several verbs share, each with its ``LOADSTONE_…`` variable."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from loadstone.errors import UsageError
from loadstone.targets.access import DEFAULT_WAIT_DEVICE_S, Access, Root
from loadstone.text import printable
from loadstone.units import parse_bytes, parse_celsius, parse_duration, parse_share

if TYPE_CHECKING:
    from loadstone.plan.request import Request

DEFAULT_THRESHOLD = 0.03

_Command = TypeVar("_Command", bound=Callable[..., Any])


def option(name: str, *destination: str, **settings: Any) -> Callable[[_Command], _Command]:
    """A click option that ``LOADSTONE_NAME`` sets too."""
    variable = name.removeprefix("--").replace("-", "_").upper()
    return click.option(name, *destination, envvar=f"LOADSTONE_{variable}", **settings)


def results_option(command: _Command) -> _Command:
    """``--results``."""
    return option(
        "--results",
        type=click.Path(path_type=Path),
        default=Path("results"),
        show_default=True,
        metavar="DIR",
        help="Directory that holds runs/.",
    )(command)


def access_options(command: _Command) -> _Command:
    """``--wait-device`` and ``--root``, given to the command as ``access``."""

    @wraps(command)
    def with_access(*, wait_device: float, root: str, **said: Any) -> Any:
        return command(access=Access(wait_device_s=wait_device, root=Root(root)), **said)

    wait = option(
        "--wait-device",
        type=click.FloatRange(0),
        default=DEFAULT_WAIT_DEVICE_S,
        show_default=True,
        metavar="SECONDS",
        help="How long a device that went away is waited for.",
    )
    root = option(
        "--root",
        type=click.Choice([kind.value for kind in Root]),
        default=Root.AUTO.value,
        show_default=True,
        help="Root on a device: what is there (adbd's own user, else su), by `adb root`, by su, "
        "or none.",
    )
    return wait(root(with_access))  # type: ignore[return-value]  # click reads the wrapper's name


def target_option(command: _Command) -> _Command:
    """``--target``."""
    return option(
        "--target",
        default="local",
        show_default=True,
        metavar="T",
        help="Where to run: local, or adb:SERIAL (`loadstone devices` lists them).",
    )(command)


def page_option(command: _Command) -> _Command:
    """``--output``, of a verb that prints, given to the command as ``output``."""
    return click.option(
        "-o",
        "--output",
        type=click.Path(path_type=Path),
        metavar="FILE.html",
        help="Write it as a report, too.",
    )(command)


def json_option(command: _Command) -> _Command:
    """``--json``."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print JSON, and nothing else, on stdout."
    )(command)


def markdown_option(command: _Command) -> _Command:
    """``--markdown``, of a verb that has ``--json`` too: one of both."""

    @wraps(command)
    def with_one_of_both(*, as_json: bool, as_markdown: bool, **said: Any) -> Any:
        if as_json and as_markdown:
            raise UsageError("--json and --markdown are two outputs", remedy="name one of them")
        return command(as_json=as_json, as_markdown=as_markdown, **said)

    add = click.option(
        "--markdown",
        "as_markdown",
        is_flag=True,
        help="Print a table in Markdown, and nothing else, on stdout.",
    )
    return add(with_one_of_both)  # type: ignore[return-value]  # click reads the wrapper's name


def quiet_option(command: _Command) -> _Command:
    """``--quiet``."""
    return click.option("--quiet", is_flag=True, help="No progress on stderr.")(command)


def reference_option(command: _Command) -> _Command:
    """``--reference``."""
    return option(
        "--reference",
        "references",
        type=click.Path(path_type=Path),
        multiple=True,
        metavar="FILE",
        help="TOML of published figures in addition to those of Loadstone; repeatable.",
    )(command)


def threshold_option(command: _Command) -> _Command:
    """``--threshold``."""
    return option(
        "--threshold",
        type=click.FloatRange(0, 1, min_open=True, max_open=True),
        default=DEFAULT_THRESHOLD,
        show_default=True,
        metavar="SHARE",
        help="Share within which Cases count as the same.",
    )(command)


def metric_option(command: _Command) -> _Command:
    """``--metric``."""
    return click.option(
        "--metric",
        type=str,
        metavar="NAME",
        help="Compare by this metric [the workload's first; `loadstone list` names them].",
    )(command)


def by_option(command: _Command) -> _Command:
    """``--by``."""
    return click.option(
        "--by",
        metavar="PARAMETER",
        help="Of one Run: compare the Cases that differ in this parameter alone with the first of "
        "them, round by round.",
    )(command)


def plan_options(command: _Command) -> _Command:
    """The options that a Plan is made of."""
    for add in reversed(
        (
            click.argument("what", required=False, metavar="[WHAT]"),
            option("--file", metavar="FILE", help="Model file to load; opened read-only."),
            option("--dir", "directory", metavar="DIR", help="Where a file may be made."),
            option(
                "--size", metavar="SIZE", help="Size of the file that is made [1GiB; lab: 256MiB]."
            ),
            click.option(
                "--device",
                "devices",
                multiple=True,
                metavar="DEV",
                help="Block device to work on (dm-flush, dm-verity): a path, or simulated storage "
                "to be made (ufs40, …); repeatable [a loop device of our own].",
            ),
            click.option(
                "--erase",
                multiple=True,
                metavar="DEV",
                help="The same path again: all that is on it may be lost.",
            ),
            click.option(
                "--set",
                "axes",
                multiple=True,
                metavar="KEY=V1,V2",
                help="Values of a parameter; repeatable. The product of all is run.",
            ),
            click.option(
                "--knob",
                "knobs",
                multiple=True,
                metavar="NAME=V1,V2",
                help="Values of a kernel tunable, set for each Trial and put back at the end: "
                "read_ahead_kb, scheduler, transparent_hugepage/enabled, governor, vm.NAME, …. "
                "Or NAME=[COMMAND],[COMMAND]: shell commands that are run, as you, before each "
                "Trial, and the first of them at the end; repeatable.",
            ),
            option("--rounds", type=int, metavar="N", help="Trials of every Case [10]."),
            option("--warmups", type=int, metavar="N", help="Trials before, never counted [1]."),
            option("--seed", type=int, metavar="N", help="Fixes the order [random, recorded]."),
        )
    ):
        command = add(command)
    return command


def fio_options(command: _Command) -> _Command:
    """The options for a job file of fio."""
    for add in reversed(
        (
            click.option(
                "--fio",
                type=click.Path(path_type=Path),
                metavar="JOB.fio",
                help="Take the jobs of a job file of fio as Cases, in place of WHAT; what does not "
                "map is named.",
            ),
            click.option(
                "--section",
                "sections",
                multiple=True,
                metavar="NAME",
                help="With --fio: only this job; repeatable.",
            ),
            click.option(
                "--fio-accept",
                "accepted",
                multiple=True,
                metavar="OPTION",
                help="With --fio: go on although this option of fio means something else here, or "
                "nothing; repeatable.",
            ),
        )
    ):
        command = add(command)
    return command


def stop_options(command: _Command) -> _Command:
    """The options for a rule by which rounds are added."""
    for add in reversed(
        (
            option(
                "--until",
                metavar="WIDTH",
                help="Add rounds until the 95 % interval of each Case's median (`ab`: of each "
                "ratio) is within so much of it: 2%. --rounds are then the fewest; there are at "
                "most 20 times as many.",
            ),
            # No variable: LOADSTONE_LIMIT is that of `lab run`, and another thing.
            click.option(
                "--limit",
                metavar="TIME",
                help="With --until: begin no round later than this, 90s, 10m or 1h [none].",
            ),
        )
    ):
        command = add(command)
    return command


def conditions_options(command: _Command) -> _Command:
    """The options for the Conditions of every Trial."""
    for add in reversed(
        (
            option(
                "--pin",
                type=str,
                metavar="CPUS",
                help="CPUs that Jobs run on: big or little (those with the largest or the least "
                "capacity), or a list such as 4-7 [wherever the scheduler puts them].",
            ),
            option(
                "--cool-below",
                type=str,
                metavar="TEMPERATURE",
                help="Wait before each Trial until the battery, or without one the hottest of the "
                "CPUs' thermal zones, is below it: 38C.",
            ),
        )
    ):
        command = add(command)
    return command


def request_of(**said: Any) -> "Request":
    """The Request of ``plan_options`` and, where the verb has them, of ``fio_options``,
    ``stop_options`` and ``conditions_options``.

    Args:
        said: the options by name; ``size``, ``cool_below``, ``until`` and ``limit`` are text.

    Raises:
        UsageError: one of these cannot be read.
    """
    from loadstone.plan.request import Request

    if said["file"] is not None and said["size"] is not None:
        said |= dict.fromkeys(_from_environment("file", "size"))
    size_bytes = parse_size(said.pop("size"))
    cool_below_c = _parse("--cool-below", said.pop("cool_below", None), parse_celsius)
    until = _parse("--until", said.pop("until", None), parse_share)
    limit_s = _parse("--limit", said.pop("limit", None), parse_duration)
    jobs, sections, accepted = (said.pop(name, None) for name in ("fio", "sections", "accepted"))
    request = Request(
        size_bytes=size_bytes, cool_below_c=cool_below_c, until=until, limit_s=limit_s, **said
    )
    if jobs is not None:
        from loadstone.fio.request import with_jobs

        return with_jobs(request, jobs, sections, accepted)
    if sections or accepted:
        name = "--section" if sections else "--fio-accept"
        raise UsageError(f"{name}: there is no job file", remedy="name one: --fio JOB.fio")
    return request


def _from_environment(one: str, other: str) -> list[str]:
    """Of two options that exclude each other, the one from the environment, if the other is not."""
    context = click.get_current_context()
    sources = {name: context.get_parameter_source(name) for name in (one, other)}
    if ParameterSource.COMMANDLINE not in sources.values():
        return []
    return [name for name in sources if sources[name] is ParameterSource.ENVIRONMENT]


def _parse(name: str, text: str | None, parse: Callable[[str], float]) -> float | None:
    if text is None:
        return None
    try:
        return parse(text)
    except UsageError as error:
        raise error.within(f"{name} {printable(text)}") from None


def parse_size(text: str | None) -> int | None:
    """Read ``--size``.

    Raises:
        UsageError: it is not a size, or 0.
    """
    if text is None:
        return None
    try:
        size_bytes = parse_bytes(text)
    except UsageError as error:
        raise error.within(f"--size {text}") from None
    if size_bytes < 1:
        raise UsageError(
            f"--size {text}: an empty file cannot be loaded", remedy="write 1MiB or more"
        )
    return size_bytes
