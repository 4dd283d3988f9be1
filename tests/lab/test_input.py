"""The input of a Plan in a guest: all of it lies on the simulated device."""

import io
from pathlib import Path

from loadstone.lab import inside
from loadstone.model import Input


def test_what_is_made_of_a_users_file_lies_where_its_copy_does(place: Path) -> None:
    (place / "file").write_bytes(b"data")
    storage = place / "storage"
    storage.mkdir()
    said = io.BytesIO()
    placed = inside.placed_input(
        Input(file=str(place / "file")), storage, inside.HostObserver(said)
    )
    assert placed == Input(file=str(storage / "file"), directory=str(storage))
    assert (storage / "file").read_bytes() == b"data"
    assert b"to the storage" in said.getvalue()


def test_what_is_made_without_a_file_lies_there_too(place: Path) -> None:
    wanted = Input(size_bytes=4096)
    placed = inside.placed_input(wanted, place, inside.HostObserver(io.BytesIO()))
    assert placed == Input(size_bytes=4096, directory=str(place))
