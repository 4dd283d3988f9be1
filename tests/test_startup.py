"""What starts often imports little: the command's help, the worker, and the package itself."""

import subprocess
import sys

import pytest

import loadstone

_HELP = """
import sys
sys.argv = ["loadstone", "--help"]
import loadstone.cli
try:
    loadstone.cli.main()
except SystemExit as end:
    assert not end.code
"""


def imported_by(code: str) -> set[str]:
    """The modules that a Python of its own has imported when it has run this."""
    tail = "\nimport sys\nprint('\\n' + ' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code + tail], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


def ours(modules: set[str]) -> set[str]:
    """Folders and modules of the package itself."""
    return {name.split(".")[1] for name in modules if name.startswith("loadstone.")}


def test_help_imports_the_verbs_and_nothing_that_measures() -> None:
    modules = imported_by(_HELP)
    assert ours(modules) == {
        *("_version", "cli", "errors", "model", "result_names", "targets", "text", "units"),
    }
    assert not modules & {"rich", "scipy", "numpy", "jinja2", "subprocess", "loadstone._native"}


def test_the_worker_imports_the_core_alone() -> None:
    modules = imported_by("import loadstone.core.worker")
    assert ours(modules) == {"_native", "_version", "core", "cpu_list", "model", "result_names"}
    assert {name for name in modules if name.startswith("loadstone.core.")} == {
        "loadstone.core.native",
        "loadstone.core.worker",
    }


@pytest.mark.parametrize("name", loadstone.__all__)
def test_each_public_name_is_there_when_it_is_asked_for(name: str) -> None:
    assert getattr(loadstone, name) is getattr(loadstone, name)
    assert name in dir(loadstone)


def test_a_name_that_is_not_public_is_told_as_of_any_module() -> None:
    with pytest.raises(AttributeError, match="module 'loadstone' has no attribute 'runn'"):
        _ = loadstone.runn  # type: ignore[attr-defined]  # that is what is tested


def test_the_package_alone_imports_none_of_its_folders() -> None:
    assert ours(imported_by("import loadstone")) == {"_version"}
