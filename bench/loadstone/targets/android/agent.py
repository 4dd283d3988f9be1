"""The agent on a device: pushed when it differs, started when needed, asked Job by Job."""

import contextlib
import hashlib
import shlex
from pathlib import Path

from loadstone.core import native
from loadstone.core.worker import describe_exit
from loadstone.errors import CannotMeasureError, TargetError, TargetLostError
from loadstone.model import NO_ANSWER, Job, Outcome
from loadstone.targets.agent_binary import agent_binary
from loadstone.targets.android.bridge import PLACE, Bridge
from loadstone.targets.android.root import User
from loadstone.targets.android.session import Session, SessionEndedError
from loadstone.targets.android.wire import Hello, job_line, read_hello, read_outcome
from loadstone.targets.cancel import CancelToken
from loadstone.text import printable
from loadstone.units import format_bytes_rounded

AGENT = f"{PLACE}/loadstone-agent"

# Beyond a Job's own limit, which the agent keeps.
_GRACE_S = 30.0
_SIGNALLED = 128
# What a shell says of a program that is not there, or would not run.
_NOT_STARTED = (126, 127)


class Agent:
    """The agent of one device.

    Args:
        user: who it runs as.
        giving_up: wished for from another thread where a Job is to be given up.
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
        """What the agent says of itself; it is started where it does not run.

        Raises:
            TargetError: it does not run on this device.
        """
        return read_hello(self._running().hello)

    def execute(self, job: Job) -> Outcome:
        """Carry out a Job; the device's loss is an Outcome that is ``lost``.

        Raises:
            TargetError: the agent does not run on this device, or talks nonsense.
        """
        self._cancel_token.raise_if_cancelled(job.operation)
        try:
            session = self._running()
            return read_outcome(session.ask(job_line(job), job.timeout_s + _GRACE_S))
        except SessionEndedError as ended:
            return self._judged(ended, job)
        except TargetLostError as error:
            return Outcome(crash=str(error), target_lost=True)
        except BaseException:
            # Whoever tidies up next must not race with a Job that still makes files.
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

    def _judged(self, ended: SessionEndedError, job: Job) -> Outcome:
        self.close()
        self._cancel_token.raise_if_cancelled(job.operation)
        where = f"adb:{printable(self._bridge.serial)}"
        if ended.code is None and self._bridge.answers():
            return Outcome(crash=f"{NO_ANSWER} from {where} within {job.timeout_s:g} s; given up")
        if ended.code:
            why = f"{describe_exit(_plain(ended.code))}: {ended}"
            return Outcome(crash=f"the agent on {where}: {why}")
        # adb's client has nothing to say of a connection that ends, and its exit code is 0.
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
                remedy=f"{self._remedy(ended)}",
            ) from ended
        self._require_same_core(session)
        return session

    def _remedy(self, ended: SessionEndedError) -> str:
        if ended.code in _NOT_STARTED:
            return f"look at it: adb shell ls -lZ {AGENT} (SELinux, a noexec mount, its processor)"
        return f"try it by hand: adb shell {AGENT} --version"

    def _require_same_core(self, session: Session) -> None:
        hello = read_hello(session.hello)
        if hello.core != native.source_hash():
            session.close()
            raise CannotMeasureError(
                f"{self._binary} was built from other sources than this loadstone",
                remedy="make agents",
            )

    def _install(self) -> None:
        """Push the agent unless the same one is there; nobody ever starts half of one."""
        wanted = _sha256(self._binary)
        if self._found_hash(AGENT) == wanted:
            return
        draft = f"{AGENT}-{wanted[:12]}"
        try:
            self._push(draft)
            if (found := self._found_hash(draft)) not in (wanted, None):
                raise TargetError(f"{draft} arrived with the SHA-256 {found}, not {wanted}")
            self._must("chmod", "755", draft)
            self._must("mv", "-f", draft, AGENT)
        except BaseException:
            # What a lost device keeps of it, the next push replaces.
            with contextlib.suppress(TargetError):
                self._bridge.shell("rm", "-f", draft)
            raise

    def _push(self, path: str) -> None:
        said = self._bridge.push(self._binary, path)
        if said.code:
            size = format_bytes_rounded(self._binary.stat().st_size)
            raise CannotMeasureError(
                f"pushing the agent ({size}) to {path}: {said.last_words}",
                remedy=f"free space on the device, and see that {PLACE} can be written to",
            )

    def _must(self, *words: str) -> None:
        said = self._bridge.shell(*words)
        if said.code:
            raise TargetError(f"{shlex.join(words)} on the device: {said.last_words}")

    def _found_hash(self, path: str) -> str | None:
        """None where there is no file, or no program that tells."""
        said = self._bridge.shell("sha256sum", path)
        return said.out.split()[0] if said.code == 0 and said.out.split() else None


def _plain(code: int) -> int:
    """A shell's exit code as Python has it: negative is the number of a signal."""
    return _SIGNALLED - code if code > _SIGNALLED else code


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
