"""Files in pieces, without those that lie in holes."""

import os
from pathlib import Path

from loadstone.layout.pieces import PIECE_BYTES, Piece, pieces_of
from loadstone.layout.walk import RegularFile, walk


def _pieces(path: Path) -> list[Piece]:
    (file,) = walk([str(path)])
    assert isinstance(file, RegularFile)
    return list(pieces_of(file))


def test_a_file_is_cut_and_its_end_is_marked(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(bytes(PIECE_BYTES + 1))
    assert [(one.offset, one.piece_bytes, one.is_last) for one in _pieces(path)] == [
        (0, PIECE_BYTES, False),
        (PIECE_BYTES, 1, True),
    ]


def test_an_empty_file_has_no_piece(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert not _pieces(tmp_path / "empty")


def test_only_pieces_with_data_are_left_of_a_file_with_holes(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    path.touch()
    os.truncate(path, 1 << 40)
    assert not _pieces(path)
    with path.open("r+b") as stream:
        stream.seek(1 << 39)
        stream.write(b"x")
    (piece,) = _pieces(path)
    assert (piece.offset, piece.piece_bytes, piece.is_last) == (1 << 39, PIECE_BYTES, False)
