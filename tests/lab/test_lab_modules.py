"""Modules of one's own, built and loaded in guests."""

from collections.abc import Callable
from pathlib import Path

import pytest

import loadstone
from lab.laboratory import NEW, OLD, Lab
from lab.test_lab_shell import Terminal
from loadstone.lab.kernels import Kernel
from loadstone.lab.module_build import build

QUICK = ("--rounds", "1", "--warmups", "0", "--size", "8MiB", "--set", "engine=pread")

# What differs between the modules is what their init does.
_SOURCE = """\
#include <linux/module.h>
static int answer = 41;
module_param(answer, int, 0444);
static int __init start(void)
{{
	{body}
	return 0;
}}
static void __exit stop(void) {{}}
module_init(start);
module_exit(stop);
MODULE_DESCRIPTION("for a test");
MODULE_LICENSE("GPL");
"""
_GREETS = 'pr_info("up: %d\\n", answer);'
_OOPSES = "*(volatile int *)NULL = answer;"


def write_sources(directory: Path, **bodies: str) -> Path:
    directory.mkdir()
    objects = " ".join(f"{name}.o" for name in bodies)
    (directory / "Kbuild").write_text(f"obj-m := {objects}\n")
    for name, body in bodies.items():
        (directory / f"{name}.c").write_text(_SOURCE.format(body=body))
    return directory


@pytest.mark.lab
def test_a_module_is_built_and_loaded_with_its_parameters_before_a_stock_one_of_its_name(
    lab: Lab, kernels_with_headers: Callable[[str], Kernel], tmp_path: Path
) -> None:
    kernel = kernels_with_headers(OLD)
    # A stock module's file as one of one's own, which needs another stock one.
    assert kernel.modules is not None
    verity = tmp_path / "dm-verity.ko"
    verity.write_bytes((kernel.modules / "kernel/drivers/md/dm-verity.ko").read_bytes())
    sources = write_sources(tmp_path / "sources", hello=_GREETS, brd=_GREETS)
    words = (f"--kernel={OLD}", f"--module={sources}", f"--module={verity}")
    terminal = Terminal(lab, "lab", "shell", *words, "--append", "hello.answer=7")
    terminal.read_until(b"are gone with the guest")
    terminal.type(
        "cd /sys/module; modprobe brd; modprobe dm-verity; "
        'echo "<$(cat hello/parameters/answer)> <$(cat brd/parameters/answer)> '
        '<$(cat dm_bufio/initstate)> <$(cat dm_verity/taint)>"; exit\n'
    )
    assert terminal.close() == 0, terminal.shown
    assert "<7> <41> <live> <>" in terminal.shown.decode(errors="replace"), terminal.shown


@pytest.mark.lab
def test_a_run_names_and_hashes_its_modules(
    lab: Lab, kernels_with_headers: Callable[[str], Kernel], tmp_path: Path
) -> None:
    kernel = kernels_with_headers(NEW)
    sources = write_sources(tmp_path / "sources", hello=_GREETS)
    said = lab(*QUICK, f"--module={sources}")
    run = loadstone.load(said["runs"][0]["run"], results=lab.command.results)
    built = build(sources, kernel, lambda _: pytest.fail("it was built again"))
    (module,) = built.files
    facts = run.manifest.environment.facts
    assert facts["lab.module.hello"] == module.sha256
    assert facts["lab.module.hello.sources"] == built.sources
    assert [path.name for path in sorted(sources.iterdir())] == ["Kbuild", "hello.c"]


@pytest.mark.lab
def test_a_module_that_oopses_ends_with_the_kernels_last_lines(
    lab: Lab, kernels_with_headers: Callable[[str], Kernel], tmp_path: Path
) -> None:
    kernels_with_headers(NEW)
    sources = write_sources(tmp_path / "sources", oopsing=_OOPSES)
    done = lab.run(*QUICK, f"--module={sources}")
    assert done.code == 4
    assert "its kernel panicked" in done.complaint
    assert "BUG: kernel NULL pointer dereference" in done.err
    assert "[oopsing]" in done.err


@pytest.mark.lab
def test_a_module_for_another_kernel_is_told_with_the_kernels_words(
    lab: Lab, kernels_with_headers: Callable[[str], Kernel], tmp_path: Path
) -> None:
    sources = write_sources(tmp_path / "sources", hello=_GREETS)
    (module,) = build(sources, kernels_with_headers(NEW), lambda _: None).files
    (tmp_path / "hello.ko").write_bytes(module.content)
    done = lab.run(*QUICK, f"--module={tmp_path / 'hello.ko'}", kernel=(OLD,))
    assert done.code == 3
    assert "--module: hello cannot be loaded: modprobe: " in done.complaint
    assert "hello: version magic '7." in done.err


def test_without_headers_the_remedy_is_told(
    lab: Lab, kernels: Callable[[str], Kernel], tmp_path: Path
) -> None:
    kernel = kernels(OLD)
    cache = tmp_path / "cache"
    own = next(path for path in kernel.image.parents if path.parent.name == OLD)
    place = cache / "kernels" / kernel.architecture / OLD / own.name
    place.parent.mkdir(parents=True)
    place.mkdir()
    for path in own.iterdir():
        (place / path.name).symlink_to(path)
    sources = write_sources(tmp_path / "sources", hello=_GREETS)
    words = ("lab", "run", *QUICK, f"--kernel={OLD}", f"--module={sources}")
    done = lab.command(*words, env={"LOADSTONE_CACHE": str(cache)})
    assert done.code == 2
    assert f"no headers of {kernel.release} were fetched, to build {sources} with" in done.complaint
    assert done.complaint.endswith(f"fetch them: loadstone lab kernels fetch --headers {OLD}")
