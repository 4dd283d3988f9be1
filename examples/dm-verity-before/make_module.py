#!/usr/bin/env python3
"""Make a directory with the dm-verity of Linux 6.1 as it was before readahead was left alone.

Takes six files of Debian's linux-source-6.1 and undoes two changes in them:

* commit 0193e3966cee (Linux 6.7): a readahead that failed is not corrected, as the data may be
  sound and only the device suspended. The condition is taken out.
* commit 9177f3c0dea6 (Linux 6.8): a block whose hash is wrong is read once more before it is
  corrected. The second read is left out: it would wait until the device is resumed, and find
  that nothing was wrong.

Nothing of the kernel's sources is kept here. The directory is one for ``loadstone lab run
--module``.
"""

import argparse
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

_PACKAGE = "linux-source-6.1"
_FILES = (
    "dm-verity.h",
    "dm-verity-fec.c",
    "dm-verity-fec.h",
    "dm-verity-target.c",
    "dm-verity-verify-sig.c",
    "dm-verity-verify-sig.h",
)
_KBUILD = """\
obj-m := dm-verity.o
dm-verity-y := dm-verity-target.o
dm-verity-$(CONFIG_DM_VERITY_FEC) += dm-verity-fec.o
dm-verity-$(CONFIG_DM_VERITY_VERIFY_ROOTHASH_SIG) += dm-verity-verify-sig.o
"""
_CHANGES = (
    (
        "verity_is_system_shutting_down() ||\n\t     (bio->bi_opf & REQ_RAHEAD))) {",
        "verity_is_system_shutting_down())) {",
    ),
    (
        "} else if (verity_recheck(v, io, start, cur_block) == 0) {",
        "} else if (0 && verity_recheck(v, io, start, cur_block) == 0) {",
    ),
)


def main() -> int:
    """Write the directory; 2 where that cannot be done."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("directory", type=Path, help="is made; must not be there yet")
    parser.add_argument(
        "--source",
        type=Path,
        help="linux-source-6.1.tar.xz [downloaded by apt: 140 MB]",
    )
    given = parser.parse_args()
    try:
        given.directory.mkdir(parents=True)
        with tempfile.TemporaryDirectory() as place:
            _take_files(given.source or _download(Path(place)), given.directory)
        _change(given.directory / "dm-verity-target.c")
        (given.directory / "Kbuild").write_text(_KBUILD)
    except (OSError, tarfile.TarError, subprocess.CalledProcessError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _download(place: Path) -> Path:
    subprocess.run(["apt-get", "download", "-qq", _PACKAGE], check=True, cwd=place)
    (package,) = place.glob(f"{_PACKAGE}_*.deb")
    subprocess.run(["dpkg-deb", "--extract", package, place], check=True)
    return place / "usr" / "src" / f"{_PACKAGE}.tar.xz"


def _take_files(source: Path, directory: Path) -> None:
    wanted = {f"{_PACKAGE}/drivers/md/{name}": directory / name for name in _FILES}
    # As a stream: what is wanted lies in the archive's middle, and none of it twice.
    with tarfile.open(source, "r|*") as archive:
        for member in archive:
            path = wanted.pop(member.name, None)
            content = archive.extractfile(member) if path else None
            if path and content:
                path.write_bytes(content.read())
            if not wanted:
                return
    raise ValueError(f"{source} has no {', '.join(wanted)}: take {_PACKAGE}")


def _change(file: Path) -> None:
    text = file.read_text()
    for before, after in _CHANGES:
        if text.count(before) != 1:
            raise ValueError(f"{file.name} does not have this once: {before!r}: take {_PACKAGE}")
        text = text.replace(before, after)
    file.write_text(text)


if __name__ == "__main__":
    sys.exit(main())
