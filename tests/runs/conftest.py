"""What several tests of Runs need."""

from pathlib import Path

import pytest

from fake_phone import Phone


@pytest.fixture
def phone(tmp_path: Path) -> Phone:
    return Phone(tmp_path / "phone")
