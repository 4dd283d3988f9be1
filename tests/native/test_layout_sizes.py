"""The operation layout-sizes: what pieces of files take under each layout."""

import errno
import random
from pathlib import Path
from urllib.parse import quote

import pytest

from loadstone.core import native
from loadstone.model import Job, Outcome

_BLOCK = 4096
_CLUSTERS = tuple(4 << level for level in range(7))


def _run(*pieces: str, **options: str) -> Outcome:
    job = Job(
        operation="layout-sizes",
        options={"pieces": ",".join(pieces), **options},
        samples=("0", "1"),
    )
    return native.run_job(job)


def _words(*pieces: str, **options: str) -> list[list[int]]:
    outcome = _run(*pieces, **options)
    assert outcome.error is None
    texts = "".join(outcome.before[name] for name in ("0", "1"))
    return [list(map(int, line.split())) for line in texts.splitlines()]


def _piece(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return f"0:{len(data)}:1:{path}"


@pytest.mark.parametrize(("algorithm", "level"), [("lz4", "0"), ("lz4hc", "1"), ("zstd", "1")])
def test_what_does_not_shrink_takes_what_it_has(algorithm: str, level: str, tmp_path: Path) -> None:
    blocks = 300
    data = random.Random(1).randbytes(blocks * _BLOCK - 5)
    piece = _piece(tmp_path / "random", data)
    ((code, *words),) = _words(piece, algorithm=algorithm, level=level)
    assert code == 0
    clusters, pclusters, rest = words[:24], words[24:36], words[36:]
    assert clusters == [blocks] * 24
    for stored, _, tail, inline in (pclusters[at : at + 4] for at in range(0, 12, 4)):
        assert stored == blocks
        assert tail * _BLOCK + inline == len(data)
    assert rest == [blocks, blocks, len(data), blocks]


def test_zeros_take_a_block_a_cluster_and_a_part_of_one_stays(tmp_path: Path) -> None:
    """A region and a cluster of 16 KiB, and a block."""
    blocks = 256 + 4 + 1
    ((_, *words),) = _words(_piece(tmp_path / "zeros", bytes(blocks * _BLOCK)))
    for place, cluster in enumerate(_CLUSTERS):
        stored, at_random, windows = words[3 * place : 3 * place + 3]
        # Of lz4, a byte for 255: 1 MiB of zeros has 4 KiB and some, and with its header two blocks.
        each = 2 if cluster == _CLUSTERS[-1] else 1
        whole = blocks // cluster
        assert stored == whole * each + blocks % cluster
        assert at_random == whole * each * cluster + blocks % cluster
        assert windows == whole * each * max(1, cluster // 32) + blocks % cluster
    assert words[21] == 2 + 1 + 1


def test_the_last_block_of_a_file_counts_as_whole_in_its_cluster(tmp_path: Path) -> None:
    """As F2FS has it: 13 KiB of zeros are a cluster of 16 KiB, 12 KiB are none."""
    lines = _words(*(_piece(tmp_path / str(size), bytes(size << 10)) for size in (13, 12)))
    assert [line[1] for line in lines] == [1, 3]


def test_what_reading_met_is_the_line_of_its_piece(tmp_path: Path) -> None:
    odd = tmp_path / "a, b\udcff%"
    whole = _piece(odd, b"x" * 9000).replace(str(odd), quote(bytes(odd)))
    lines = _words(
        whole, f"0:1:1:{tmp_path}/absent", f"0:1:1:{tmp_path}", whole.replace("9000", "9001")
    )
    assert [line[0] for line in lines] == [0, errno.ENOENT, errno.EINVAL, errno.ENODATA]
    assert [len(line) for line in lines] == [41, 1, 1, 1]


def test_many_pieces_are_told_in_several_texts_alike_by_any_number_of_threads(
    tmp_path: Path,
) -> None:
    data = b"".join(b"line %d of a text\n" % number for number in range(9000))
    pieces = [_piece(tmp_path / f"{size}", data[: size * 997]) for size in range(1, 100)]
    one = _words(*pieces)
    assert len(one) == 99
    assert one == _words(*pieces, threads="3")
    assert _words(*pieces[-1:], algorithm="zstd", level="3")[0][1] < one[-1][1]
    assert _words(*pieces[-1:], algorithm="lz4hc", level="9")[0][1] <= one[-1][1]


def test_more_pieces_than_the_texts_hold_are_refused(tmp_path: Path) -> None:
    piece = _piece(tmp_path / "one", b"1")
    outcome = _run(*[piece] * 129)
    assert outcome.error is not None
    assert outcome.error.step == "samples for the texts"
