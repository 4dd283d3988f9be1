"""``loadstone devices``: the devices that can be targets."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loadstone.cli._options import access_options, json_option, results_option
from loadstone.cli._output import print_json
from loadstone.errors import ExitCode
from loadstone.targets.access import Access

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loadstone.doctor.reachable import Reachable
    from loadstone.model import Fact


@click.command(short_help="List the devices that can be targets.")
@access_options
@results_option
@json_option
def command(access: Access, results: Path, as_json: bool) -> ExitCode:
    """List the devices that can be targets: what each is, and what it can do.

    Exits with 0 if Cases can be run on one of them, else with 3. The agent is pushed to each.
    """
    from loadstone.doctor.reachable import reachable

    found = reachable(results, access)
    if as_json:
        print_json(found)
    else:
        _print(found)
    is_any_good = any(device.problem is None for device in found)
    return ExitCode.DONE if is_any_good else ExitCode.NOT_MEASURED


def _print(found: "tuple[Reachable, ...]") -> None:
    from rich.markup import escape

    from loadstone.report.table import print_wrapped
    from loadstone.report.text import console
    from loadstone.targets import how_to_connect
    from loadstone.text import printable

    out = console()
    if not found:
        out.print(f"no devices: {how_to_connect()}")
    for device in found:
        out.print(f"[bold]{escape(printable(device.target))}[/]")
        for line in _lines(device):
            print_wrapped(out, printable(line), 4, 6)


def _lines(device: "Reachable") -> list[str]:
    if device.problem is not None:
        return [f"cannot be worked with: {device.problem}", f"→ {device.remedy}"]
    from loadstone.units import format_bytes_rounded

    facts = device.facts

    def text(name: str) -> str:
        value = facts.get(name)
        return "unknown" if value is None else str(value)

    def size(value: Any) -> str:
        return "unknown" if value is None else format_bytes_rounded(int(value))

    return [
        f"{_product(facts)}Linux {text('kernel.release')} ({text('machine.architecture')})",
        f"{'root' if facts.get('user.is_root') else 'no root'}, SELinux {text('security.selinux')}",
        f"pages of {size(facts.get('machine.page_bytes'))}, "
        f"{size(facts.get('memory.available_bytes'))} of memory available",
        f"dma-buf heaps: {facts.get('memory.dma_heaps') or 'none seen'}",
        f"io_uring: {'yes' if device.io_uring is None else f'no: {device.io_uring}'}",
        f"room for files: {size(device.free_bytes)}",
        f"heat: {text('heat.zones')}; battery: {_battery(facts)}",
    ]


def _product(facts: "Mapping[str, Fact]") -> str:
    """``Google Pixel 6, Android 14, ``, as far as it is known."""
    names = (facts.get(name) for name in ("phone.manufacturer", "phone.model"))
    model = " ".join(str(name) for name in names if name is not None)
    version = facts.get("android.version")
    words = (model, "" if version is None else f"Android {version}")
    return "".join(f"{word}, " for word in words if word)


def _battery(facts: "Mapping[str, Fact]") -> str:
    level, status = facts.get("battery.level_percent"), facts.get("battery.status")
    words = [] if level is None else [f"{level} %"]
    words += [] if status is None else [str(status)]
    return ", ".join(words) or "unknown"
