"""A Run's workload, machine, kernel, storage and rounds in one line."""

from loadstone.model import Run
from loadstone.report.facts import imported_words, rounds_words
from loadstone.units import format_bytes_rounded


def run_line(run: Run) -> str:
    """What was measured where, as it stands above a Run's table; not yet fit to be printed."""
    known, plan = run.manifest.environment.facts, run.manifest.plan
    if run.manifest.environment.is_imported:
        return "; ".join([plan.workload, imported_words(run), rounds_words(run)])
    parts = [
        f"{plan.workload} on {run.manifest.environment.target}",
        f"{known.get('cpu.model')} × {known.get('cpu.count')}",
        f"Linux {known.get('kernel.release')}",
        _storage(run),
    ]
    if isinstance(size := known.get("file.bytes"), int):
        parts.append(f"file of {format_bytes_rounded(size)}")
    parts.append(f"{rounds_words(run)}, seed {plan.seed}")
    if (pinned := known.get("cpu.pinned")) and plan.conditions.pin is not None:
        parts.append(f"pinned to CPU {pinned}")
    return "; ".join(parts)


def _storage(run: Run) -> str:
    """The file system and its device; of a workload on a whole device, what sort that is of."""
    known = run.manifest.environment.facts
    unknown = "unknown devices" if known.get("cache.unseen") else "no block device"
    device = known.get("block.names") or known.get("block.name") or unknown
    kind = known.get("device.kind")
    if kind is None:
        return f"{known.get('fs.type') or 'unknown file system'} on {device}"
    if kind == "named" and "storage.profile" not in known:
        return f"{device}, named with --device"
    return f"{device}, {known.get('storage.profile') or kind}"
