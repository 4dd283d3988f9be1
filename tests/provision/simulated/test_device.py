"""The simulated device where it needs no guest: what a kernel lacks or refuses is told."""

import os
from pathlib import Path

import msgspec
import pytest

from loadstone.errors import CannotMeasureError
from loadstone.provision.simulated.device import simulated_device
from loadstone.provision.simulated.profile import find_profile

NO_NULL_BLK = "this kernel has null_blk; take one without, where a lab test makes the device"
HAS_NULL_BLK = Path("/sys/module/null_blk").is_dir() or any(
    "/null_blk.ko" in line
    for path in (Path("/lib/modules") / os.uname().release).glob("modules.dep")
    for line in path.read_text().splitlines()
)


@pytest.mark.skipif(HAS_NULL_BLK, reason=NO_NULL_BLK)
def test_a_kernel_without_null_blk_is_told_by_the_modules_name() -> None:
    with (
        pytest.raises(CannotMeasureError, match=r"modprobe null_blk: .*null_blk"),
        simulated_device(find_profile("ufs40"), 1 << 30),
    ):
        pytest.fail("there is no null_blk here")


def test_a_profile_survives_the_way_to_the_guest() -> None:
    profile = find_profile("zoned")
    assert msgspec.json.decode(msgspec.json.encode(profile), type=type(profile)) == profile
