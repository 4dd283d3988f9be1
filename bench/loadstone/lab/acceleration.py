"""Whether a kernel boots under KVM here; tried, as an existing /dev/kvm proves nothing."""

import os
import tempfile
from pathlib import Path

from loadstone.lab.command import hidden, script, virtme_argv
from loadstone.lab.directory import plain_temp_directory
from loadstone.lab.guest import Guest, GuestError
from loadstone.lab.kernels import Kernel, stage
from loadstone.lab.machine import Machine

_LIMIT_S = 30.0
_MARKER = b"loadstone: up"


def why_not_kvm(machine: Machine, kernel: Kernel) -> str | None:
    """Why a kernel does not boot on this (KVM) machine, or None if it does."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "/dev/kvm does not exist, or this user may not open it"
    with tempfile.TemporaryDirectory(
        prefix="loadstone-lab-", dir=plain_temp_directory()
    ) as directory:
        image = stage(kernel, Path(directory))
        shares = hidden([Path(directory)])
        argv = virtme_argv(machine, image, Path(directory), shares)
        text = script(shares, None, f"echo '{_MARKER.decode()}'")
        with Guest(argv, text, Path(directory), lambda _: None, _LIMIT_S) as guest:
            try:
                if _MARKER in guest.lines():
                    return None
            except GuestError:
                return f"{kernel.release} did not boot under it within {_LIMIT_S:g} s"
            last = guest.console[-1] if guest.console else "no output"
            return f"{kernel.release} does not boot under it: {last}"
