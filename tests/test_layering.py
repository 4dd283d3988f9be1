"""Imports point down only, and a few rooms have doors that few may use."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "bench" / "loadstone"

# From the ground up. A module may import those of its own floor and of the floors below.
FLOORS = (
    {"model", "units", "errors"},
    {
        "_native",
        "access",
        "agents",
        "block_stack",
        "clock",
        "cooling_device",
        "core",
        "cpus",
        "dma_heaps",
        "durable",
        "environment",
        "evidence",
        "explain",
        "files",
        "fs_features",
        "giving_up",
        "heat",
        "parameters",
        "path_facts",
        "sensors",
        "stats",
        "ufs",
    },
    {
        "differences",
        "file_system",
        "kernel_module",
        "latency",
        "matching",
        "named_file",
        "plan",
        "plan_file",
        "removers",
        "reference",
        "reference_file",
        "simulated",
        "worker",
        "store",
        "catalog",
        "journal",
        "summary",
        "workplace",
    },
    {"android"},
    {"targets"},
    {
        "block_device",
        "calibration",
        "cool_down",
        "device_mapper",
        "device_rules",
        "flush_table",
        "loop_device",
        "held_conditions",
        "model_file",
        "prepared_flush",
        "prepared_load",
        "prepared_verity",
        "prepared_write",
        "scratch_file",
        "tunable",
        "verity_image",
        "workloads",
        "write_place",
        "write_rules",
    },
    {"attempt", "beside", "compare", "doctor", "published", "request", "runner"},
    {"api", "report", "export", "lab"},
    {"cli", "pytest_plugin"},
)
GROUND = FLOORS[0]


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        yield name.removesuffix(".__init__"), path


def imports(path: Path) -> Iterator[str]:
    """What of ours a file imports, dotted, without the package's name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (
            name.removeprefix("loadstone.") for name in names if name.startswith("loadstone.")
        )


def floor(name: str) -> int:
    room = name.split(".", maxsplit=1)[0]
    found = [number for number, rooms in enumerate(FLOORS) if room in rooms]
    assert found, f"{room} stands on no floor: give it one in FLOORS"
    return found[0]


MODULES = [(name, path) for name, path in modules() if name != "__init__"]


@pytest.mark.parametrize(("name", "path"), MODULES, ids=[name for name, _ in MODULES])
def test_a_module_imports_only_its_own_floor_and_those_below(name: str, path: Path) -> None:
    for imported in imports(path):
        if imported.split(".")[0] == "__version__":
            continue
        assert floor(imported) <= floor(name), f"{name} imports {imported}"
        assert name not in GROUND or imported.split(".")[0] in GROUND, f"{name}: {imported}"


def test_only_core_opens_the_extension_module() -> None:
    assert [name for name, path in MODULES if any("_native" in i for i in imports(path))] == [
        "core"
    ]


@pytest.mark.parametrize("room", ["targets", "workloads"])
def test_nobody_names_one_target_or_one_workload(room: str) -> None:
    kinds = {path.stem for path in (PACKAGE / room).glob("*.py")} - {"__init__"}
    rooms = tuple(f"{room}.{kind}." for kind in kinds)
    for name, path in MODULES:
        named = [i for i in imports(path) if f"{i}.".startswith(rooms)]
        assert not named, f"{name} imports {named}"


def test_targets_know_no_workload() -> None:
    for name, path in MODULES:
        if name.startswith("targets"):
            assert not [i for i in imports(path) if i.startswith("workloads")], name


def test_nobody_imports_a_verb() -> None:
    for name, path in MODULES:
        verbs = [i for i in imports(path) if i.startswith("cli.") and "._" not in i]
        assert name in ("cli.__main__", "cli.completion") or not verbs, f"{name}: {verbs}"
