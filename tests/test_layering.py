"""Imports point down only and in no circle, and a few rooms have doors that few may use."""

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "bench" / "loadstone"

# From the ground up: a folder imports itself and those on lower floors, and nothing beside it.
FLOORS = (
    {
        "model",
        "units",
        "errors",
        "text",
        "file_lock",
        "home",
        "durable",
        "programs",
        "toml_file",
        "cpu_list",
        "result_names",
        "interruption",
        "_version",
    },
    {"analysis", "core"},
    {"environment"},
    {"targets"},
    {"provision"},
    {"layout", "pages"},
    {"workloads"},
    {"plan"},
    {"published", "runs"},
    {"doctor", "export", "fio"},
    {"report"},
    {"api", "lab"},
    {"cli", "pytest_plugin"},
)
GROUND = FLOORS[0]


def module_name(path: Path) -> str:
    """Dotted, without the package's name; a folder's ``__init__`` has the folder's name."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


MODULES = {
    module_name(path): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path != PACKAGE / "__init__.py"
}


def imports(name: str) -> Iterator[str]:
    """The modules of ours that one imports, wherever in it."""
    for node in ast.walk(ast.parse(MODULES[name].read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for dotted in names:
            if dotted.startswith("loadstone."):
                yield module_of(dotted.removeprefix("loadstone."))


def module_of(dotted: str) -> str:
    """The module that has a name, which may be the name itself."""
    while dotted not in MODULES and "." in dotted:
        dotted = dotted.rpartition(".")[0]
    return dotted


def room(name: str) -> str:
    return name.split(".", maxsplit=1)[0]


def floor(name: str) -> int:
    found = [number for number, rooms in enumerate(FLOORS) if room(name) in rooms]
    assert found, f"{room(name)} stands on no floor: give it one in FLOORS"
    return found[0]


def circle_in(graph: Mapping[str, set[str]]) -> list[str]:
    """One circle of a graph, or nothing."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_its_own_folder_and_lower_floors(name: str) -> None:
    for imported in imports(name):
        if imported.startswith("_native"):
            continue
        is_allowed = room(imported) == room(name) or floor(imported) < floor(name)
        assert is_allowed or (name in GROUND and imported in GROUND), f"{name} imports {imported}"


def test_no_files_import_each_other_in_a_circle() -> None:
    graph = {name: set(imports(name)) - {name} for name in MODULES}
    assert not circle_in(graph)


def test_a_circle_would_be_found() -> None:
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})


def test_only_core_opens_the_extension_module() -> None:
    assert [name for name in MODULES if any(i == "_native" for i in imports(name))] == [
        "core.native"
    ]


@pytest.mark.parametrize("folder", ["targets", "workloads"])
def test_nobody_imports_one_target_or_one_workload(folder: str) -> None:
    kinds = kinds_in(folder)
    for name in MODULES:
        named = {
            i for i in imports(name) if i.startswith(f"{folder}.") and i.split(".")[1] in kinds
        }
        own = ".".join(name.split(".")[:2])
        assert not {i for i in named if not f"{i}.".startswith(f"{own}.")}, f"{name}: {named}"


def kinds_in(folder: str) -> set[str]:
    """The targets or the workloads: what is found there by being there."""
    mark = {"targets": "SCHEME = ", "workloads": "WORKLOAD = "}[folder]
    found = {name for name in MODULES if room(name) == folder and mark in MODULES[name].read_text()}
    return {name.split(".")[1] for name in found if "." in name}


def test_nobody_imports_a_verb() -> None:
    for name in MODULES:
        verbs = [i for i in imports(name) if i.startswith("cli.") and "._" not in i]
        assert name in ("cli.__main__", "cli.completion") or not verbs, f"{name}: {verbs}"
