"""Kernel modules and the system's programs: what is missing is told with its remedy."""

import shutil

import pytest

from loadstone.errors import CannotMeasureError
from loadstone.programs import load_module, run_program

needs_kmod = pytest.mark.skipif(
    shutil.which("modprobe", path="/usr/sbin:/sbin:/usr/bin:/bin") is None,
    reason="needs modprobe: apt-get install kmod",
)


def test_a_program_that_is_missing_is_told_with_its_package() -> None:
    with pytest.raises(
        CannotMeasureError, match=r"no program mkfs\.none here; .* package none-progs"
    ):
        run_program("mkfs.none", "none-progs")


def test_a_program_that_fails_is_told_with_the_last_of_its_words() -> None:
    assert run_program("true", "coreutils") is None
    assert run_program("false", "coreutils") == "exit code 1"
    said = run_program("sh", "dash", "-c", "seq 9; exit 3")
    assert said == "7; 8; 9"


@needs_kmod
def test_a_module_that_is_nowhere_is_told_with_what_modprobe_says() -> None:
    with pytest.raises(CannotMeasureError, match="modprobe no_such_module_of_ours: "):
        load_module("no_such_module_of_ours")
