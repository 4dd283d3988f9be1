"""What a Workload takes, found by trying."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from loadstone.errors import LoadstoneError, UsageError
from loadstone.model import Input
from loadstone.provision.journal import Journal
from loadstone.targets.local import LocalTarget
from loadstone.workloads import Workload, workloads

WORKLOADS = list(workloads().values())


@pytest.fixture(scope="module")
def takes_files(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bool]:
    """Whether a Workload takes --file and --size, found by asking it for a size."""
    place = tmp_path_factory.mktemp("place")
    return {one.name: _takes_size(one, place) for one in WORKLOADS}


def _takes_size(chosen: Workload, place: Path) -> bool:
    target, input = LocalTarget(place), Input(size_bytes=1 << 20, directory=str(place))
    try:
        with (
            Journal(place) as journal,
            chosen.prepare(target, input, (), journal, lambda _: None),
        ):
            return True
    except UsageError as error:
        assert "takes no --file and no --size" in error.what
        return False
    except LoadstoneError:
        # It was willing: this machine is not.
        return True
    finally:
        target.close()
