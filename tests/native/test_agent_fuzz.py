"""The parser of Job lines under libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from native.programs import SOURCE

pytestmark = pytest.mark.native

_CORPUS = Path(__file__).parent / "corpus" / "job_line"
_SECONDS = 10


@pytest.fixture(scope="module")
def fuzzer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("clang"):
        pytest.skip("needs clang: apt-get install clang libclang-rt-dev")
    directory = tmp_path_factory.mktemp("fuzz")
    options = ("-DCMAKE_C_COMPILER=clang", "-DLOADSTONE_PYTHON=OFF", "-DLOADSTONE_FUZZ=ON")
    for words in (
        ("cmake", "-S", str(SOURCE), "-B", str(directory), *options),
        ("cmake", "--build", str(directory), "--target", "fuzz-job-line"),
    ):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return directory / "fuzz-job-line"


def test_nothing_of_the_corpus_breaks_the_parser(fuzzer: Path) -> None:
    files = sorted(_CORPUS.iterdir())
    done = subprocess.run([fuzzer, *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Executed ") == len(files) > 0


@pytest.mark.soak
def test_what_is_made_of_the_corpus_does_not_either(
    fuzzer: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """For seconds by ``make test``; ``make soak`` has it executed a given number of times.

    A find is kept in the test's directory, and belongs into the corpus.
    """
    executions = request.config.getoption("--executions")
    seconds = request.config.getoption("--fuzz-seconds") if executions else _SECONDS
    limits = [f"-runs={executions or -1}", f"-max_total_time={seconds or 0}"]
    found = tmp_path / "found"
    found.mkdir()
    words = (*limits, "-max_len=4096", "-print_final_stats=1")
    places = (f"-artifact_prefix={tmp_path}/", str(found), str(_CORPUS))
    done = subprocess.run([fuzzer, *words, *places], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("Done "))
    sys.stdout.write(f"{line}\n")
    assert seconds or f"Done {executions} runs" in line
