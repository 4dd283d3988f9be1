"""What goes wrong with a phone is told in one line, costs one Trial at most, and leaves nothing."""

import contextlib
import json
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from commands import Command, Done, until, write_model
from device.adb_server import AdbServer
from device.adbd import Adbd
from fake_phone import phone_texts
from loadstone.model import Job
from loadstone.targets import connect
from loadstone.targets.agent_binary import agent_binary
from loadstone.targets.android.agent import AGENT

pytestmark = pytest.mark.device

MIB = 1 << 20
AGENT_NAME = Path(AGENT).name
LOAD = ("run", "--size=48m", "--set=engine=pread,sendfile", "--rounds=5", "--seed=1")
SMALL = ("run", "--size=1m", "--set=engine=pread", "--rounds=1")
HOSTILE = 'it\'s "$(touch /data/local/tmp/pwned)" `id`\n<script>alert(1)</script> ../../x %s &'


def left_on(phone: Adbd) -> list[str]:
    return [path.name for path in phone.place.iterdir() if path.name != AGENT_NAME]


def agents(phone: Adbd) -> list[psutil.Process]:
    """Its running agents, and the processes of their Jobs."""
    found = []
    for process in phone.processes():
        try:
            found += [process] if AGENT_NAME in process.name() else []
        except psutil.NoSuchProcess:
            continue
    return found


def statuses(command: Command) -> list[str]:
    return [json.loads(line)["status"] for line in command.trials()]


class Begun:
    """A Run that is in the midst of its Trials."""

    def __init__(self, command: Command, phone: Adbd, *more: str) -> None:
        self.process = command.start(*LOAD, *more, "--target", f"adb:{phone.serial}")
        try:
            until(lambda: len(command.trials()) >= 3, "three Trials", limit_s=60)
        except BaseException:
            self.process.kill()
            raise

    def end(self) -> Done:
        out, err = self.process.communicate(timeout=180)
        return Done(self.process.returncode, out, err)


WIRELESS = "adb-26151FDF60083B-9tP4nl (2)._adb-tls-connect._tcp"
# Such a name comes from the network's announcements, which a test cannot make. What adb prints and
# takes is as with one, and all else is adb.
_CALLED_SO = """\
#!/bin/sh
if [ "$1" = devices ]; then
    {adb} "$@" | sed "s/^{serial} */{name} /"
elif [ "$1" = -s ]; then
    [ "$2" = "{name}" ] || {{ echo "adb: device '$2' not found" >&2; exit 1; }}
    shift 2
    exec {adb} -s {serial} "$@"
else
    exec {adb} "$@"
fi
"""


def call_it(name: str, phone: Adbd, command: Command) -> None:
    """Have the command's adb know a phone by another serial."""
    program = command.place / "bin" / "adb"
    program.parent.mkdir()
    adb = shutil.which("adb")
    program.write_text(_CALLED_SO.format(adb=adb, serial=phone.serial, name=name))
    program.chmod(0o755)
    command.environment["PATH"] = f"{program.parent}:{command.environment['PATH']}"


def test_a_serial_with_a_blank_is_one_serial_from_listing_to_clean(
    measure: Command, root_adbd: Adbd
) -> None:
    call_it(WIRELESS, root_adbd, measure)
    assert f"adb:{WIRELESS}" in measure("devices").out
    words = ("--size=16m", "--set=engine=pread", "--rounds=6", "--target", f"adb:{WIRELESS}")
    process = measure.start("run", *words)
    until(lambda: len(measure.trials()) >= 2, "two Trials", limit_s=60)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=180)
    until(lambda: not agents(root_adbd), "the agents to end")
    assert left_on(root_adbd)
    cleaned = measure("clean")
    assert cleaned.code == 0, cleaned.out
    assert f"on adb:{WIRELESS}" in cleaned.out
    assert not left_on(root_adbd)
    (run,) = (measure.results / "runs").iterdir()
    assert "-adb-adb-26151FDF60083B-9tP4nl-2-._adb-tls-connect._tcp-" in run.name
    resumed = measure("resume", "--json")
    assert resumed.code == 0, resumed.err


def lose_adbd(phone: Adbd) -> None:
    phone.kill()
    phone.start()


def lose_cable(phone: Adbd) -> None:
    phone.unplug()
    phone.plug_in(is_awaited=False)


@pytest.mark.parametrize("lose", [lose_adbd, lose_cable])
def test_a_phone_lost_amid_a_run_costs_one_trial_and_the_run_goes_on(
    measure: Command, root_adbd: Adbd, lose: Callable[[Adbd], None]
) -> None:
    begun = Begun(measure, root_adbd)
    lose(root_adbd)
    done = begun.end()
    assert done.code == 4, done.err
    assert f"adb:{root_adbd.serial} went away" in done.err
    assert f"adb:{root_adbd.serial} is back" in done.err
    assert sorted(statuses(measure)) == ["failed"] + ["ok"] * 11
    (failed,) = [json.loads(line) for line in measure.trials() if b'"failed"' in line]
    assert "went away" in failed["reason"]
    assert failed["remedy"]
    until(lambda: not agents(root_adbd), "the agents to end")
    assert not left_on(root_adbd)


def test_one_that_stays_away_ends_the_run_and_is_resumed_and_cleaned_later(
    measure: Command, root_adbd: Adbd
) -> None:
    begun = Begun(measure, root_adbd, "--wait-device=1")
    root_adbd.unplug()
    done = begun.end()
    assert done.code == 4
    assert "did not come back within 1 s" in done.complaint
    assert "loadstone resume" in done.complaint
    assert "was left" in done.complaint
    # It lies there, and the journal knows.
    assert left_on(root_adbd)
    unreachable = measure("clean")
    assert unreachable.code == 4
    assert root_adbd.serial in unreachable.out
    root_adbd.plug_in()
    cleaned = measure("clean")
    assert cleaned.code == 0, cleaned.out
    assert not left_on(root_adbd)
    resumed = measure("resume", "--json")
    assert sorted(statuses(measure)) == ["failed"] + ["ok"] * 11, resumed.err


def test_a_killed_command_leaves_no_agent_and_clean_removes_its_files(
    measure: Command, root_adbd: Adbd
) -> None:
    begun = Begun(measure, root_adbd)
    begun.process.send_signal(signal.SIGKILL)
    begun.end()
    # Nobody sends them anything more, nor reads what they say.
    until(lambda: not agents(root_adbd), "the agents to end")
    assert left_on(root_adbd)
    assert measure("clean").code == 0
    assert not left_on(root_adbd)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_command_tidies_up_on_the_phone(
    measure: Command, root_adbd: Adbd, number: signal.Signals
) -> None:
    begun = Begun(measure, root_adbd)
    begun.process.send_signal(number)
    done = begun.end()
    assert done.code == -number
    assert "loadstone resume" in done.complaint
    until(lambda: not agents(root_adbd), "the agents to end")
    assert not left_on(root_adbd)


def test_a_killed_job_fails_its_trial_alone(measure: Command, root_adbd: Adbd) -> None:
    begun = Begun(measure, root_adbd)
    until(lambda: _kill_job(root_adbd), "a Job to kill")
    done = begun.end()
    assert done.code == 4, done.err
    assert sorted(statuses(measure)) == ["failed"] + ["ok"] * 11
    assert "killed by SIGKILL" in done.err


def _kill_job(phone: Adbd) -> bool:
    """A Job is the child of an agent; one that reads facts is too short to be met with so much."""
    for process in agents(phone):
        try:
            parent = process.parent()
            is_job = parent is not None and AGENT_NAME in parent.name()
            is_loading = process.memory_info().rss > 24 * MIB
        except psutil.NoSuchProcess:
            continue
        if is_job and is_loading:
            process.kill()
            return True
    return False


def test_an_agent_removed_amid_a_run_is_missed_by_nobody(measure: Command, adbd: Adbd) -> None:
    begun = Begun(measure, adbd)
    (adbd.place / AGENT_NAME).unlink()
    done = begun.end()
    assert done.code == 0, done.err
    assert measure(*SMALL, "--target", f"adb:{adbd.serial}").code == 0
    assert (adbd.place / AGENT_NAME).exists()


def test_an_agent_of_another_build_is_replaced_and_the_same_one_is_not_pushed_again(
    measure: Command, adbd: Adbd
) -> None:
    place = adbd.place / AGENT_NAME
    place.write_bytes(agent_binary("aarch64").read_bytes())
    place.chmod(0o755)
    words = (*SMALL, "--target", f"adb:{adbd.serial}")
    assert measure(*words).code == 0
    assert place.read_bytes() == agent_binary("x86_64").read_bytes()
    inode = place.stat().st_ino
    assert measure(*words).code == 0
    assert place.stat().st_ino == inode


def test_an_agent_that_the_processor_cannot_run_is_told(measure: Command, adbd: Adbd) -> None:
    adbd.program("uname", "#!/system/bin/sh\necho aarch64\n")
    done = measure(*SMALL, "--target", f"adb:{adbd.serial}")
    assert done.code == 4
    assert f"{AGENT} does not run on adb:{adbd.serial}" in done.complaint


def test_a_processor_of_no_agent_is_told(measure: Command, adbd: Adbd) -> None:
    adbd.program("uname", "#!/system/bin/sh\necho riscv64\n")
    done = measure(*SMALL, "--target", f"adb:{adbd.serial}")
    assert done.code == 3
    assert "no agent for the architecture riscv64" in done.complaint


@pytest.fixture
def full(root_adbd: Adbd) -> Iterator[Adbd]:
    """A phone with 256 KiB left."""
    root_adbd.own_directory("/data/local/tmp")
    said = root_adbd.shell("mount -o remount,size=256k /data/local/tmp")
    assert said.code == 0, said.err
    yield root_adbd


def test_no_room_for_the_agent_is_told(measure: Command, full: Adbd) -> None:
    done = measure(*SMALL, "--target", f"adb:{full.serial}")
    assert done.code == 3
    assert "No space left on device" in done.complaint
    assert "free space" in done.complaint
    assert full.shell("ls /data/local/tmp").out == ""


def test_no_room_for_the_file_is_told(measure: Command, full: Adbd) -> None:
    full.shell("mount -o remount,size=3m /data/local/tmp")
    axes = [word for word in SMALL if not word.startswith("--size=")]
    done = measure(*axes, "--size=64m", "--target", f"adb:{full.serial}")
    assert done.code == 3
    assert "there are only" in done.complaint
    assert full.shell("ls /data/local/tmp").out.split() == [AGENT_NAME]


def test_hostile_words_of_a_phone_stay_words(measure: Command, adbd: Adbd) -> None:
    adbd.set_properties({"ro.product.model": HOSTILE, "ro.build.version.release": HOSTILE})
    done = measure(*SMALL, "--target", f"adb:{adbd.serial}", "--json")
    assert done.code == 0, done.err
    listed = measure("devices")
    assert listed.code == 0, listed.err
    assert "\n<script>" not in listed.out
    page = measure.place / "report.html"
    assert measure("report", "last", "-o", page).code == 0
    assert b"<script>alert" not in page.read_bytes()
    assert left_on(adbd) == []


@pytest.mark.parametrize("name", [HOSTILE, "-n", "a b", "'", "$HOME", "*", "ünïcode", "\\"])
def test_hostile_names_of_files_are_names(measure: Command, adbd: Adbd, name: str) -> None:
    name = name.replace("/", "∕")
    model = write_model(measure.place / "model", MIB)
    path = f"/data/local/tmp/{name}"
    assert adbd.adb("push", model, "/data/local/tmp/model").code == 0
    assert adbd.shell(f"mv /data/local/tmp/model {shlex.quote(path)}").code == 0
    done = measure(
        "run", "--file", path, "--set=engine=pread", "--rounds=1", f"--target=adb:{adbd.serial}"
    )
    assert done.code == 0, done.err
    assert left_on(adbd) == [name]


def test_a_directory_of_a_hostile_name_holds_the_file(measure: Command, adbd: Adbd) -> None:
    path = "/data/local/tmp/$(reboot) 'x'"
    assert adbd.shell(f"mkdir {shlex.quote(path)}").code == 0
    done = measure(*SMALL, "--dir", path, "--target", f"adb:{adbd.serial}")
    assert done.code == 0, done.err
    assert adbd.shell(f"ls {shlex.quote(path)}").out == ""


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (("--target=adb:nosuch",), 2, "no such device, there are: "),
        (("--target=adb:127.0.0.1:1",), 2, "`adb connect 127.0.0.1:1` first"),
        (("--target=adbx:1",), 2, "no such kind of target"),
        (("--file=model.gguf",), 2, "a path begins with /"),
        (("--dir=here",), 2, "a path begins with /"),
        (("--file=/nosuch",), 2, "cannot open /nosuch"),
        (("--dir=/nosuch",), 2, "--dir /nosuch"),
        (("--root=maybe",), 2, "Invalid value for '--root'"),
        (("--wait-device=-1",), 2, "Invalid value for '--wait-device'"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    measure: Command, adbd: Adbd, words: tuple[str, ...], code: int, complaint: str
) -> None:
    target = () if words[0].startswith("--target") else (f"--target=adb:{adbd.serial}",)
    done = measure("run", "--rounds=1", *words, *target)
    assert done.code == code, done.err
    assert complaint in done.complaint


def test_the_doctor_wants_the_whole_path_too(measure: Command, adbd: Adbd) -> None:
    done = measure("doctor", "--file=model.gguf", f"--target=adb:{adbd.serial}")
    assert done.code == 2
    assert "a path begins with /" in done.complaint


def test_a_phone_that_is_off_is_told_what_to_do(measure: Command, adbd: Adbd) -> None:
    adbd.unplug()
    adbd.await_state("offline")
    done = measure(*SMALL, "--target", f"adb:{adbd.serial}")
    assert done.code == 3
    assert "is offline; pull the cable" in done.complaint
    listed = measure("devices")
    assert listed.code == 3
    assert "cannot be worked with: offline" in listed.out


@pytest.fixture
def unauthorized(adb_server: AdbServer) -> Iterator[str]:
    """The serial number of a phone that answers every connection with a question for a key."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_ask_for_keys, args=(listening,), daemon=True).start()
        serial = f"127.0.0.1:{listening.getsockname()[1]}"
        adb_server("connect", serial)
        yield serial
        adb_server("disconnect", serial)
        listening.shutdown(socket.SHUT_RDWR)


def _ask_for_keys(listening: socket.socket) -> None:
    """As an adbd does until somebody has tapped: every signature is met by another token.

    Source: packages/modules/adb/protocol.txt: a header of six words; AUTH 1 token, 2 signature,
    3 public key.
    """
    auth, token = int.from_bytes(b"AUTH", "little"), bytes(20)
    question = struct.pack("<6I", auth, 1, 0, len(token), sum(token), auth ^ 0xFFFFFFFF) + token
    with contextlib.suppress(OSError):
        connection, _ = listening.accept()
        with connection, connection.makefile("rb") as said:
            while header := said.read(24):
                command, kind, _, length, *_ = struct.unpack("<6I", header)
                said.read(length)
                if (command, kind) != (auth, 3):
                    connection.sendall(question)


def test_an_unauthorised_phone_is_told_what_to_tap(measure: Command, unauthorized: str) -> None:
    done = measure(*SMALL, "--target", f"adb:{unauthorized}")
    assert done.code == 3, done.err
    assert "unlock the device and allow USB debugging" in done.complaint
    listed = measure("devices")
    assert listed.code == 3
    assert "unlock the device" in listed.out


@pytest.mark.usefixtures("built_agents")
def test_a_link_that_falls_silent_is_a_phone_that_is_gone(
    adbd: Adbd, adb_server: AdbServer, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """adb's server goes on calling it a device, and its client waits for ever."""
    for name, value in adb_server.environment.items():
        monkeypatch.setenv(name, value)
    with connect(f"adb:{adbd.serial}", place) as target:
        # Short only for what never answers: a busy machine takes its time for what does.
        with monkeypatch.context() as short:
            short.setattr("loadstone.targets.android.agent._GRACE_S", 1.0)
            short.setattr("loadstone.targets.android.bridge._ANSWER_LIMIT_S", 2.0)
            adbd.freeze()
            outcome = target.execute(Job(operation="clock-step", options={}, timeout_s=1))
        assert outcome.target_lost
        assert "went away" in (outcome.crash or "")
        adbd.thaw()
        adbd.connect()
        target.await_return(lambda _: None)
        assert target.execute(Job(operation="clock-step", options={})).values["clock_step_ns"] > 0


def warm(phone: Adbd) -> Callable[[str, str], None]:
    """Give it sensors; returns what writes to one of its files."""
    place = phone.own_directory("/sys/class/thermal")
    prefix = "/sys/class/thermal/"
    for path, text in phone_texts().items():
        if path.startswith(prefix):
            file = place / path.removeprefix(prefix)
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)

    def put(path: str, text: str) -> None:
        (place / path).write_text(text)

    return put


def cooling_of_cpus() -> str:
    (path,) = [path for path, text in phone_texts().items() if text == "thermal-cpufreq-4\n"]
    return f"{Path(path).parent.name}/cur_state"


def test_a_throttled_trial_is_kept_marked_and_left_out(measure: Command, adbd: Adbd) -> None:
    put = warm(adbd)
    put(cooling_of_cpus(), "3\n")
    done = measure(*SMALL, "--target", f"adb:{adbd.serial}", "--json")
    assert done.code == 3, done.err
    (case,) = json.loads(done.out)["cases"]
    assert (case["trials"], case["invalid"]) == (0, 1)
    assert "throttled: cooling device thermal-cpufreq-4 was at 3 of 20" in done.err


def test_a_hot_phone_is_waited_for(measure: Command, adbd: Adbd) -> None:
    put = warm(adbd)
    process = measure.start(*SMALL, "--cool-below=38C", "--target", f"adb:{adbd.serial}")
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            process.communicate(timeout=5)
        assert not measure.trials()
        for zone in ("1", "2", "3"):
            put(f"thermal_zone{zone}/temp", "30000\n")
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, err
    trial: dict[str, Any] = json.loads(measure.trials()[-1])
    assert trial["status"] == "ok"
