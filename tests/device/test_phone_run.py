"""A phone is measured as this machine is: the whole command, over Debian's adb and adbd."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from commands import Command, until, write_model
from device.adbd import Adbd, MakeAdbd
from loadstone.targets.android.agent import AGENT
from loadstone.workloads import workload

pytestmark = pytest.mark.device

MIB = 1 << 20
AGENT_NAME = Path(AGENT).name


def measured(command: Command, phone: Adbd, *words: str) -> dict[str, Any]:
    """What ``run --json`` printed of a Run that came to a good end."""
    done = command("run", *words, "--target", f"adb:{phone.serial}", "--json")
    assert done.code == 0, done.err
    said: dict[str, Any] = json.loads(done.out)
    return said


def left_on(phone: Adbd) -> list[str]:
    """What lies in its place for files, but for the agent, which stays."""
    return [path.name for path in phone.place.iterdir() if path.name != AGENT_NAME]


def cases_by(said: dict[str, Any], parameter: str) -> dict[object, dict[str, Any]]:
    return {case["parameters"][parameter]: case for case in said["cases"]}


@pytest.mark.parametrize("uid", [0, 2000], ids=["root", "shell"])
def test_all_curated_ways_of_loading_are_timed_or_skipped_with_a_remedy(
    measure: Command, make_adbd: MakeAdbd, uid: int
) -> None:
    phone = make_adbd(uid)
    said = measured(measure, phone, "--size=8m", "--rounds=3")
    assert len(said["cases"]) == len(workload("model-load").default_cases())
    timed = [case for case in said["cases"] if case["trials"]]
    assert len(timed) >= 9
    for case in said["cases"]:
        assert not case["failed"], case
        assert case["trials"] or case["skipped"], case
    for case in timed:
        assert case["metrics"]["throughput"]["median"] > 0
        assert case["evidence"]["file_bytes"] == 8 * MIB
        if case["parameters"]["cache"] == "cold":
            assert case["evidence"]["cached_before_bytes"] == 0
    assert not left_on(phone)


def test_a_file_on_the_phone_is_loaded_and_stays(measure: Command, adbd: Adbd) -> None:
    model = write_model(measure.place / "model.gguf", 4 * MIB)
    assert adbd.adb("push", model, "/data/local/tmp/model.gguf").code == 0
    before = (adbd.place / "model.gguf").stat()
    said = measured(
        measure, adbd, "--file=/data/local/tmp/model.gguf", "--rounds=2", "--set=engine=pread,mmap"
    )
    assert {case["trials"] for case in said["cases"]} == {2}
    after = (adbd.place / "model.gguf").stat()
    assert (after.st_ino, after.st_mtime_ns, after.st_size) == (
        before.st_ino,
        before.st_mtime_ns,
        before.st_size,
    )
    assert left_on(adbd) == ["model.gguf"]


def test_a_way_to_load_a_file_of_the_phone_is_advised(measure: Command, adbd: Adbd) -> None:
    model = write_model(measure.place / "model.gguf", MIB + 13)
    assert adbd.adb("push", model, "/data/local/tmp/model.gguf").code == 0
    words = ("--file", "/data/local/tmp/model.gguf", "--target", f"adb:{adbd.serial}")
    done = measure("advise", *words, "--into", "anon", "--budget", "8s", "--json", "-o", "p.toml")
    assert done.code == 0, done.err
    said = json.loads(done.out)
    assert said["best"]["figure"]["median"] > 0
    assert said["file"] == "/data/local/tmp/model.gguf"
    assert not said["failed"]
    assert {one["name"] for one in said["abilities"]} <= {"O_DIRECT", "io_uring"}
    # What it takes to do that again there.
    again = measure("run", "p.toml", *words[2:], "--rounds", "1", "--warmups", "0", "--json")
    assert again.code == 0, again.err
    assert left_on(adbd) == ["model.gguf"]


def test_writes_are_timed_and_their_folios_seen_by_root(measure: Command, root_adbd: Adbd) -> None:
    said = measured(
        measure, root_adbd, "folio-write", "--set=size=4k,1m", "--set=total=8m", "--rounds=3"
    )
    sizes = cases_by(said, "size")
    assert {case["trials"] for case in sizes.values()} == {3}
    # Where the file system has large folios, large writes get them.
    assert sizes[MIB]["evidence"]["folio_mean_bytes"] >= sizes[4096]["evidence"]["folio_mean_bytes"]
    assert not left_on(root_adbd)


def test_made_file_systems_are_skipped_with_a_remedy(measure: Command, root_adbd: Adbd) -> None:
    done = measure(
        "run",
        "folio-write",
        "--set=fs=ext4,dir",
        "--set=total=4m",
        "--rounds=1",
        "--target",
        f"adb:{root_adbd.serial}",
        "--json",
    )
    assert done.code == 0, done.err
    by_fs = cases_by(json.loads(done.out), "fs")
    assert by_fs["dir"]["trials"] == 1
    assert "another" in by_fs["ext4"]["skipped"]


def test_what_the_kernel_lacks_is_told_and_nothing_is_left(measure: Command, adbd: Adbd) -> None:
    done = measure("run", "dm-flush", "--target", f"adb:{adbd.serial}")
    assert done.code == 3
    assert "device-mapper" in done.complaint
    assert not left_on(adbd)


def test_the_run_knows_the_phone(measure: Command, adbd: Adbd) -> None:
    said = measured(measure, adbd, "--size=1m", "--rounds=1", "--set=engine=pread")
    manifest = json.loads((measure.place / said["path"] / "manifest.json").read_text())
    environment = manifest["environment"]
    assert environment["target"] == f"adb:{adbd.serial}"
    facts = environment["facts"]
    assert facts["phone.model"] == "Emulated 1"
    assert facts["android.version"] == "15"
    assert facts["security.selinux"] == "enforcing"
    assert facts["screen.wakefulness"] == "Awake"
    assert facts["user.is_root"] is False
    assert facts["machine.architecture"] == "x86_64"
    assert facts["clock.step_ns"] > 0
    assert facts["fs.type"]
    assert facts["kernel.release"]


def test_a_run_is_resumed_on_the_same_phone(measure: Command, adbd: Adbd) -> None:
    said = measured(measure, adbd, "--size=1m", "--rounds=4", "--set=engine=pread", "--seed=1")
    run = measure.place / said["path"]
    lines = (run / "trials.jsonl").read_bytes().splitlines(keepends=True)
    (run / "trials.jsonl").write_bytes(b"".join(lines[:2]))
    done = measure("resume", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["cases"][0]["trials"] == 4


def test_devices_are_listed_with_what_they_can_do(measure: Command, make_adbd: MakeAdbd) -> None:
    root, shell = make_adbd(0), make_adbd(2000)
    done = measure("devices", "--json")
    assert done.code == 0, done.err
    found = {device["target"]: device for device in json.loads(done.out)}
    assert set(found) == {f"adb:{root.serial}", f"adb:{shell.serial}"}
    assert [found[f"adb:{phone.serial}"]["facts"]["user.is_root"] for phone in (root, shell)] == [
        True,
        False,
    ]
    for device in found.values():
        assert device["problem"] is None
        assert device["free_bytes"] > 0
        assert device["facts"]["machine.page_bytes"] == 4096
    text = measure("devices").out
    assert "Emulated 1, Android 15" in text
    assert "no root, SELinux enforcing" in text
    assert "io_uring: " in text


def test_the_doctor_looks_at_a_phone(measure: Command, adbd: Adbd) -> None:
    done = measure("doctor", "--target", f"adb:{adbd.serial}", "--json")
    assert done.code == 0, done.err
    said = json.loads(done.out)
    assert said["target"] == f"adb:{adbd.serial}"
    names = {check["name"]: check for check in said["checks"]}
    assert names["anon"]["is_met"]
    assert not names["root"]["is_met"]
    assert not left_on(adbd)


def test_without_a_serial_the_only_phone_is_taken_and_of_two_none(
    measure: Command, make_adbd: MakeAdbd
) -> None:
    words = ("run", "--target=adb:", "--size=1m", "--rounds=1", "--set=engine=pread")
    first = make_adbd(2000)
    assert measure(*words).code == 0
    second = make_adbd(2000)
    done = measure(*words)
    assert done.code == 2
    for phone in (first, second):
        assert f"--target adb:{phone.serial}" in done.complaint


def test_two_phones_carry_out_one_plan_side_by_side(measure: Command, make_adbd: MakeAdbd) -> None:
    root, shell = make_adbd(0), make_adbd(2000)
    done = measure(
        "run",
        "--size=1m",
        "--rounds=6",
        "--set=engine=pread",
        f"--target=adb:{root.serial},adb:{shell.serial}",
        "--json",
    )
    assert done.code == 0, done.err
    runs = json.loads(done.out)["runs"]
    assert [run["cases"][0]["trials"] for run in runs] == [6, 6]
    for phone in (root, shell):
        assert f"adb:{phone.serial}: run " in done.err
    compared = measure("compare", runs[0]["run"], runs[1]["run"], "--json")
    assert compared.code == 0, compared.err
    (case,) = json.loads(compared.out)["cases"]
    assert case["ratio"] > 0


@pytest.mark.usefixtures("huge_pages_untouched")
def test_runs_side_by_side_that_have_nothing_in_common_are_shown_all_the_same(
    measure: Command, make_adbd: MakeAdbd
) -> None:
    root, shell = make_adbd(0), make_adbd(2000)
    words = ("--size=1m", "--rounds=1", "--set=engine=pread", "--set=destination=hugetlb")
    done = measure("run", *words, f"--target=adb:{root.serial},adb:{shell.serial}")
    assert done.code == 3
    assert "not compared: " in done.err
    assert done.out.count("skipped pread") == 2


def test_a_stopped_pair_tidies_up_on_both_and_tells_how_to_go_on(
    measure: Command, make_adbd: MakeAdbd
) -> None:
    phones = make_adbd(0), make_adbd(2000)
    target = ",".join(f"adb:{phone.serial}" for phone in phones)
    process = measure.start("run", "--size=48m", "--set=engine=pread", f"--target={target}")
    try:
        until(lambda: len(list(measure.results.glob("runs/*/trials.jsonl"))) == 2, "both to begin")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == -signal.SIGINT, err
    assert err.count(b"loadstone resume") == 2
    for phone in phones:
        assert not left_on(phone)


def test_su_makes_root_only_where_it_is_there_and_wanted(measure: Command, adbd: Adbd) -> None:
    words = ("--size=1m", "--rounds=1", "--set=engine=pread")
    refused = measure("run", *words, "--root=su", "--target", f"adb:{adbd.serial}")
    assert refused.code == 3
    assert "no root here" in refused.complaint
    adbd.give_su()

    def is_root(*more: str) -> object:
        said = measured(measure, adbd, *words, *more)
        manifest = json.loads((measure.place / said["path"] / "manifest.json").read_text())
        return manifest["environment"]["facts"]["user.is_root"]

    assert is_root("--root=su") is True
    assert is_root() is True
    assert is_root("--root=no") is False
    # What root made is gone as well.
    assert not left_on(adbd)


@pytest.mark.parametrize("cpus", ["0", "1", "0-1"])
def test_jobs_run_on_the_cpus_that_were_asked_for(measure: Command, adbd: Adbd, cpus: str) -> None:
    said = measured(measure, adbd, "--size=1m", "--rounds=1", "--set=engine=pread", f"--pin={cpus}")
    manifest = json.loads((measure.place / said["path"] / "manifest.json").read_text())
    assert manifest["environment"]["facts"]["cpu.pinned"] == cpus
    assert manifest["plan"]["conditions"]["pin"] == cpus


def test_a_live_process_of_the_phone_is_looked_at_there(measure: Command, root_adbd: Adbd) -> None:
    """adbd itself: nothing of its memory comes over, only counts."""
    words = ("pages", "adbd", "--target", f"adb:{root_adbd.serial}", "--json")
    done = measure(*words)
    assert done.code == 0, done.err
    said = json.loads(done.out)
    assert said["target"] == f"adb:{root_adbd.serial}"
    for process in said["algorithms"][0]["processes"]:
        assert process["name"] == "adbd"
        assert process["seen"] + process["lost"] == process["pages"] > 0


def test_a_command_and_a_load_of_ours_are_timed_in_one_run(measure: Command, adbd: Adbd) -> None:
    axes = ("--set=command=cat {file} > /dev/null", "--set=own=engine=pread,engine=mmap-copy")
    said = measured(measure, adbd, "command", "--size=1m", "--rounds=2", *axes)
    found = [(case["workload"], case["trials"]) for case in said["cases"]]
    assert sorted(found) == [("command", 2), ("model-load", 2), ("model-load", 2)]
    assert all(case["evidence"]["cached_before_bytes"] == 0 for case in said["cases"])
    assert not left_on(adbd)
