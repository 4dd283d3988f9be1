"""Fetching kernels through apt, from an archive on this disk."""

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest

from commands import Command, needs_root
from lab.archive import MODULE, RELEASE, SUITE, Archive
from loadstone.errors import CannotMeasureError, UsageError
from loadstone.lab.cache import StockKernel, stock_kernels
from loadstone.lab.debian import fetch, remove
from loadstone.lab.mirror import find_mirror

X86 = "x86_64"


@pytest.fixture(autouse=True)
def cache(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = place / "a cache, with: everything"
    monkeypatch.setenv("LOADSTONE_CACHE", str(path))
    return path


def get(archive: Archive, suite: str = SUITE) -> StockKernel:
    return fetch(suite, mirror=archive.mirror, keyring=archive.keyring, architecture=X86)


def partials(cache: Path) -> list[Path]:
    return list(cache.glob("kernels/*/*/.*"))


def check_whole(kernel: StockKernel) -> None:
    assert kernel.image.read_bytes()[0x202:0x206] == b"HdrS"
    assert MODULE in (kernel.modules / "modules.dep").read_text()
    assert (kernel.directory / f"boot/config-{kernel.release}").is_file()
    names = {path.name for path in kernel.directory.iterdir()}
    assert names == {"boot", "lib", "kernel.json"}
    assert not (kernel.modules / "build").is_symlink()


@pytest.mark.parametrize("is_merged", [False, True])
def test_both_layouts_of_debian_become_one(archive: Archive, cache: Path, is_merged: bool) -> None:
    archive.clear()
    archive.add("1.2-3", is_merged=is_merged)
    kernel = get(archive)
    assert kernel == StockKernel(
        suite=SUITE,
        release=RELEASE,
        package=f"linux-image-{RELEASE}",
        version="1.2-3",
        architecture=X86,
    )
    check_whole(kernel)
    assert stock_kernels(X86) == [kernel]
    assert not partials(cache)
    assert not list(cache.rglob("*.deb"))


def test_what_is_here_is_not_fetched_again(archive: Archive) -> None:
    before = get(archive).directory.stat()
    for package in archive.packages():
        package.unlink()
    assert get(archive).directory.stat().st_ino == before.st_ino


def test_a_newer_version_is_fetched_and_the_older_stays(archive: Archive) -> None:
    older = get(archive)
    archive.add("1.10~rc1")
    archive.add("1.9")
    newest = get(archive)
    assert newest.version == "1.10~rc1"
    assert stock_kernels(X86) == [newest, older]
    check_whole(newest)
    check_whole(older)


def snapshot(*places: str) -> dict[str, tuple[int, int, int]]:
    return {
        str(path): (path.lstat().st_size, path.lstat().st_mtime_ns, path.lstat().st_ino)
        for place in places
        for path in (Path(place), *Path(place).rglob("*"))
    }


def test_the_machines_apt_is_left_as_it_was(archive: Archive) -> None:
    places = ("/etc/apt", "/var/lib/apt", "/var/cache/apt", "/var/lib/dpkg")
    before = snapshot(*places)
    get(archive)
    assert snapshot(*places) == before


def test_hooks_and_pins_of_the_machine_do_not_take_part(
    archive: Archive, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "pins").write_text("Package: *\nPin: release *\nPin-Priority: -1\n")
    (place / "apt.conf").write_text(
        f'APT::Update::Pre-Invoke {{ "touch {place}/hooked"; }};\n'
        f'APT::Update::Post-Invoke {{ "touch {place}/hooked"; }};\n'
        f'APT::Update::Post-Invoke-Success {{ "touch {place}/hooked"; }};\n'
        f'Dir::Etc::Preferences "{place}/pins";\n'
        'APT::Default-Release "nosuch";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(place / "apt.conf"))
    check_whole(get(archive))
    assert not (place / "hooked").exists()


def test_a_proxy_of_the_machine_still_applies(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "apt.conf").write_text(
        'Acquire::http::Proxy "http://127.0.0.1:9";\nAcquire::Retries "0";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(place / "apt.conf"))
    with pytest.raises(CannotMeasureError, match=r"127\.0\.0\.1:9.*check the network"):
        fetch(SUITE, mirror="http://archive.invalid/debian", architecture=X86)


def test_no_setting_of_the_machine_lets_an_unsigned_archive_in(
    archive: Archive, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.publish(key=None)
    (place / "apt.conf").write_text(
        'Acquire::AllowInsecureRepositories "true";\n'
        'APT::Get::AllowUnauthenticated "true";\n'
        'Acquire::AllowDowngradeToInsecureRepositories "true";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(place / "apt.conf"))
    with pytest.raises((CannotMeasureError, UsageError), match=r"not signed|no longer signed"):
        get(archive)
    assert stock_kernels(X86) == []


def test_a_strangers_signature_is_refused(archive: Archive) -> None:
    archive.publish_by_a_stranger()
    with pytest.raises(CannotMeasureError, match=r"does not trust.*NO_PUBKEY.*--keyring"):
        get(archive)
    assert stock_kernels(X86) == []


def test_lists_that_were_changed_after_signing_are_refused(archive: Archive) -> None:
    for index in (archive.place / "debian/dists" / SUITE).rglob("Packages*"):
        is_packed = index.suffix == ".gz"
        data = gzip.decompress(index.read_bytes()) if is_packed else index.read_bytes()
        data = data.replace(b"Version: 1", b"Version: 2")
        index.write_bytes(gzip.compress(data) if is_packed else data)
    with pytest.raises(CannotMeasureError, match="does not trust"):
        get(archive)
    assert stock_kernels(X86) == []


def test_a_package_that_was_changed_after_signing_is_refused(archive: Archive, cache: Path) -> None:
    package = next(path for path in archive.packages() if RELEASE in path.name)
    data = bytearray(package.read_bytes())
    data[-1] ^= 1
    package.write_bytes(data)
    with pytest.raises(CannotMeasureError, match=r"does not trust.*Hash Sum"):
        get(archive)
    assert stock_kernels(X86) == []
    assert not partials(cache)


def test_an_unknown_suite_is_told_with_apts_words_and_the_known_ones(
    archive: Archive, cache: Path
) -> None:
    with pytest.raises(UsageError, match=r"no suite nosuch .*Release file.*trixie-backports"):
        get(archive, "nosuch")
    assert not (cache / "apt" / X86 / "nosuch").exists()


@pytest.mark.parametrize("name", ["6.1.0-50-amd64", "../x", "a b", "", "-o", "A"])
def test_what_cannot_be_a_suite_never_reaches_apt(name: str, cache: Path) -> None:
    with pytest.raises(UsageError, match="is not the name of a suite; name one of bookworm"):
        fetch(name, mirror="file:/nosuch")
    assert not cache.exists()


@pytest.mark.parametrize("mirror", ["deb.debian.org", "http://x y", "http://x\nTrusted: yes"])
def test_a_mirror_is_a_uri_and_nothing_more(mirror: str) -> None:
    with pytest.raises(UsageError, match="write a URI"):
        fetch(SUITE, mirror=mirror)


def test_a_missing_keyring_is_named(archive: Archive) -> None:
    with pytest.raises(UsageError, match="--keyring /nosuch: cannot be read"):
        fetch(SUITE, mirror=archive.mirror, keyring=Path("/nosuch"), architecture=X86)


def test_a_keyring_that_apt_could_not_name_is_told(archive: Archive, place: Path) -> None:
    keyring = place / "my keys.gpg"
    keyring.write_bytes(archive.keyring.read_bytes())
    with pytest.raises(UsageError, match="path has spaces"):
        fetch(SUITE, mirror=archive.mirror, keyring=keyring, architecture=X86)


def test_an_unknown_architecture_is_told() -> None:
    with pytest.raises(UsageError, match="no Debian kernels for riscv64"):
        fetch(SUITE, mirror="file:/nosuch", architecture="riscv64")


def test_too_little_space_is_told_before_anything_is_downloaded(
    archive: Archive, cache: Path
) -> None:
    archive.clear()
    archive.add("1", installed_kib=1 << 40)
    with pytest.raises(CannotMeasureError, match=r"needs 1\d+ MB in .* are free; free space"):
        get(archive)
    assert not list(cache.rglob("*.deb"))


@needs_root
@pytest.mark.root
def test_a_disk_that_fills_up_while_unpacking_leaves_nothing_half_done(
    archive: Archive, loadstone: Command, cache: Path
) -> None:
    archive.clear()
    archive.add("1", installed_kib=16, ballast_bytes=2 << 20)
    cache.mkdir()
    mounted = 'mount -t tmpfs -o size=4m none "$0" && "$@"; code=$?; find "$0"; exit $code'
    words = ("unshare", "--mount", "sh", "-c", mounted, str(cache))
    done = loadstone(
        "lab", "kernels", "fetch", SUITE, *archive.options,
        before=words, env={"LOADSTONE_CACHE": str(cache)},
    )  # fmt: skip
    assert done.code == 3
    assert "No space left on device" in done.complaint
    assert str(cache) in done.out
    assert ".partial" not in done.out
    assert "kernel.json" not in done.out


def test_a_missing_program_is_told_with_its_package(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(place))
    with pytest.raises(CannotMeasureError, match="no apt-get here; install the Debian package apt"):
        fetch(SUITE, mirror="file:/nosuch")


def shim(place: Path, name: str, script: str) -> dict[str, str]:
    """An environment in which a program is replaced."""
    directory = place / "shims"
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(f"#!/bin/sh\n{script}\n")
    (directory / name).chmod(0o755)
    return {"PATH": f"{directory}:{os.environ['PATH']}"}


def test_a_fetch_that_was_killed_leaves_nothing_to_boot_and_the_next_one_tidies_up(
    archive: Archive, loadstone: Command, cache: Path, place: Path
) -> None:
    env = {"LOADSTONE_CACHE": str(cache), **shim(place, "depmod", "kill -KILL $PPID")}
    done = loadstone("lab", "kernels", "fetch", SUITE, *archive.options, env=env)
    assert done.code == -9
    assert partials(cache)
    assert stock_kernels(X86) == []
    check_whole(get(archive))
    assert not partials(cache)


def test_of_two_fetches_at_once_the_second_finds_it_done(
    archive: Archive, loadstone: Command, cache: Path, place: Path
) -> None:
    ready, go = place / "ready", place / "go"
    os.mkfifo(ready)
    os.mkfifo(go)
    script = f'echo > {ready}; cat {go}; exec /usr/sbin/depmod "$@"'
    words = ("lab", "kernels", "fetch", SUITE, *archive.options)
    env = {"LOADSTONE_CACHE": str(cache)}
    first = loadstone.start(*words, env={**env, **shim(place, "depmod", script)})
    ready.read_text()
    second = loadstone.start(*words, env=env)
    assert second.stderr is not None
    assert b"waiting for another loadstone" in second.stderr.readline()
    go.write_text("")
    assert first.wait(60) == 0
    _, err = second.communicate(timeout=60)
    assert second.returncode == 0
    assert b"unpacking" not in err
    assert len(stock_kernels(X86)) == 1


@needs_root
@pytest.mark.root
def test_a_user_without_rights_can_fetch(
    archive: Archive, loadstone: Command, as_nobody: tuple[str, ...], place: Path
) -> None:
    env = {"LOADSTONE_CACHE": str(place / "own"), "PATH": "/usr/bin:/bin"}
    done = loadstone("lab", "kernels", "fetch", SUITE, *archive.options, before=as_nobody, env=env)
    assert done.code == 0, done.err
    assert f"{SUITE}: {RELEASE} (1)" in done.out


def test_the_umask_of_a_careful_user_does_no_harm(archive: Archive) -> None:
    umask = os.umask(0o077)
    try:
        check_whole(get(archive))
    finally:
        os.umask(umask)


def test_removing_a_suite_gives_back_all_that_it_took(archive: Archive, cache: Path) -> None:
    kernel = get(archive)
    assert kernel.size_bytes() > 4096
    assert remove(SUITE, architecture=X86) == [kernel]
    assert stock_kernels(X86) == []
    assert not [path for path in cache.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_removing_a_release_leaves_the_others(archive: Archive) -> None:
    one = get(archive)
    archive.add("2", release="9.9.2-test-amd64")
    other = get(archive)
    assert remove(RELEASE, architecture=X86) == [one]
    assert stock_kernels(X86) == [other]


def test_removing_what_is_not_here_is_told(archive: Archive) -> None:
    get(archive)
    with pytest.raises(UsageError, match=rf"no kernel sid was fetched \(here: {SUITE}\); "):
        remove("sid", architecture=X86)


def test_a_damaged_kernel_is_told_and_not_booted(archive: Archive) -> None:
    kernel = get(archive)
    kernel.image.unlink()
    with pytest.raises(UsageError, match=r"is damaged: .*delete that directory"):
        stock_kernels(X86)


SOURCES = {
    "deb http://security.debian.org/debian-security bookworm-security main": None,
    "deb https://download.docker.com/linux/debian bookworm stable": None,
    "deb http://archive.ubuntu.com/ubuntu noble main": None,
    "deb http://mirror.example.org/debian bookworm main contrib": "http://mirror.example.org/debian/",
    "deb http://mirror.example.org/debian stable-updates main": "http://mirror.example.org/debian/",
}


@pytest.mark.parametrize(("line", "mirror"), SOURCES.items())
def test_the_machines_own_debian_source_is_found_and_no_other(
    line: str, mirror: str | None, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "sources.list").write_text(f"{line}\n")
    (place / "apt.conf").write_text(
        f'Dir::Etc::SourceList "{place}/sources.list";\n'
        f'Dir::Etc::SourceParts "/dev/null";\nDir::State "{place}";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(place / "apt.conf"))
    if mirror is not None:
        assert find_mirror() == mirror
        return
    with pytest.raises(UsageError, match="no Debian package source; name one with --mirror"):
        find_mirror()


def test_a_cache_that_cannot_be_written_is_told(
    archive: Archive, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "file").touch()
    monkeypatch.setenv("LOADSTONE_CACHE", str(place / "file"))
    with pytest.raises(CannotMeasureError, match=r"cannot write .*LOADSTONE_CACHE"):
        get(archive)


def test_a_download_that_was_cut_off_is_gone_on_from(archive: Archive, cache: Path) -> None:
    package = next(path for path in archive.packages() if RELEASE in path.name)
    downloads = cache / "apt" / X86 / SUITE / "downloads"
    downloads.mkdir(parents=True)
    (downloads / package.name).write_bytes(package.read_bytes()[:1000])
    (downloads / "linux-image-0_0_amd64.deb").write_bytes(b"of an older fetch")
    check_whole(get(archive))


def test_importing_the_fetcher_needs_nothing_heavy() -> None:
    code = "import sys, loadstone.lab.kernels; print('scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
