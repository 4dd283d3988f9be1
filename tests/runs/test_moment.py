"""When something happens is the same for all processes of a boot."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from commands import needs_root
from loadstone.runs.moment import now


def _elsewhere(*before: str) -> int:
    code = "from loadstone.runs.moment import now; print(now().boottime_ns)"
    done = subprocess.run(
        [*before, sys.executable, "-c", code], stdout=subprocess.PIPE, check=True, timeout=60
    )
    return int(done.stdout)


def test_a_moment_has_the_clock_s_time_in_utc_and_the_boot() -> None:
    before, moment, after = datetime.now(UTC), now(), datetime.now(UTC)
    assert before <= moment.clock <= after
    assert moment.clock_text.endswith("+00:00")
    assert moment.boot == now().boot != ""


@needs_root
@pytest.mark.parametrize("offset_s", ["86400", "-60"])
def test_a_time_namespace_is_no_other_time(offset_s: str) -> None:
    earlier = now().boottime_ns
    inside = _elsewhere("unshare", "--time", "--boottime", offset_s)
    assert earlier < inside < now().boottime_ns
