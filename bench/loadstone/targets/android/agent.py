"""The agent on a device: pushed where it differs, started when needed, given Job by Job."""

import contextlib
import hashlib
import shlex
from pathlib import Path

from loadstone.core import native
from loadstone.core.worker import describe_exit
from loadstone.errors import CannotMeasureError, TargetError, TargetLostError
from loadstone.model import NO_ANSWER, Job, Outcome
from loadstone.targets.agent_binary import agent_binary
from loadstone.targets.android.bridge import DEVICE_DIRECTORY, Bridge
from loadstone.targets.android.root import User
from loadstone.targets.android.session import Session, SessionEndedError
from loadstone.targets.android.wire import Hello, job_line, read_hello, read_outcome
from loadstone.targets.cancel import CancelToken
from loadstone.text import printable
from loadstone.units import format_bytes_rounded

AGENT = f"{DEVICE_DIRECTORY}/loadstone-agent"

# Beyond a Job's own limit, which the agent enforces.
_GRACE_S = 30.0
_SIGNALLED = 128
# A shell's exit codes for a program that cannot be executed or is not there.
_NOT_STARTED = (126, 127)


class Agent:
    """The agent of one device.

    Args:
        user: that it runs as.
        cancel_token: by which another thread cancels a Job.
    """

    def __init__(
        self, bridge: Bridge, architecture: str, user: User, cancel_token: CancelToken
    ) -> None:
        self._bridge = bridge
        self._binary = agent_binary(architecture)
        self._user = user
        self._session: Session | None = None
        self._cancel_token = cancel_token

    @property
    def hello(self) -> Hello:
        """The agent's first line; it is started where it does not run.

        Raises:
            TargetError: it does not run on this device.
        """
        return read_hello(self._running().hello)

    def execute(self, job: Job) -> Outcome:
        """Carry out a Job; the device's loss is an Outcome with ``target_lost``.

        Raises:
            TargetError: the agent does not run on this device, or its answer is no Outcome.
        """
        self._cancel_token.raise_if_cancelled(job.operation)
        try:
            session = self._running()
            return read_outcome(session.ask(job_line(job), job.timeout_s + _GRACE_S))
        except SessionEndedError as ended:
            return self._ended_outcome(ended, job)
        except TargetLostError as error:
            return Outcome(crash=error.what, target_lost=True)
        except BaseException:
            # What cleans up next must not race with a Job that still makes files.
            self.close()
            raise

    def kill(self) -> None:
        """From another thread: end the session, and with it the Job that it carries out."""
        if self._session is not None:
            self._session.kill()

    def close(self) -> None:
        """End the session at once, and with it the Job that it carries out."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _ended_outcome(self, ended: SessionEndedError, job: Job) -> Outcome:
        self.close()
        self._cancel_token.raise_if_cancelled(job.operation)
        where = f"adb:{printable(self._bridge.serial)}"
        if ended.code is None and self._bridge.answers():
            return Outcome(crash=f"{NO_ANSWER} from {where} within {job.timeout_s:g} s; killed")
        if ended.code:
            why = f"{describe_exit(_returncode(ended.code))}: {ended}"
            return Outcome(crash=f"the agent on {where}: {why}")
        # adb's client prints nothing where the connection ends, and its exit code is 0.
        return Outcome(
            crash=f"{where} went away during {job.operation}: {self._bridge.state()}",
            target_lost=True,
        )

    def _running(self) -> Session:
        if self._session is None:
            self._install()
            self._session = self._started()
        return self._session

    def _started(self) -> Session:
        argv = self._bridge.shell_argv(shlex.join(self._user.words(AGENT)))
        try:
            session = Session(argv, lambda: self._bridge.state() == "device")
        except SessionEndedError as ended:
            if not ended.code:
                raise self._bridge.lost_error(self._bridge.state()) from ended
            raise TargetError(
                f"{AGENT} does not run on adb:{printable(self._bridge.serial)}: {ended}",
                remedy=_start_remedy(ended),
            ) from ended
        self._require_same_core(session)
        return session

    def _require_same_core(self, session: Session) -> None:
        hello = read_hello(session.hello)
        if hello.core != native.source_hash():
            session.close()
            raise CannotMeasureError(
                f"{self._binary} was built from other sources than this loadstone",
                remedy="build it anew with: make agents",
            )

    def _install(self) -> None:
        """Push the agent unless the same one is there; it is renamed into place when complete."""
        wanted = _sha256(self._binary)
        if self._found_hash(AGENT) == wanted:
            return
        draft = f"{AGENT}-{wanted[:12]}"
        try:
            self._push(draft)
            if (found := self._found_hash(draft)) not in (wanted, None):
                raise TargetError(
                    f"{draft} arrived with the SHA-256 {found}, not {wanted}",
                    remedy="start again; if it is so each time, take another cable or port",
                )
            self._require("chmod", "755", draft)
            self._require("mv", "-f", draft, AGENT)
        except BaseException:
            # On a device that is lost it stays; the next push replaces it.
            with contextlib.suppress(TargetError):
                self._bridge.shell("rm", "-f", draft)
            raise

    def _push(self, path: str) -> None:
        result = self._bridge.push(self._binary, path)
        if result.code:
            size = format_bytes_rounded(self._binary.stat().st_size)
            raise CannotMeasureError(
                f"pushing the agent ({size}) to {path}: {result.message}",
                remedy=f"free space there, and see that {DEVICE_DIRECTORY} can be written to",
            )

    def _require(self, *words: str) -> None:
        result = self._bridge.shell(*words)
        if result.code:
            raise TargetError(
                f"{shlex.join(words)} on the device: {result.message}",
                remedy=f"see that {DEVICE_DIRECTORY} there can be written to",
            )

    def _found_hash(self, path: str) -> str | None:
        """None where there is no file, or no ``sha256sum``."""
        result = self._bridge.shell("sha256sum", path)
        return result.out.split()[0] if result.code == 0 and result.out.split() else None


def _start_remedy(ended: SessionEndedError) -> str:
    if ended.code in _NOT_STARTED:
        return f"look at it: adb shell ls -lZ {AGENT} (SELinux, a noexec mount, its processor)"
    return f"try it by hand: adb shell {AGENT} --version"


def _returncode(code: int) -> int:
    """A shell's exit code as subprocess has it: negative is the number of a signal."""
    return _SIGNALLED - code if code > _SIGNALLED else code


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
