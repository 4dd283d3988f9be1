"""The C tree under both compilers, with the flags that the house asks for."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from native.job_lines import EMULATORS, ROOT
from native.programs import Builds, Program

pytestmark = pytest.mark.native

_FLAGS = {"-Wall", "-Wextra", "-Wconversion", "-Werror"}


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_the_tree_compiles_without_a_warning(compiler: str, builds: Builds) -> None:
    if not shutil.which(compiler):
        pytest.skip(f"needs {compiler}: apt-get install {compiler}")
    program, tree = builds.program(compiler), builds.tree(compiler)
    assert "warning" not in (tree / "said").read_text()
    commands = json.loads((tree / "compile_commands.json").read_text())
    lacking = [entry["file"] for entry in commands if not set(entry["command"].split()) >= _FLAGS]
    assert not lacking
    assert not [entry["file"] for entry in commands if "/native/kernel/" in entry["file"]]
    assert program.run("probe").values["anon"] == 0


def test_the_program_explains_itself_when_used_wrongly(job: Program) -> None:
    for words in (["probe"], ["operation=probe", "file"], ["file=x"], ["--hlep"]):
        done = subprocess.run([job.path, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert not done.stdout
        assert "model-load" in done.stderr


def test_a_path_with_quotes_and_control_characters_stays_json(job: Program, tmp_path: Path) -> None:
    path = tmp_path / 'a "model"\n\\x'
    failure = job.run("checksum", file=path, output=tmp_path / "sums").failure
    assert failure is not None
    assert failure.path == str(path)


def test_a_wheel_carries_the_published_figures_and_the_agents(
    built_agents: Path, tmp_path: Path
) -> None:
    words = ("wheel", ".", "--no-build-isolation", "--no-deps", "--quiet", "--no-index")
    places = ("--wheel-dir", str(tmp_path), f"--config-settings=build-dir={tmp_path / 'build'}")
    subprocess.run([sys.executable, "-m", "pip", *words, *places], cwd=ROOT, check=True)
    (path,) = tmp_path.glob("*.whl")
    wheel = zipfile.ZipFile(path)
    assert "loadstone/py.typed" in wheel.namelist()
    carried = {name for name in wheel.namelist() if name.endswith(".toml")}
    sources = {path.name for path in (ROOT / "native" / "kernel").iterdir()} - {"LICENSE"}
    assert not sources & {Path(name).name for name in wheel.namelist()}
    figures = {path.name for path in (ROOT / "results" / "reference").glob("*.toml")}
    assert carried >= {f"loadstone/results/reference/{name}" for name in figures}
    assert figures
    agents = [name for name in wheel.namelist() if name.startswith("loadstone/agents/")]
    names = [f"loadstone-agent-{architecture}" for architecture in EMULATORS]
    assert sorted(agents) == [f"loadstone/agents/{name}" for name in sorted(names)]
    for name in names:
        agent = f"loadstone/agents/{name}"
        assert wheel.read(agent) == (built_agents / name).read_bytes()
        assert wheel.getinfo(agent).external_attr >> 16 & 0o111
