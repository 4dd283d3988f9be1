"""The machine's apt with its own sources, package lists and downloads.

Proxies, certificates and credentials of the machine apply; its sources, lists, pins and hooks are
neither used nor changed.
"""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from loadstone.errors import CannotMeasureError, UsageError
from loadstone.model import Noun
from loadstone.programs import find_program, run_to_end, started

_PACKAGES = {
    "apt-get": "apt",
    "apt-cache": "apt",
    "dpkg": "dpkg",
    "dpkg-deb": "dpkg",
    "depmod": "kmod",
    "modinfo": "kmod",
}

# Hooks would change the machine (empty its package cache, wake PackageKit), and lists cannot be
# emptied by -o.
_CONFIGURATION = """\
#clear APT::Update;
APT::Update::Error-Mode "any";
APT::Default-Release "";
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
Acquire::Languages "none";
Acquire::GzipIndexes "true";
"""

_NOISE = ("Download is performed unsandboxed", "Some index files failed")


class AptSource(Noun, frozen=True, kw_only=True):
    """One suite at one mirror; the architecture by Debian's name (``amd64``).

    ``base`` is a second suite, whose packages those of the first depend on.
    """

    mirror: str
    suite: str
    base: str | None = None
    architecture: str
    keyring: Path | None


class AptError(CannotMeasureError):
    """apt failed; ``messages`` are its own, in one line."""

    def __init__(self, what: str, messages: str = "", *, remedy: str | None = None) -> None:
        super().__init__(what, remedy=remedy)
        self.messages = messages


class Apt:
    """apt with one source.

    Args:
        directory: for its lists and downloads; made if it does not exist.
    """

    def __init__(self, directory: Path, source: AptSource) -> None:
        self.directory = directory
        self.downloads = directory / "downloads"
        self._source = source
        for name in ("state", "cache", "sources", "downloads"):
            (directory / name).mkdir(parents=True, exist_ok=True)
        (directory / "status").touch()
        (directory / "apt.conf").write_text(_CONFIGURATION)
        (directory / "sources" / "loadstone.sources").write_text(_stanza(source))

    def clear(self) -> None:
        """Remove what was downloaded, and apt's cache of the lists; the lists stay."""
        for name in ("downloads", "cache"):
            shutil.rmtree(self.directory / name)

    def update(self) -> None:
        """Bring the lists up to date; apt checks their signature.

        Raises:
            AptError: apt could not get them, or does not trust them.
        """
        self._run("apt-get", "--quiet", "update")

    def dependencies(self, package: str) -> list[str]:
        """The names of a package's dependencies, recursively, as far as this suite has them.

        Raises:
            AptError: there is no such package.
        """
        kinds = ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")
        output = self._run(
            "apt-cache", "depends", "--recurse", *(f"--no-{kind}" for kind in kinds), package
        )
        return [line for line in output.splitlines() if re.match(r"[a-z0-9]", line)]

    def resolve(self, packages: Sequence[str]) -> list[str]:
        """All that has to be installed for packages where nothing is, as ``NAME=VERSION``.

        Raises:
            AptError: there is no such package, or what it depends on is missing.
        """
        words = ("--simulate", "--no-install-recommends", *packages)
        output = self._run("apt-get", "--quiet", "install", *words)
        found = re.findall(r"^Inst (\S+) \((\S+) ", output, re.MULTILINE)
        return [f"{name}={version}" for name, version in found]

    def show(self, *packages: str) -> list[dict[str, str]]:
        """The fields of the version of each package that apt would install."""
        output = self._run("apt-cache", "show", "--no-all-versions", *packages)
        return [
            dict(re.findall(r"^([A-Za-z0-9-]+): (.*)$", stanza, re.MULTILINE))
            for stanza in output.strip().split("\n\n")
        ]

    def download(self, packages: list[str], report: Callable[[float], None]) -> None:
        """Get packages into ``downloads``; a partial download is continued, and checked.

        Args:
            report: called with the percentage that has been downloaded.

        Raises:
            AptError: apt could not get one, or its hash is not that of the signed lists.
        """
        self._run("apt-get", "--quiet", "download", *packages, report=report)

    def _run(self, *words: str, report: Callable[[float], None] | None = None) -> str:
        program, *rest = words
        command = [program_of(program), *self._options(), *rest]
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            code = _follow(command, self.downloads, out.fileno(), err.fileno(), report)
            texts = []
            for stream in (out, err):
                stream.seek(0)
                texts.append(stream.read().decode(errors="replace"))
        if code != 0:
            messages = _error_lines(texts[1]) or f"exit code {code}"
            remedy = "check the network, or name another mirror with --mirror"
            raise AptError(f"{program}: {messages}", messages, remedy=remedy)
        return texts[0]

    def _options(self) -> list[str]:
        directory = self.directory
        settings = {
            "APT::Architecture": self._source.architecture,
            "Dir::Etc::SourceList": "/dev/null",
            "Dir::Etc::SourceParts": directory / "sources",
            "Dir::Etc::Preferences": "/dev/null",
            "Dir::Etc::PreferencesParts": "/dev/null",
            "Dir::State": directory / "state",
            "Dir::State::Status": directory / "status",
            "Dir::Cache": directory / "cache",
            # A container's settings may keep none: each call would read all lists again.
            "Dir::Cache::pkgcache": "pkgcache.bin",
            "Dir::Cache::srcpkgcache": "",
        }
        options = [f"--config-file={directory / 'apt.conf'}"]
        return options + [f"--option={name}={value}" for name, value in settings.items()]


def program_of(name: str) -> str:
    """The path of a program that comes with a Debian package.

    Raises:
        CannotMeasureError: it is not installed.
    """
    found = find_program(name)
    if found is None:
        package = _PACKAGES[name]
        raise CannotMeasureError(f"no {name} here", remedy=f"install the Debian package {package}")
    return str(found)


def machine_sources(are_read: bool) -> list[dict[str, str]]:
    """The machine's own package sources, in its order: uri, release, component, origin.

    Args:
        are_read: only those whose lists the machine has; else all, without ``origin``.
    """
    names = {"uri": "REPO_URI", "release": "RELEASE", "component": "COMPONENT"}
    if are_read:
        names["origin"] = "ORIGIN"
    form = "\t".join(f"$({name})" for name in names.values())
    more = () if are_read else ("--no-release-info",)
    command = (
        program_of("apt-get"),
        "indextargets",
        *more,
        "--format",
        form,
        "Created-By: Packages",
    )
    done = run_to_end(command)
    if done.returncode != 0:
        messages = _error_lines(done.stderr) or f"exit code {done.returncode}"
        raise AptError(
            f"apt-get indextargets: {messages}",
            messages,
            remedy="fix this machine's apt sources, or name a mirror with --mirror",
        )
    lines = (line.split("\t") for line in done.stdout.splitlines())
    return [dict(zip(names, line, strict=True)) for line in lines]


def _stanza(source: AptSource) -> str:
    fields = {
        "Types": "deb",
        "URIs": source.mirror,
        "Suites": f"{source.base} {source.suite}" if source.base else source.suite,
        "Components": "main",
        "Architectures": source.architecture,
        "Targets": "Packages",
    }
    if source.keyring is not None:
        keyring = source.keyring.absolute()
        if re.search(r"[\s,\[\]]", str(keyring)):
            raise UsageError(
                f"--keyring {keyring}: apt takes no keyring whose path has spaces, commas or "
                "brackets",
                remedy="copy it to a path without them",
            )
        fields["Signed-By"] = str(keyring)
    return "".join(f"{name}: {value}\n" for name, value in fields.items())


def _follow(
    command: list[str],
    place: Path,
    out: int,
    err: int,
    report: Callable[[float], None] | None,
) -> int:
    """Run apt and report its progress; the exit code."""
    read, write = os.pipe()
    words = [*command, f"--option=APT::Status-Fd={write}"]
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    with os.fdopen(read) as status, contextlib.ExitStack() as stack:
        try:
            process = stack.enter_context(
                started(
                    subprocess.Popen.terminate,
                    words,
                    cwd=place,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    pass_fds=(write,),
                )
            )
        finally:
            os.close(write)
        for line in status:
            match = re.match(r"dlstatus:\d+:([\d.]+):", line)
            if match and report:
                report(float(match[1]))
        return process.wait()


def _error_lines(text: str) -> str:
    lines = [line[3:].strip() for line in text.splitlines() if line.startswith(("E: ", "W: "))]
    messages = [
        " ".join(line.split()).rstrip(".") for line in lines if not any(n in line for n in _NOISE)
    ]
    return "; ".join(dict.fromkeys(messages))
