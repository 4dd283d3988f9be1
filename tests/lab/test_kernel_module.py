"""Our kernel module, built and loaded in a guest, where its own tests are carried out."""

import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.laboratory import NEW, OLD, REPOSITORY, carried_out
from loadstone.lab.kernels import Kernel
from loadstone.lab.module_build import build

_MODULE = REPOSITORY / "native" / "kernel"
_LIMIT_S = 1500
_BODY = """
mountpoint -q /sys/fs/cgroup || mount -t cgroup2 cgroup2 /sys/fs/cgroup
echo +memory > /sys/fs/cgroup/cgroup.subtree_control
insmod {module}
modprobe null_blk nr_devices=0
mkdir /run/loadstone/place
mount -t tmpfs tmpfs /run/loadstone/place
cd {repository}
export TMPDIR=/run/loadstone/place PYTHONDONTWRITEBYTECODE=1 HOME=/run/loadstone
{python} -m pytest tests/kernel_module -p no:cacheprovider -ra --durations=5 \
    --basetemp /run/loadstone/place/inside 2>&1 || true
rmmod loadstone_fill && echo "removed at the end"
"""


@pytest.mark.lab
@pytest.mark.usefixtures("lab")
def test_its_own_tests_pass_in_a_guest_and_it_can_be_removed_afterwards(
    kernels_with_headers: Callable[[str], Kernel], tmp_path: Path
) -> None:
    kernel = kernels_with_headers(NEW)
    module = tmp_path / "loadstone_fill.ko"
    module.write_bytes(_built(kernel))
    body = _BODY.format(
        module=shlex.quote(str(module)),
        repository=shlex.quote(str(REPOSITORY)),
        python=shlex.quote(sys.executable),
    )
    told = "\n".join(carried_out(kernel, tmp_path, body, _LIMIT_S))
    assert re.search(r"^=+ [1-9]\d* passed in ", told, re.MULTILINE), told
    assert "removed at the end" in told, told


@pytest.mark.lab
def test_it_builds_for_the_oldest_kernel_too(
    kernels_with_headers: Callable[[str], Kernel],
) -> None:
    assert _built(kernels_with_headers(OLD))


def _built(kernel: Kernel) -> bytes:
    (file,) = build(_MODULE, kernel, lambda _: None).files
    return file.content
