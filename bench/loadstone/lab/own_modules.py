"""Modules of the user's own: what ``--module`` names, for one kernel, and their tree in a guest."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from loadstone.errors import CannotMeasureError, UsageError
from loadstone.lab.apt import program_of
from loadstone.lab.kernels import Kernel, OwnModule
from loadstone.lab.module_build import build
from loadstone.lab.module_file import module_name, read_module
from loadstone.model import Fact
from loadstone.programs import run_to_end

_TOLD_DIGITS = 12


def with_modules(kernel: Kernel, words: Sequence[Path], say: Callable[[str], None]) -> Kernel:
    """The kernel with modules of one's own: files, or directories that are built for it.

    Raises:
        UsageError: one does not exist or is no module, two have one name, the kernel has it
            built in, or has no headers to build with.
        CannotMeasureError: one does not build.
    """
    if not words:
        return kernel
    try:
        if kernel.modules is None:
            raise UsageError(
                f"{kernel.name} is a kernel without modules",
                remedy="name its modules too: PATH/TO/vmlinuz:MODULES_DIR, or its build tree",
            )
        own = [module for path in words for module in _modules(path, kernel, say)]
        _require_loadable(own, kernel)
    except (UsageError, CannotMeasureError) as error:
        raise error.within("--module") from error
    return msgspec.structs.replace(kernel, own=tuple(own))


def own_facts(kernel: Kernel) -> Mapping[str, Fact]:
    """The facts of a kernel's own modules for an Environment.

    ``lab.modules`` names all with their sources, or their files where there are no sources: of
    two kernels' modules, the files differ whatever the sources do. Without any it is empty.
    """
    told = (
        f"{module.file.name} {(module.sources or module.file.sha256)[:_TOLD_DIGITS]}"
        for module in kernel.own
    )
    facts: dict[str, Fact] = {"lab.modules": ", ".join(told)}
    for module in kernel.own:
        facts[f"lab.module.{module.file.name}"] = module.file.sha256
        facts[f"lab.module.{module.file.name}.sources"] = module.sources
    return facts


def stage_own(kernel: Kernel, staged: Path, root: Path) -> Mapping[str, Path]:
    """Lay out own modules, and the stock ones that they need, as ``modprobe -d ROOT`` takes them.

    Args:
        staged: the kernel's modules, with ``modules.dep``.
        root: a directory that does not exist; made if there are own modules.

    Returns:
        The own modules' files, by name.

    Raises:
        CannotMeasureError: the kernel lacks a module that is needed, or depmod fails.
    """
    if not kernel.own:
        return {}
    modules = root / "lib" / "modules" / kernel.release
    modules.mkdir(parents=True)
    own = {}
    for module in kernel.own:
        own[module.file.name] = modules / f"{module.file.name}{module.file.suffix}"
        own[module.file.name].write_bytes(module.file.content)
    for file in _needed(kernel, staged, own):
        (modules / file.name).symlink_to(file)
    for table in ("modules.order", "modules.builtin"):
        (modules / table).touch()
    done = run_to_end([program_of("depmod"), "-C", "/dev/null", "-b", str(root), kernel.release])
    if done.returncode != 0:
        reason = done.stderr.strip().replace("\n", ", ") or f"exit code {done.returncode}"
        raise CannotMeasureError(f"depmod failed on --module: {reason}", remedy="build them again")
    return own


def _modules(path: Path, kernel: Kernel, say: Callable[[str], None]) -> Iterator[OwnModule]:
    if path.is_dir():
        built = build(path, kernel, say)
        for file in built.files:
            yield OwnModule(file=file, sources=built.sources)
    else:
        yield OwnModule(file=read_module(path))


def _require_loadable(own: Sequence[OwnModule], kernel: Kernel) -> None:
    names = [module.file.name for module in own]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two modules are named {name}", remedy="name one of them")
        if name in _built_in(kernel):
            raise UsageError(
                f"{name} is built into {kernel.release}",
                remedy="take a kernel that has it as a module, or build that kernel with yours",
            )


def _built_in(kernel: Kernel) -> frozenset[str]:
    assert kernel.modules is not None
    try:
        lines = (kernel.modules / "modules.builtin").read_text().split()
    except FileNotFoundError:
        return frozenset()
    return frozenset(map(module_name, lines))


def _needed(kernel: Kernel, staged: Path, own: Mapping[str, Path]) -> Iterator[Path]:
    """The files of the stock modules that own ones need, and of those that these need."""
    stock = {}
    for line in (staged / "modules.dep").read_text().splitlines():
        file, _, others = line.partition(":")
        stock[module_name(file)] = [file, *others.split()]
    files: dict[str, None] = {}
    for module in kernel.own:
        for name in module.file.needs:
            if name in own or name in _built_in(kernel):
                continue
            if name not in stock:
                raise CannotMeasureError(
                    f"--module: {module.file.name} needs the module {name}, which "
                    f"{kernel.release} does not have",
                    remedy="name that too, or take another kernel",
                )
            files |= dict.fromkeys(stock[name])
    for file in files:
        if module_name(file) not in own:
            yield (staged / file).resolve()
