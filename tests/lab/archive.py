"""A small Debian archive on this disk, signed, with kernels that no machine could boot."""

import gzip
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

RELEASE = "9.9.1-test-amd64"
SUITE = "bookworm"
MODULE = "kernel/fs/test.ko"
_BUILD_PROGRAMS = ("make", "binutils", "dash", "coreutils", "sed", "grep", "mawk", "findutils")


def write_image(path: Path, release: str, text: str = " (test@example.org) #1 SMP") -> Path:
    """A file with the header of an x86 bzImage, and nothing to run."""
    head = bytearray(0x1000)
    head[0x202:0x206] = b"HdrS"
    head[0x20E:0x210] = (0x400).to_bytes(2, "little")
    words = f"{release}{text}".encode() + b"\0"
    head[0x600 : 0x600 + len(words)] = words
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head)
    return path


def write_module(path: Path, release: str) -> Path:
    """An object file that modinfo and depmod take for a module of that kernel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    source = (
        'const char magic[] __attribute__((section(".modinfo"), used, aligned(1))) = '
        f'"vermagic={release} SMP mod_unload ";\n'
    )
    compiler = ["gcc", "-x", "c", "-c", "-o", str(path), "-"]
    subprocess.run(compiler, input=source.encode(), check=True)
    return path


class Archive:
    """What ``--mirror`` and ``--keyring`` name.

    Args:
        place: an empty directory that every user may read.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        self.keyring = place / "keyring.gpg"
        self._home = place / "gnupg"
        self._home.mkdir(mode=0o700)
        self._make_key("archive@example.org")
        exported = self._gpg("--export", "archive@example.org")
        self.keyring.write_bytes(exported)
        self.clear()

    @property
    def mirror(self) -> str:
        """Its URI."""
        return f"file:{self.place}/debian"

    @property
    def options(self) -> tuple[str, ...]:
        """Words for ``loadstone lab kernels fetch``."""
        return ("--mirror", self.mirror, "--keyring", str(self.keyring))

    def clear(self) -> None:
        """Without any package."""
        shutil.rmtree(self.place / "debian", ignore_errors=True)
        (self.place / "debian/pool").mkdir(parents=True)

    def add(
        self,
        version: str,
        *,
        release: str = RELEASE,
        is_merged: bool = False,
        installed_kib: int = 16,
        ballast_bytes: int = 0,
    ) -> None:
        """Publish a kernel: in one package, or in three with all below /usr/lib/modules."""
        self.add_meta(version, release)
        parts = ("image", "binary", "modules") if is_merged else ("image",)
        trees = {part: self.place / "build" / part for part in parts}
        lib = "usr/lib/modules" if is_merged else "lib/modules"
        vmlinuz = f"{lib}/{release}/vmlinuz" if is_merged else f"boot/vmlinuz-{release}"
        config = f"{lib}/{release}/config" if is_merged else f"boot/config-{release}"
        binary, modules = trees.get("binary", trees["image"]), trees.get("modules", trees["image"])
        write_image(binary / vmlinuz, release, f" #1 {version}")
        (binary / config).write_text("CONFIG_TEST=y\n")
        (binary / "ballast").write_bytes(os.urandom(ballast_bytes))
        write_module(modules / lib / release / MODULE, release)
        (modules / lib / release / "modules.order").write_text(f"{MODULE}\n")
        (modules / lib / release / "modules.builtin").write_text("")
        (modules / lib / release / "build").symlink_to("/usr/src/nosuch")
        for part, tree in trees.items():
            others = [other for other in parts if other != part] if part == "image" else []
            needs = ", ".join(f"linux-{other}-{release} (= {version})" for other in others)
            self._pack(tree, f"linux-{part}-{release}", version, needs, installed_kib)
        shutil.rmtree(self.place / "build")
        self.publish()

    def add_meta(self, version: str, release: str) -> None:
        """The empty package that depends on the newest kernel."""
        tree = self.place / "build" / "meta"
        needs = f"linux-image-{release} (= {version})"
        self._pack(tree, "linux-image-amd64", version, needs, 1)

    def add_headers(self, version: str, *, release: str = RELEASE) -> None:
        """Publish headers of a kernel, and small stand-ins for what they are built with."""
        tree = self.place / "build" / "headers"
        headers = tree / "usr/src" / f"linux-headers-{release}"
        headers.mkdir(parents=True)
        (headers / "Makefile").write_text("modules:\n")
        (tree / "lib/modules" / release).mkdir(parents=True)
        (tree / "lib/modules" / release / "build").symlink_to(f"/usr/src/{headers.name}")
        self._pack(tree, f"linux-headers-{release}", version, "gcc-99", 16)
        for name in ("gcc-99", *_BUILD_PROGRAMS):
            program = self.place / "build" / name / "usr/bin" / name
            program.parent.mkdir(parents=True)
            program.write_text("")
            # An epoch is quoted in the name of a downloaded file.
            self._pack(self.place / "build" / name, name, f"1:{version}", "", 16)
        shutil.rmtree(self.place / "build")
        self.publish()

    def packages(self) -> list[Path]:
        """The package files."""
        return sorted((self.place / "debian/pool").iterdir())

    def publish(self, key: str | None = "archive@example.org") -> None:
        """Write the lists anew and sign them; without a key: leave them unsigned."""
        lists = self.place / "debian/dists" / SUITE
        shutil.rmtree(lists, ignore_errors=True)
        index = lists / "main/binary-amd64/Packages"
        index.parent.mkdir(parents=True)
        index.write_bytes(b"".join(map(_entry, self.packages())))
        index.with_suffix(".gz").write_bytes(gzip.compress(index.read_bytes()))
        release = lists / "Release"
        release.write_text(_release(lists, [index, index.with_suffix(".gz")]))
        if key is not None:
            signed = self._gpg("--local-user", key, "--clearsign", "--output", "-", str(release))
            (lists / "InRelease").write_bytes(signed)

    def publish_by_a_stranger(self) -> None:
        """Signed, but with a key that nobody was given."""
        self._make_key("stranger@example.org")
        self.publish("stranger@example.org")

    def close(self) -> None:
        """End the agent that gpg started."""
        subprocess.run(["gpgconf", "--homedir", self._home, "--kill", "all"], check=True)

    def _make_key(self, name: str) -> None:
        if name.encode() not in self._gpg("--list-keys"):
            self._gpg("--passphrase", "", "--quick-generate-key", name, "ed25519", "sign", "never")

    def _gpg(self, *words: str) -> bytes:
        command = ["gpg", "--homedir", str(self._home), "--batch", "--pinentry-mode", "loopback"]
        return subprocess.run([*command, *words], check=True, capture_output=True).stdout

    def _pack(self, tree: Path, name: str, version: str, needs: str, installed_kib: int) -> None:
        fields = {
            "Package": name,
            "Version": version,
            "Architecture": "amd64",
            "Maintainer": "Test <test@example.org>",
            "Installed-Size": str(installed_kib),
            "Description": "a kernel for tests",
        }
        if needs:
            fields["Depends"] = needs
        (tree / "DEBIAN").mkdir(parents=True)
        text = "".join(f"{field}: {value}\n" for field, value in fields.items())
        (tree / "DEBIAN/control").write_text(text)
        subprocess.run(
            [
                "dpkg-deb",
                "--root-owner-group",
                "-Znone",
                "--build",
                tree,
                self.place / "debian/pool",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )


def _entry(package: Path) -> bytes:
    control = subprocess.run(["dpkg-deb", "-f", package], check=True, capture_output=True).stdout
    data = package.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    return (
        control
        + (f"Filename: pool/{package.name}\nSize: {len(data)}\nSHA256: {digest}\n\n").encode()
    )


def _release(lists: Path, files: list[Path]) -> str:
    lines = [
        f" {hashlib.sha256(path.read_bytes()).hexdigest()} {path.stat().st_size} "
        f"{path.relative_to(lists)}"
        for path in files
    ]
    head = f"Origin: Test\nSuite: {SUITE}\nCodename: {SUITE}\nArchitectures: amd64\n"
    date = "Date: Thu, 01 Jan 2026 00:00:00 UTC\n"
    return head + f"Components: main\n{date}SHA256:\n" + "\n".join(lines) + "\n"
