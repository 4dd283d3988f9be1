"""Builds the kernel modules of a Kbuild directory out of tree, in a copy in the cache."""

import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from loadstone.durable import write_atomically
from loadstone.errors import CannotMeasureError, UsageError, system_words
from loadstone.lab.cache import (
    cache_directory,
    cannot_write,
    locked,
    partial_directory,
    remove_directory,
    stock_kernels,
    sweep,
    this_architecture,
)
from loadstone.lab.headers import Headers, headers_of
from loadstone.lab.image import is_build_tree
from loadstone.lab.kernels import Kernel
from loadstone.lab.module_file import ModuleFile, read_module
from loadstone.model import Noun
from loadstone.programs import find_program, run_to_end
from loadstone.text import printable

_MAKEFILES = ("Kbuild", "Makefile")
_LIMIT_S = 3600.0
_SHOWN_LINES = 12
_KEPT_BUILDS = 32
# What an earlier build left, perhaps for another kernel, and what is no source.
_PRODUCTS = shutil.ignore_patterns(
    "*.o", "*.ko", "*.mod", "*.mod.c", ".*.cmd", "modules.order", "Module.symvers", ".git", ".tmp_*"
)

# Arguments: a root, a copy of the sources, and the command. /proc: objtool asks there for the
# limits of its stack.
_IN_ROOT = """\
set -e
root=$1 copy=$2
shift 2
PATH=$PATH:/usr/sbin:/sbin
mount --bind "$copy" "$root/build"
mount -t tmpfs tmpfs "$root/tmp"
mount --bind /dev/null "$root/dev/null"
mount --rbind /proc "$root/proc"
exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LC_ALL=C "$@"
"""
_PACKAGES = {"setpriv": "util-linux", "unshare": "util-linux", "make": "make"}
_NAMESPACES = ("--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child")
_NOT_ENTERED = ("unshare: ", "mount: ", "chroot: ")


class Built(Noun, frozen=True, kw_only=True):
    """Modules, and the SHA-256 of the sources that they were built from."""

    files: tuple[ModuleFile, ...]
    sources: str


class _Task(Noun, frozen=True, kw_only=True):
    """What to build, for what kernel, and with what: fetched headers or a tree."""

    directory: Path
    kernel: Kernel
    headers: Headers | None
    tree: Path | None


def build(directory: Path, kernel: Kernel, say: Callable[[str], None]) -> Built:
    """Build a directory's modules for a kernel, unless the cache has them.

    What was built with fetched headers is kept there; what was built with a tree is not, as the
    tree may change.

    Args:
        say: called with what takes a while.

    Raises:
        UsageError: it is no Kbuild directory, or the kernel has no headers to build with.
        CannotMeasureError: it does not build, or a program is missing.
    """
    _require_kbuild(directory)
    headers = _headers(directory, kernel)
    tree = None if headers else _tree(directory, kernel)
    task = _Task(directory=directory, kernel=kernel, headers=headers, tree=tree)
    builds = cache_directory() / "builds"
    waiting = f"{directory}: waiting for another loadstone that builds a module"
    try:
        with locked("builds", this_architecture(), lambda: say(waiting)):
            sweep(builds)
            with partial_directory(builds) as partial:
                return _build(task, partial, say)
    except OSError as error:
        raise cannot_write(error, builds) from error


def _require_kbuild(directory: Path) -> None:
    if not any((directory / name).is_file() for name in _MAKEFILES):
        raise UsageError(
            f"{directory} has neither a Kbuild nor a Makefile",
            remedy="write a Kbuild with `obj-m := NAME.o`",
        )
    if (directory / "Kconfig").is_file() and (directory / "scripts").is_dir():
        raise UsageError(
            f"{directory} is a whole kernel's source",
            remedy="name the directory of one driver, or build it and name it with --kernel",
        )


def _headers(directory: Path, kernel: Kernel) -> Headers | None:
    """The headers of a fetched kernel; None for any other kernel."""
    stock = next((stock for stock in stock_kernels() if stock.image == kernel.image), None)
    if stock is None:
        return None
    headers = headers_of(stock)
    if headers is None:
        raise UsageError(
            f"no headers of {kernel.release} were fetched, to build {directory} with",
            remedy=f"fetch them: loadstone lab kernels fetch --headers {kernel.name}",
        )
    return headers


def _tree(directory: Path, kernel: Kernel) -> Path:
    """The build tree of a kernel that is named by a path."""
    assert kernel.modules is not None
    if is_build_tree(kernel.modules):
        return kernel.modules
    tree = kernel.modules / "build"
    if not (tree / "Makefile").is_file():
        raise UsageError(
            f"{tree} leads to no headers to build {directory} with",
            remedy="install the headers of that kernel, name its build tree with --kernel, or "
            "name a FILE.ko with --module",
        )
    return tree.resolve()


def _build(task: _Task, partial: Path, say: Callable[[str], None]) -> Built:
    copy = partial / "copy"
    sources = _copy(task.directory, copy)
    kept = _kept(task.headers, sources, partial.parent) if task.headers else None
    if kept is not None and kept.is_dir():
        os.utime(kept)
        return Built(files=_modules(kept), sources=sources)
    say(f"building {task.directory} for {task.kernel.release}")
    _make(task, copy)
    files = _modules(copy)
    if not files:
        raise UsageError(
            f"{task.directory} builds no module for {task.kernel.release}",
            remedy="write `obj-m := NAME.o` in its Kbuild",
        )
    if kept is not None:
        _keep(files, kept, partial / "kept")
    return Built(files=files, sources=sources)


def _cannot_copy(directory: Path, why: str) -> UsageError:
    return UsageError(
        f"cannot copy {directory} to build it: {why}",
        remedy="name a directory of sources that this user may read",
    )


def _copy(directory: Path, copy: Path) -> str:
    """Copy sources, and return their SHA-256, names included."""
    try:
        shutil.copytree(directory, copy, ignore=_PRODUCTS)
    except shutil.Error as error:
        (_, _, why), *_ = error.args[0]
        raise _cannot_copy(directory, why) from error
    except OSError as error:
        raise _cannot_copy(directory, system_words(error.errno or 0)) from error
    digest = hashlib.sha256()
    for path in sorted(path for path in copy.rglob("*") if path.is_file()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(copy)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _kept(headers: Headers, sources: str, builds: Path) -> Path:
    """Where what is built from these sources with these headers and compiler is kept."""
    key = f"{headers.kernel.release} {' '.join(headers.packages)} {sources}"
    return builds / hashlib.sha256(key.encode()).hexdigest()[:32]


def _keep(files: Sequence[ModuleFile], kept: Path, partial: Path) -> None:
    """Keep modules for later, and remove those that were not used for the longest time."""
    for file in files:
        write_atomically(partial / f"{file.name}{file.suffix}", file.content)
    partial.rename(kept)
    others = sorted(kept.parent.glob("[!.]*"), key=lambda path: path.stat().st_mtime)
    for path in others[:-_KEPT_BUILDS]:
        remove_directory(path)


def _modules(directory: Path) -> tuple[ModuleFile, ...]:
    return tuple(read_module(path) for path in sorted(directory.rglob("*.ko")))


def _make(task: _Task, copy: Path) -> None:
    enter, tree, place = _in_root(task.headers, copy) if task.headers else ((), task.tree, copy)
    jobs = f"-j{os.cpu_count() or 1}"
    command = (*enter, "make", "-C", str(tree), f"M={place}", jobs, "modules")
    # Killed when its parent is.
    words = ("setpriv", "--pdeathsig", "KILL", "--", *command)
    for name in (words[0], command[0]):
        if find_program(name) is None:
            raise CannotMeasureError(
                f"no program {name} here to build {task.directory}",
                remedy=f"install the Debian package {_PACKAGES[name]}",
            )
    done = run_to_end(words, _LIMIT_S)
    if done.returncode != 0:
        raise _build_error(task, done.stderr.splitlines(), done.returncode)


def _in_root(headers: Headers, copy: Path) -> tuple[tuple[str, ...], Path, Path]:
    """What to begin a command with that runs in the root; tree and copy by their paths there."""
    enter = ("unshare", *_NAMESPACES, "sh", "-c", _IN_ROOT, "sh", str(headers.root), str(copy))
    return enter, Path("/lib/modules") / headers.kernel.release / "build", Path("/build")


def _build_error(task: _Task, lines: Sequence[str], code: int) -> CannotMeasureError:
    if entering := next((line for line in lines if line.startswith(_NOT_ENTERED)), None):
        return CannotMeasureError(
            f"cannot build {task.directory} in a root of its own: {printable(entering)}",
            remedy="let this user make user namespaces (sysctl user.max_user_namespaces, "
            "kernel.unprivileged_userns_clone), or name a FILE.ko with --module",
        )
    error = CannotMeasureError(
        f"{task.directory} does not build for {task.kernel.release} (make: exit code {code})",
        remedy="correct it by the messages above",
    )
    first = next((at for at, line in enumerate(lines) if " error: " in line), -_SHOWN_LINES)
    shown = lines[first:][:_SHOWN_LINES]
    error.details = tuple(printable(line.removeprefix("/build/")) for line in shown)
    return error
