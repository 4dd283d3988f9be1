"""What images, modules and trees say of themselves."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from commands import NOBODY, let_everybody_pass, needs_root
from lab.archive import write_image
from loadstone.errors import UsageError
from loadstone.lab.image import Image, read_image
from loadstone.lab.kernels import Kernel


def write_arm64(path: Path, banner: bytes) -> Path:
    head = bytearray(0x40000)
    head[0x38:0x3C] = b"ARM\x64"
    head[0x30000 : 0x30000 + len(banner)] = banner
    path.write_bytes(head)
    return path


def test_the_release_of_an_x86_image_is_the_first_word_of_its_version(place: Path) -> None:
    image = write_image(place / "bzImage", "7.3.4+deb13-amd64", " (a@b) #1 SMP Debian 7.3.4-1")
    assert read_image(image) == Image(release="7.3.4+deb13-amd64", architecture="x86_64")


def test_the_release_of_an_arm64_image_is_in_its_banner(place: Path) -> None:
    image = write_arm64(place / "Image", b"Linux version 6.12.1-arm64 (a@b) (gcc)")
    assert read_image(image) == Image(release="6.12.1-arm64", architecture="aarch64")


def test_the_format_of_the_banner_is_not_taken_for_one(place: Path) -> None:
    image = write_arm64(place / "Image", b"Linux version %s (%s)\0Linux version 6.1.2 (a@b)")
    assert read_image(image).release == "6.1.2"


@pytest.mark.parametrize("text", [b"", b"../../etc x", b"6.1/../.. x", b"\xff\xfe", b"$(x)"])
def test_a_release_that_could_not_be_a_name_is_refused(place: Path, text: bytes) -> None:
    image = write_image(place / "bzImage", "")
    data = bytearray(image.read_bytes())
    data[0x600:0x680] = text.ljust(0x80, b"\0")
    image.write_bytes(data)
    with pytest.raises(UsageError, match="has no valid release in it"):
        read_image(image)


@pytest.mark.parametrize("size", [0x206, 0x20F, 0x210, 0x5FF])
def test_an_image_that_was_cut_off_is_refused(place: Path, size: int) -> None:
    image = write_image(place / "bzImage", "6.1.0")
    image.write_bytes(image.read_bytes()[:size])
    with pytest.raises(UsageError, match="has no valid release in it"):
        read_image(image)


def test_an_image_that_says_it_has_no_version_is_refused(place: Path) -> None:
    image = write_image(place / "bzImage", "6.1.0")
    data = bytearray(image.read_bytes())
    data[0x20E:0x210] = b"\0\0"
    data[0x200:0x206] = b"6.HdrS"
    image.write_bytes(data)
    with pytest.raises(UsageError, match="has no valid release in it"):
        read_image(image)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is no kernel image"),
        (b"hello", "is no kernel image"),
        (b"\x7fELF" + bytes(4096), "an ELF file.*; name arch/x86/boot/bzImage"),
        (b"\x1f\x8b" + bytes(4096), "a gzip file; unpack it"),
    ],
)
def test_another_file_is_called_what_it_is(place: Path, data: bytes, words: str) -> None:
    (place / "file").write_bytes(data)
    with pytest.raises(UsageError, match=words):
        read_image(place / "file")


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(path))


@pytest.mark.parametrize("make", [os.mkfifo, make_socket, os.mkdir])
def test_what_is_no_file_is_refused_at_once(
    place: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None]
) -> None:
    monkeypatch.chdir(place)
    make(place / "image")
    with pytest.raises(UsageError, match="no regular file"):
        read_image(place / "image")


@needs_root
@pytest.mark.root
def test_an_image_that_only_root_may_read_is_told_with_the_remedy(place: Path) -> None:
    image = write_image(place / "my vmlinuz", "6.1.0")
    image.chmod(0o600)
    let_everybody_pass(place)
    os.seteuid(NOBODY)
    try:
        with pytest.raises(UsageError, match=r"\(EACCES\); as root: chmod a\+r '.*my vmlinuz'"):
            read_image(image)
    finally:
        os.seteuid(0)


@pytest.mark.lab
@pytest.mark.parametrize("suite", ["bookworm", "trixie-backports"])
def test_debians_images_say_what_their_packages_are_called(
    kernels: Callable[[str], Kernel], suite: str
) -> None:
    kernel = kernels(suite)
    assert read_image(kernel.image).release == kernel.release
    assert kernel.package == f"linux-image-{kernel.release}"
