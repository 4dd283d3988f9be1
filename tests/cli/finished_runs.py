"""Two Runs of one small file, and a word for every verb that can go on from there."""

from collections.abc import Iterator

import pytest

import loadstone as api
from commands import MIB, Command, on_a_disk, write_model

ONCE = ("--rounds", "1", "--warmups", "0", "--set", "engine=pread,mmap")
VERBS = {
    "--help": ("--help",),
    "list": ("list",),
    "plan": ("plan", *ONCE),
    "doctor": ("doctor", "--file", "model.gguf"),
    "doctor --json": ("doctor", "--file", "model.gguf", "--json"),
    "show": ("show",),
    "show --json": ("show", "--json"),
    "compare": ("compare", "last~1", "last"),
    "compare --json": ("compare", "last~1", "last", "--json"),
    "gate": ("gate", "last~1", "last", "--threshold", "0.9"),
    "export": ("export", "--format", "csv"),
    "export --format json": ("export", "--format", "json"),
    "export -o": ("export", "--format", "csv", "-o", "other.csv"),
    "report": ("report", "-o", "other.html"),
    "clean": ("clean",),
    "schema": ("schema", "run"),
    "completion": ("completion", "bash"),
    "resume": ("resume", "last"),
    "run": ("run", "--file", "model.gguf", "--results", "other", *ONCE),
    "run --json": ("run", "--file", "model.gguf", "--results", "other", "--json", *ONCE),
}
"""Words by a name for each verb; they are given where ``finished`` is."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """The command where ``last~1`` and ``last`` are Runs of ``model.gguf``."""
    with on_a_disk(tmp_path_factory.mktemp("finished")) as place:
        model = write_model(place / "model.gguf", MIB)
        for _ in range(2):
            axes = {"engine": ["pread", "mmap"]}
            api.run(file=model, axes=axes, rounds=2, warmups=0, results=place / "results")
        yield Command(place)
