"""What the command says of the samples in ``data/``, and how that is held against ``data/output``.

``python tests/sample_outputs.py`` writes ``data/output`` anew: only where another output is meant.
"""

import html
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from click.testing import CliRunner

from loadstone import LoadstoneError
from loadstone.cli import cli

DATA = Path(__file__).parent / "data"
OUTPUT = DATA / "output"
RUNS = tuple(sorted(path.name for path in (DATA / "runs").iterdir()))


def named(part: str) -> str:
    """The id of the only sample Run that has this in it."""
    (found,) = (run for run in RUNS if part in run)
    return found


WAYS, CALIBRATION, FLUSH = map(named, ("three-ways", "calibration", "dm-flush"))
DISK, MEMORY = map(named, ("folio-write-2fb5", "folio-write-957a"))
TROUBLED, INTERRUPTED = map(named, ("model-load-febc", "model-load-7bb8"))

_OF_EACH_RUN = {
    "show.json": ("show", "--json"),
    "show.txt": ("show",),
    "export.csv": ("export", "--format", "csv"),
    "export.benchstat": ("export", "--format", "benchstat"),
    "export.pyperf": ("export", "--format", "pyperf"),
}
_OF_EACH_PLAN = ("plan", "--seed", "1", "--rounds", "2")
_CODES = "exit-codes.json"
_WORKLOADS = (
    *("calibration", "command", "compression", "dm-flush", "dm-verity", "dm-verity-fec"),
    *("erofs-read", "f2fs-read", "folio-write", "inline-tail", "model-load", "page-classes"),
    *("virtual-ab", "zoned-gc"),
)

ASKED: Mapping[str, tuple[str, ...]] = {
    **{f"{run}/{name}": (*words, run) for run in RUNS for name, words in _OF_EACH_RUN.items()},
    "compare.json": ("compare", DISK, MEMORY, "--json"),
    "compare.md": ("compare", DISK, MEMORY, "--markdown"),
    "show-troubled.md": ("show", TROUBLED, "--markdown"),
    "compare-durable.txt": ("compare", DISK, MEMORY, "--metric", "durable_ns"),
    "gate.txt": ("gate", DISK, MEMORY),
    "gate-slower.txt": ("gate", MEMORY, DISK),
    **{
        f"plan-{path.stem}.txt": (*_OF_EACH_PLAN, str(path))
        for path in sorted((DATA / "plans").iterdir())
        if path.stem != "until"
    },
    # Rounds of its own: two are too few.
    "plan-until.txt": ("plan", "--seed", "1", str(DATA / "plans" / "until.toml")),
    "plan-every-key-as-it-is.txt": ("plan", str(DATA / "plans" / "every-key.toml")),
    **{f"list-{name}.txt": ("list", name) for name in _WORKLOADS},
}
"""Files below ``OUTPUT``, and what was asked of the command for each."""

PAGES: Mapping[str, tuple[str, ...]] = {
    "report.txt": ("report", TROUBLED, INTERRUPTED),
    "index.txt": ("report", "--index", *RUNS, "no-such-run"),
}
"""Files with the text of pages, and what was asked for each."""

Answer = tuple[int, str]


def ask(*words: str) -> Answer:
    """The command's exit code, and what it printed or complained of, with ``DATA`` as ``/data``."""
    if words[0] not in ("plan", "list"):
        words = (*words, "--results", str(DATA))
    unset = {name: None for name in os.environ if name.startswith("LOADSTONE_")}
    done = CliRunner().invoke(cli, words, standalone_mode=False, env=unset)
    if isinstance(done.exception, LoadstoneError):
        return int(done.exception.exit_code), _placed(str(done.exception))
    if done.exception is not None:
        raise done.exception
    return int(done.return_value or 0), _placed(done.stdout)


def _placed(text: str) -> str:
    """A path too long for its line stands on the next: what is before it is all that counts."""
    return re.sub(rf"(run:|, on)\s+{re.escape(str(DATA))}", r"\1 /data", text).replace(
        str(DATA), "/data"
    )


def comparable(text: str) -> object:
    """JSON with its keys in their order, its floats to nine digits, and text by its lines.

    What is published changes from version to version, and has tests of its own.
    """
    if text.startswith("{"):
        return json.loads(text, parse_float=_rounded, object_pairs_hook=_in_order)
    published = ("published figures in", "- published of ")
    lines = (line.rstrip() for line in text.splitlines())
    return [line for line in lines if not any(words in line for words in published)]


def _rounded(digits: str) -> float:
    return float(f"{float(digits):.9g}")


def _in_order(pairs: list[tuple[str, object]]) -> list[tuple[str, object]]:
    return [pair for pair in pairs if pair[0] != "published"]


def report_text(page: str) -> str:
    """What a report says, a word after the other, without its style and script."""
    body = re.sub(r"<(style|script)\b.*?</\1>", "", page, flags=re.DOTALL)
    return _placed(" ".join(html.unescape(re.sub(r"<[^>]*>", "\n", body)).split()))


def exit_codes() -> dict[str, int]:
    """By the names of the outputs that are kept, where it was not 0."""
    codes: dict[str, int] = json.loads((OUTPUT / _CODES).read_text())
    return codes


def _compact(document: str) -> str:
    return json.dumps(json.loads(document), ensure_ascii=False, separators=(",", ":")) + "\n"


def _record() -> None:
    codes = {}
    for name, words in ASKED.items():
        path = OUTPUT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        codes[name], said = ask(*words)
        path.write_text(_compact(said) if said.startswith("{") else said)
    not_done = {name: code for name, code in codes.items() if code}
    (OUTPUT / _CODES).write_text(json.dumps(not_done, indent=2) + "\n")
    page = OUTPUT / "report.html"
    for name, words in PAGES.items():
        ask(*words, "-o", str(page))
        (OUTPUT / name).write_text(report_text(page.read_text()))
    page.unlink()


if __name__ == "__main__":
    _record()
