"""The agent's wire format: a line for a Job, a line for an Outcome."""

from urllib.parse import quote

import msgspec

from loadstone.errors import TargetError
from loadstone.model import Job, Outcome

PROTOCOL = 1

_REBUILD = "build the agents anew with: make agents"

# Left as they are, so that paths, lists and sizes stay readable.
_PLAIN = "/:,.=+@"


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """The agent's first line; ``uid`` is the user that it runs as."""

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
        TargetError: it is not one, or of another protocol.
    """
    try:
        hello = msgspec.json.decode(line, type=Hello)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TargetError(
            f"the agent's first line is none of its own: {error}", remedy=_REBUILD
        ) from error
    if hello.loadstone_agent != PROTOCOL:
        raise TargetError(
            f"the agent speaks protocol {hello.loadstone_agent}, not {PROTOCOL}",
            remedy=_REBUILD,
        )
    return hello


def read_outcome(line: bytes) -> Outcome:
    """Read the agent's answer to a Job.

    Raises:
        TargetError: it is no Outcome.
    """
    try:
        return msgspec.json.decode(line, type=Outcome)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TargetError(f"the agent's answer is no Outcome: {error}", remedy=_REBUILD) from error


def _encoded(value: str) -> str:
    return quote(value, safe=_PLAIN, errors="surrogateescape")
