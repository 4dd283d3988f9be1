"""dmsetup, where udev may or may not be."""

import os
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

Lower = Callable[[str], AbstractContextManager[str]]
"""Makes a device of a table over a loop device, which the table calls LOOP."""


def dmsetup(*words: str) -> str:
    """What dmsetup prints."""
    done = subprocess.run(
        ["dmsetup", *words],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **({} if is_udev() else {"DM_DISABLE_UDEV": "1"})},
    )
    return done.stdout


def is_udev() -> bool:
    return Path("/run/udev/control").exists()


def node_of(name: str) -> str:
    """Without udev nobody but the kernel makes a node."""
    minor = dmsetup("info", "--columns", "--noheadings", "-o", "minor", name).strip()
    return f"/dev/dm-{minor}"
