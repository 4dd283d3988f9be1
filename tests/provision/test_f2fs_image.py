"""F2FS on a loop device: made as asked, gone at the end; what is missing is said."""

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import MIB, needs, needs_root
from file_systems import needs_f2fs
from loadstone.errors import CannotMeasureError
from loadstone.provision.f2fs_image import f2fs_image
from loadstone.provision.file_system import PACKAGES
from loadstone.provision.journal import Journal
from loadstone.targets.local import LocalTarget

pytestmark = [needs_root, pytest.mark.root, pytest.mark.usefixtures("nothing_is_left")]


@pytest.fixture
def target(place: Path) -> Iterator[LocalTarget]:
    target = LocalTarget(place / "results")
    yield target
    target.close()


@needs_f2fs
def test_it_is_made_with_the_options_and_gone_at_the_end(target: LocalTarget, place: Path) -> None:
    features, options = "extra_attr,compression", "compress_algorithm=lz4,noatime"
    with (
        Journal(place / "results") as journal,
        f2fs_image(
            target,
            journal,
            place,
            16 * MIB,
            mkfs_options=f"-O {features}",
            mount_options=options,
        ) as made,
    ):
        (made.path / "file").write_bytes(b"\xa5" * 16 * MIB)
        (line,) = (
            line for line in Path("/proc/mounts").read_text().splitlines() if str(made.path) in line
        )
        assert line.split()[2] == "f2fs"
        assert "compress_algorithm=lz4" in line
        assert features in shlex.split(str(made.facts["fs.mkfs"]))
        assert made.facts["fs.mkfs"] == f"mkfs.f2fs -f -r -U UUID -O {features} LOOP"
        assert int(Path(made.read_ahead_kb).read_text()) >= 0
        assert Path(f"/sys/dev/block/{made.number}/loop/backing_file").exists()
    assert [path.name for path in place.iterdir()] == ["results"]


@needs_f2fs
def test_an_option_that_mkfs_or_the_kernel_refuses_is_told(
    target: LocalTarget, place: Path
) -> None:
    with Journal(place / "results") as journal:
        with (
            pytest.raises(CannotMeasureError, match=r"mkfs\.f2fs .*gold"),
            f2fs_image(target, journal, place, MIB, mkfs_options="-O gold"),
        ):
            pytest.fail("it was made")
        with (
            pytest.raises(CannotMeasureError, match="mount -t f2fs -o gold "),
            f2fs_image(target, journal, place, MIB, mount_options="gold"),
        ):
            pytest.fail("it was mounted")


@needs("mkfs.f2fs")
def test_a_kernel_without_it_is_told(target: LocalTarget, place: Path) -> None:
    if "\tf2fs\n" in Path("/proc/filesystems").read_text():
        pytest.skip("this kernel has F2FS: run it on one that has none")
    with (
        Journal(place / "results") as journal,
        pytest.raises(CannotMeasureError, match=r"modprobe f2fs: .*module f2fs in /lib/modules"),
        f2fs_image(target, journal, place, MIB),
    ):
        pytest.fail("it was mounted")


def test_no_room_is_told(target: LocalTarget, place: Path) -> None:
    with (
        Journal(place / "results") as journal,
        pytest.raises(CannotMeasureError, match=r"are needed, and only .*smaller --size"),
        f2fs_image(target, journal, place, 1 << 52),
    ):
        pytest.fail("it was made")


def test_no_mkfs_names_its_package(
    target: LocalTarget, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loadstone.programs._SBIN_DIRECTORIES", ())
    monkeypatch.setenv("PATH", str(place))
    with (
        Journal(place / "results") as journal,
        pytest.raises(CannotMeasureError, match=rf"no program mkfs\.f2fs .*{PACKAGES['f2fs']}"),
        f2fs_image(target, journal, place, MIB),
    ):
        pytest.fail("it was made")
