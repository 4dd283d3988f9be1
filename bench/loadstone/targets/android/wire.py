"""Jobs and Outcomes as they travel to the agent and back: a line each."""

from urllib.parse import quote

import msgspec

from loadstone.errors import TargetError
from loadstone.model import Job, Outcome

PROTOCOL = 1

# Readable where nothing is at stake: paths, lists, sizes.
_PLAIN = "/:,.=+@"


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """The agent's first line; ``uid`` is who it runs as."""

    loadstone_agent: int
    core: str
    architecture: str
    page_bytes: int
    uid: int


def job_line(job: Job) -> bytes:
    """A Job as a line: ``key=value`` words, percent-encoded."""
    words = [("operation", job.operation), ("timeout-s", f"{job.timeout_s:g}")]
    words += [("cpus", job.cpus)] if job.cpus is not None else []
    words += job.options.items()
    words += (("sample", path) for path in job.samples)
    return b" ".join(f"{key}={_encoded(value)}".encode() for key, value in words) + b"\n"


def read_hello(line: bytes) -> Hello:
    """Read the agent's first line.

    Raises:
        TargetError: it is none, or of another protocol.
    """
    try:
        hello = msgspec.json.decode(line, type=Hello)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TargetError(f"the agent's first line is none of its own: {error}") from error
    if hello.loadstone_agent != PROTOCOL:
        raise TargetError(
            f"the agent speaks protocol {hello.loadstone_agent}, not {PROTOCOL}",
            remedy="make agents",
        )
    return hello


def read_outcome(line: bytes) -> Outcome:
    """Read what the agent says of a Job.

    Raises:
        TargetError: it is no Outcome.
    """
    try:
        return msgspec.json.decode(line, type=Outcome)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TargetError(f"the agent's answer is no Outcome: {error}") from error


def _encoded(value: str) -> str:
    return quote(value, safe=_PLAIN, errors="surrogateescape")
