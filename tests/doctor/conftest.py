"""What several tests of the doctor need."""

import os
from pathlib import Path

import pytest

from doctor.answers import FILE_BYTES


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model file that is all there is in its directory."""
    path = tmp_path / "model.gguf"
    path.write_bytes(os.urandom(FILE_BYTES))
    return path
