"""The C tree under both compilers, with the flags that the house asks for."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from programs import Program, build

pytestmark = pytest.mark.native

_FLAGS = {"-Wall", "-Wextra", "-Wconversion", "-Werror"}


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_the_tree_compiles_without_a_warning(compiler: str, tmp_path: Path) -> None:
    if not shutil.which(compiler):
        pytest.skip(f"needs {compiler}: apt-get install {compiler}")
    program, said = build(tmp_path, compiler, "CMAKE_EXPORT_COMPILE_COMMANDS=ON")
    assert "warning" not in said
    commands = json.loads((tmp_path / "compile_commands.json").read_text())
    lacking = [entry["file"] for entry in commands if not set(entry["command"].split()) >= _FLAGS]
    assert not lacking
    assert program.run("probe").values["anon"] == 0


def test_the_program_explains_itself_when_used_wrongly(job: Program) -> None:
    for words in ([], ["probe", "file"]):
        done = subprocess.run([job.path, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert "model-load" in done.stderr


def test_a_path_with_quotes_and_control_characters_stays_json(job: Program, tmp_path: Path) -> None:
    path = tmp_path / 'a "model"\n\\x'
    failure = job.run("checksum", file=path, output=tmp_path / "sums").failure
    assert failure is not None
    assert failure.path == str(path)
