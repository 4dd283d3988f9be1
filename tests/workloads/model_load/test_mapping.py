"""model-load out of a mapping: what the kernel reads ahead of it."""

from pathlib import Path

import loadstone
from commands import MIB, needs_root, write_model
from devices import loop, mounted, run
from loadstone.model import Status


@needs_root
def test_a_mapping_is_copied_in_the_order_that_read_ahead_follows(place: Path) -> None:
    """glibc's memcpy may copy a block from its end: a major fault for each 64 KiB of it."""
    with (
        loop(place / "image", size_bytes=32 * MIB) as device,
        mounted(device, place / "at") as at,
    ):
        run("blockdev", "--setra", "256", device)
        model = write_model(at / "model.gguf", 8 * MIB)
        done = loadstone.run(
            file=model,
            axes={"engine": "mmap-copy", "destination": "anon", "advice": "none"},
            rounds=1,
            warmups=0,
            results=place / "results",
        )
    (trial,) = done.trials
    assert trial.status is Status.OK, trial.reason
    assert trial.evidence["major_faults"] <= 8
