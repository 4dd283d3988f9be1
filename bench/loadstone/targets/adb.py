"""An Android device reached by adb. Jobs run in an agent that is pushed there."""

import contextlib
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from loadstone.core import remote_files
from loadstone.core.native import SAMPLES_MAX
from loadstone.environment.machine import machine_facts
from loadstone.environment.path import MACHINE_SAMPLES, path_facts, path_samples
from loadstone.errors import CannotMeasureError, TargetError, TargetLostError
from loadstone.model import Environment, Job, Outcome
from loadstone.targets import FoundDevice, Say
from loadstone.targets.access import Access
from loadstone.targets.android.agent import Agent
from loadstone.targets.android.bridge import DEVICE_DIRECTORY, LOST_REMEDY, Bridge
from loadstone.targets.android.facts import phone_facts, state_facts
from loadstone.targets.android.listing import HOW_TO_CONNECT as _HOW_TO_CONNECT
from loadstone.targets.android.listing import choose_device, list_devices
from loadstone.targets.android.root import resolve_user
from loadstone.targets.cancel import CancelToken
from loadstone.targets.shell import ShellEnd, shell_words
from loadstone.text import printable

SCHEME = "adb"
SUMMARY = "an Android device: adb:SERIAL, or adb: where there is only one"
IS_THIS_MACHINE = False
EXAMPLE_FILE = f"{DEVICE_DIRECTORY}/model.gguf"
HOW_TO_CONNECT = _HOW_TO_CONNECT

_PAUSE_S = 1.0


class AdbTarget:
    """Executes Jobs through the agent; see ``loadstone.targets.Target``."""

    is_this_machine = IS_THIS_MACHINE
    lost_remedy = LOST_REMEDY

    def __init__(self, bridge: Bridge, access: Access) -> None:
        self.name = f"{SCHEME}:{bridge.serial}"
        self._bridge = bridge
        self._access = access
        self._cancel_token = CancelToken()
        self._connect()

    def environment(self, path: str | None) -> Environment:
        hello = self._agent.hello
        facts = {
            **machine_facts(self.read_text, self.read_texts),
            **self._phone,
            **state_facts(self._output),
        }
        facts |= {
            "machine.architecture": hello.architecture,
            "machine.page_bytes": hello.page_bytes,
            "user.is_root": hello.uid == 0,
        }
        if path is not None:
            seen = remote_files.require_file(self.execute, path)
            facts |= path_facts(seen, self.read_text, self.read_texts, self.execute)
        return Environment(target=self.name, facts=facts)

    def samples(self, path: str | None) -> tuple[str, ...]:
        if path is None:
            return MACHINE_SAMPLES
        seen = remote_files.require_file(self.execute, path)
        return path_samples(seen, self.read_text, self.read_texts, self.execute)

    def execute(self, job: Job) -> Outcome:
        if self._access.limit_s is not None:
            job = msgspec.structs.replace(job, timeout_s=self._access.limit_s)
        return self._agent.execute(job)

    def scratch(self) -> Path:
        return Path(DEVICE_DIRECTORY)

    def run_command(self, *words: str) -> str:
        result = self._bridge.shell(*self._user.words(*words))
        if result.code:
            command = shlex.join(words)
            raise TargetError(
                f"{command} on {self.name}: {result.message}",
                remedy="try it by hand: "
                + printable(shlex.join(("adb", "-s", self._bridge.serial, "shell", command))),
            )
        return result.out

    def run_shell(self, command: str, directory: str, limit_s: float) -> ShellEnd:
        del directory
        return self._bridge.run_shell(
            self._user.words(*shell_words(command)),
            limit_s,
            lambda: self._cancel_token.raise_if_cancelled("a command"),
        )

    def user_name(self) -> str:
        return self.run_command("id", "-un").strip()

    def read_text(self, path: str) -> str | None:
        text = remote_files.read_text(self.execute, path)
        return text if isinstance(text, str) else None

    def read_texts(self, paths: Sequence[str]) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for start in range(0, len(paths), SAMPLES_MAX):
            some = tuple(paths[start : start + SAMPLES_MAX])
            outcome = self.execute(Job(operation="read-texts", options={}, samples=some))
            if outcome.target_lost:
                raise TargetLostError(str(outcome.crash), remedy=LOST_REMEDY)
            if outcome.crash:
                raise TargetError(
                    f"reading {some[0]}, … on {self.name}: {outcome.crash}",
                    remedy="see the device's log (adb shell dmesg, as root)",
                )
            found |= {path: text for path, text in outcome.before.items() if text}
        return found

    def write_text(self, path: str, text: str) -> None:
        remote_files.write_text(self.execute, path, text)

    def remove_file(self, path: str) -> None:
        remote_files.remove_file(self.execute, path)

    def await_return(self, say: Say) -> None:
        limit_s = self._access.wait_device_s
        say(f"{self.name} went away; waiting up to {limit_s:g} s for it")
        end_s = time.monotonic() + limit_s
        while time.monotonic() < end_s:
            if self._is_back():
                say(f"{self.name} is back")
                return
            self._cancel_token.raise_if_cancelled(f"waiting for {self.name}", _PAUSE_S)
        raise TargetError(
            f"{self.name} did not come back within {limit_s:g} s ({self._bridge.state()})",
            remedy="plug it in and `loadstone resume`, or wait longer with --wait-device",
        )

    def interrupt(self) -> None:
        self._cancel_token.cancel()
        self._agent.kill()

    def close(self) -> None:
        """End the agent, and with it the Job that it carries out."""
        self._agent.close()

    def _connect(self) -> None:
        architecture = self._bridge.shell("uname", "-m").out.strip()
        self._user = resolve_user(self._bridge, self._access.root)
        self._agent = Agent(self._bridge, architecture, self._user, self._cancel_token)
        # An agent that does not run is an error now, before anything is prepared.
        _ = self._agent.hello
        self._phone = phone_facts(self.read_texts, self._output)

    def _is_back(self) -> bool:
        self._bridge.reconnect()
        if self._bridge.state() != "device":
            return False
        self._agent.close()
        try:
            # After a reboot adbd does not run as root any more.
            self._connect()
        except TargetError:
            return False
        return True

    def _output(self, *words: str) -> str | None:
        """What a command prints, or None where it fails."""
        result = self._bridge.shell(*self._user.words(*words))
        return None if result.code else result.out


def discover() -> tuple[FoundDevice, ...]:
    """The devices that adb's server knows of.

    Raises:
        CannotMeasureError: there is no adb, or its server does not start.
    """
    return tuple(
        FoundDevice(
            target=f"{SCHEME}:{device.serial}",
            about=device.model,
            problem=None if device.remedy is None else device.state,
            remedy=device.remedy,
        )
        for device in list_devices()
    )


@contextlib.contextmanager
def connect(address: str, results: Path, access: Access) -> Iterator[AdbTarget]:
    """Open a device; ``address`` is its serial, empty for the only one there is.

    Raises:
        UsageError: there is none of that serial, or several and none named.
        CannotMeasureError: it cannot run commands, or there is no agent for it.
        TargetError: the agent does not run there.
    """
    del results
    bridge = Bridge(choose_device(address).serial)
    if "shell_v2" not in bridge.features():
        raise CannotMeasureError(
            f"{SCHEME}:{printable(bridge.serial)}: its adbd reports no exit codes (no shell_v2)",
            remedy="take a device with Android 7 or later",
        )
    target = AdbTarget(bridge, access)
    try:
        yield target
    finally:
        target.close()
