"""The agents of phones' processors, over adb, carried out by QEMU: each byte arrives."""

import json
from typing import Any

import pytest

from commands import Command, needs
from device.adbd import Adbd
from loadstone.model import Status
from loadstone.targets.android.agent import AGENT

pytestmark = [pytest.mark.device, needs("qemu-aarch64-static", "qemu-arm-static")]

# QEMU's statx tells that no file can be read with O_DIRECT, which then is a skip.
BUFFERED = "--set=io=buffered"
ENGINES = "--set=engine=pread,uring,mmap,mmap-copy,sendfile,splice"


@pytest.fixture(params=["aarch64", "armv7l"])
def other(request: pytest.FixtureRequest, root_adbd: Adbd) -> Adbd:
    """A phone with another processor."""
    root_adbd.emulate(request.param)
    return root_adbd


def trials(command: Command, phone: Adbd, *words: str) -> dict[str, dict[str, Any]]:
    """What ``run`` came to: its Trials, by the label of their Case."""
    done = command("run", *words, "--rounds=1", "--warmups=0", "--target", f"adb:{phone.serial}")
    assert list(command.results.glob("runs/*")), done.err
    path = max((command.results / "runs").iterdir())
    manifest = json.loads((path / "manifest.json").read_text())
    labels = {case["id"]: case["label"] for case in manifest["plan"]["cases"]}
    lines = map(json.loads, (path / "trials.jsonl").read_text().splitlines())
    found = {labels[trial["case"]]: trial for trial in lines}
    assert found, done.err
    return found


def test_every_way_of_loading_is_byte_exact_and_io_uring_is_a_skip(
    measure: Command, other: Adbd
) -> None:
    found = trials(measure, other, "--size=3m", ENGINES, BUFFERED)
    assert len(found) == 6
    for label, trial in found.items():
        if label.startswith("uring"):
            assert trial["status"] == Status.SKIPPED, trial
            assert "ENOSYS" in trial["reason"]
            assert trial["remedy"]
        else:
            assert trial["status"] == Status.OK, (label, trial["reason"])
    assert [path.name for path in other.place.iterdir()] == [AGENT.rpartition("/")[2]]


@pytest.mark.alone
@pytest.mark.parametrize(
    "axes",
    [
        ("--set=engine=pread", "--set=destination=anon,thp,memfd"),
        ("--set=engine=pread,mmap-copy", "--set=overlap=1m", "--set=buffers=3"),
        ("--set=engine=pread,mmap-copy,splice", "--set=threads=3"),
        ("--set=engine=pread", "--set=cache=warm,as-is", "--set=block=512,64k"),
    ],
    ids=["destinations", "overlap", "threads", "cache"],
)
def test_the_parameters_of_a_load_mean_the_same_there(
    measure: Command, other: Adbd, axes: tuple[str, ...]
) -> None:
    for label, trial in trials(measure, other, "--size=3m", BUFFERED, *axes).items():
        assert trial["status"] == Status.OK, (label, trial["reason"])


def test_writes_are_read_back_as_written(measure: Command, other: Adbd) -> None:
    axes = ("--set=size=4k,1m", "--set=pattern=fresh,overwrite,append", "--set=total=4m")
    payloads = "--set=payload=random,zero,same-filled,text,pointer,fp16,half,bf16,int4"
    for words in (axes, ("--set=size=64k", "--set=total=1m", payloads)):
        for label, trial in trials(measure, other, "folio-write", *words).items():
            assert trial["status"] == Status.OK, (label, trial["reason"])


@pytest.mark.alone
def test_work_is_calibrated(measure: Command, other: Adbd) -> None:
    for label, trial in trials(measure, other, "calibration").items():
        assert trial["status"] in (Status.OK, Status.SKIPPED), (label, trial["reason"])
