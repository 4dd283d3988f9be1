"""Operations that make an update and read it: under both compilers' sanitizers, and broken."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devices import checksum, loop
from native import places
from native.programs import Failure, Program, finish

pytestmark = [pytest.mark.native, pytest.mark.root]

_MIB = 1 << 20
# No multiple of what is read and written at once, nor of a piece.
_BYTES = 2 * _MIB + 3 * 4096
_PIECE = 16384
_CHANGED = 32 * _PIECE


@pytest.fixture
def image(tmp_path: Path) -> Iterator[str]:
    """A device with what the update results in."""
    places.need_root()
    with loop(tmp_path / "image", size_bytes=_BYTES) as device:
        yield device


@pytest.fixture
def updated(tmp_path: Path) -> Iterator[str]:
    """Another that holds the same."""
    with loop(tmp_path / "updated", size_bytes=_BYTES) as device:
        yield device


def content(device: str) -> bytes:
    return Path(device).read_bytes()


def differing(one: bytes, other: bytes) -> list[int]:
    """The pieces of which any byte differs."""
    starts = range(0, len(one), _PIECE)
    return [at // _PIECE for at in starts if one[at : at + _PIECE] != other[at : at + _PIECE]]


def test_an_update_changes_every_byte_of_its_pieces_and_no_other(
    checked: Program, image: str, updated: str
) -> None:
    right = content(image)
    options: dict[str, Any] = {"image": image, "device": updated, "changed": _CHANGED}
    answer = checked.run("write-update", write="before", piece=_PIECE, **options)
    assert answer.failure is None
    assert answer.values["written_bytes"] == _BYTES
    before = content(updated)
    pieces = differing(before, right)
    assert len(pieces) == _CHANGED // _PIECE
    # Anywhere in it, but for what is less than a piece.
    assert pieces[0] < 16
    assert 100 < pieces[-1] < _BYTES // _PIECE
    for piece in pieces:
        there = slice(piece * _PIECE, (piece + 1) * _PIECE)
        assert before[there] == bytes(byte ^ 0xFF for byte in right[there])
    answer = checked.run("write-update", write="pieces", piece=_PIECE, **options)
    assert answer.failure is None
    assert answer.values["written_bytes"] == _CHANGED
    assert content(updated) == right
    assert checksum(image) == checksum(updated)


def test_other_pieces_are_changed_by_another_seed(
    checked: Program, image: str, updated: str
) -> None:
    found = []
    for seed in (1, 2, 1):
        options: dict[str, Any] = {"changed": _CHANGED, "piece": _PIECE, "seed": seed}
        checked.run("write-update", image=image, device=updated, write="before", **options)
        found.append(differing(content(image), content(updated)))
    assert found[0] == found[2] != found[1]


def test_nothing_and_all_of_it_can_be_changed(checked: Program, image: str, updated: str) -> None:
    for changed, pieces in ((0, 0), (2 * _MIB, 128)):
        answer = checked.run(
            "write-update",
            image=image,
            device=updated,
            write="before",
            changed=changed,
            piece=_PIECE,
        )
        assert answer.failure is None
        assert len(differing(content(image), content(updated))) == pieces


@pytest.mark.parametrize("pattern", ["random", "sequential"])
def test_every_way_of_reading_an_update_is_clean(
    checked: Program, image: str, updated: str, pattern: str
) -> None:
    for threads, block, stride in ((1, 4096, 0), (3, 12288, 65536), (9, _MIB, 4096)):
        answer = checked.run(
            "merge-read",
            device=updated,
            image=image,
            compared=updated,
            threads=threads,
            block=block,
            total=18 * _MIB,
            pattern=pattern,
            warm_stride=stride,
        )
        assert answer.failure is None
        assert answer.values["reads"] == 18 * _MIB // block // threads * threads
        assert answer.values["bytes"] == answer.values["reads"] * block
        assert answer.values["verified_bytes"] == _BYTES
        assert "merged_bytes" not in answer.values
        assert (answer.histograms, answer.spans) == (1, 1)
    assert checksum(image) == checksum(updated)


def test_readers_race_for_nothing(thread_checked: Program, image: str, updated: str) -> None:
    answer = thread_checked.run(
        "merge-read", device=updated, image=image, compared=updated, threads=8, total=_MIB
    )
    assert answer.failure is None


@pytest.mark.parametrize("wrong", ["device", "compared"])
def test_what_is_not_the_updated_image_is_told_with_where(
    checked: Program, image: str, updated: str, tmp_path: Path, wrong: str
) -> None:
    with loop(tmp_path / "other", size_bytes=_BYTES) as other:
        with Path(other).open("r+b") as stream:
            stream.seek(5 * 4096 + 17)
            stream.write(b"another")
        devices = {"device": updated, "compared": updated, wrong: other}
        answer = checked.run(
            "merge-read", image=image, pattern="sequential", total=_BYTES, block=12288, **devices
        )
        assert answer.failure == Failure("EBADMSG", "verify", other, 5 * 4096)


@pytest.mark.parametrize(
    ("operation", "options", "expected"),
    [
        ("write-update", {"piece": 2048}, ("ERANGE", "option", "piece")),
        ("write-update", {"piece": 12288}, ("ERANGE", "option", "piece")),
        ("write-update", {"piece": 2 * _MIB}, ("ERANGE", "option", "piece")),
        ("write-update", {"changed": 4096}, ("ERANGE", "option", "changed")),
        ("write-update", {"changed": 4 * _MIB}, ("ERANGE", "option", "changed")),
        ("write-update", {"write": "all"}, ("EINVAL", "option", "write")),
        ("write-update", {"image": "/nowhere"}, ("ENOENT", "query device", "/nowhere")),
        ("write-update", {"image": "/dev/null"}, ("ENOTBLK", "query device", "/dev/null")),
        ("merge-read", {"threads": 0}, ("ERANGE", "option", "threads")),
        ("merge-read", {"threads": 1024}, ("ERANGE", "option", "threads")),
        ("merge-read", {"block": 512}, ("ERANGE", "option", "block")),
        ("merge-read", {"block": 2 * _MIB}, ("ERANGE", "option", "block")),
        ("merge-read", {"block": 4608}, ("EINVAL", "block of the device", "DEVICE")),
        ("merge-read", {"total": 4095}, ("ERANGE", "option", "total")),
        ("merge-read", {"total": 1 << 63}, ("ERANGE", "option", "total")),
        ("merge-read", {"image": "/nowhere"}, ("ENOENT", "query device", "/nowhere")),
        ("merge-read", {"compared": "/dev/null"}, ("ENOTBLK", "query device", "/dev/null")),
        ("merge-read", {"verity": "vg-root"}, ("EPERM", "device-mapper name", "vg-root")),
        ("merge-read", {"snapshot": "vg-root"}, ("EPERM", "device-mapper name", "vg-root")),
    ],
)
def test_what_cannot_be_done_is_named_and_nothing_is_written(
    checked: Program,
    image: str,
    updated: str,
    operation: str,
    options: dict[str, Any],
    expected: tuple[str, ...],
) -> None:
    before = checksum(updated)
    asked: dict[str, Any] = {"image": image, "device": updated}
    if operation == "write-update":
        asked |= {"write": "before", "changed": _CHANGED, "piece": _PIECE}
    else:
        asked |= {"compared": updated, "total": _MIB}
    failure = checked.run(operation, **{**asked, **options}).failure
    assert failure is not None
    code, step, path = expected
    assert failure[:3] == (code, step, updated if path == "DEVICE" else path)
    assert checksum(updated) == before


@pytest.mark.parametrize("operation", ["write-update", "merge-read"])
def test_a_device_that_is_smaller_than_the_image_is_refused(
    checked: Program, image: str, tmp_path: Path, operation: str
) -> None:
    with loop(tmp_path / "small", size_bytes=_MIB) as small:
        asked: dict[str, Any] = (
            {"write": "before", "changed": 0}
            if operation == "write-update"
            else {"compared": small}
        )
        failure = checked.run(operation, image=image, device=small, **asked).failure
        assert failure is not None
        assert failure[:3] == ("ENOSPC", "query device", small)


@pytest.mark.parametrize(
    ("operation", "call", "step", "offset"),
    [
        ("write-update", "pwrite64", "O_DIRECT write", _MIB),
        ("write-update", "fsync", "fsync", -1),
        ("merge-read", "pread64", "O_DIRECT read", 4096),
    ],
)
def test_a_call_that_fails_is_told(
    job: Program,
    image: str,
    updated: str,
    tmp_path: Path,
    operation: str,
    call: str,
    step: str,
    offset: int,
) -> None:
    places.need_tool("strace", "strace")
    when = 1 if call == "fsync" else 2
    words = ["strace", "-f", "-qq", "-o", str(tmp_path / "log"), "-P", updated]
    words += ["-e", f"inject={call}:error=EIO:when={when}"]
    asked: dict[str, Any] = {"image": image, "device": updated}
    if operation == "write-update":
        asked |= {"write": "before", "changed": 0}
    else:
        asked |= {"compared": updated, "pattern": "sequential"}
    answer = finish(job.under(*words, finds_leaks=False).start(operation, **asked))
    assert "(INJECTED)" in (tmp_path / "log").read_text()
    assert answer.failure == Failure("EIO", step, updated, offset)
