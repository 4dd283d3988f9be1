"""This machine, to read files on."""

from collections.abc import Iterator

import pytest

from loadstone.targets.local import LocalTarget


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalTarget]:
    """This machine as a Target."""
    target = LocalTarget(tmp_path_factory.mktemp("local"))
    yield target
    target.close()
