"""Several processes, of which some cannot be looked at."""

from collections.abc import Sequence

import msgspec
import pytest

from known_process import process_of, seen
from loadstone.errors import CannotMeasureError
from loadstone.model import CoreError, Environment, Fact, Job, Outcome
from loadstone.pages.look import Algorithm, Bounds
from loadstone.pages.survey import Survey, survey
from loadstone.targets.local import LocalTarget
from sample_pages import process_of as some_process

LZ4, ZSTD = Algorithm(name="lz4"), Algorithm(name="zstd", level=1)
_MEM = CoreError(code=13, step="open memory", path="/proc/9")


class RefusingTarget:
    """Its kernel answers every look with an error; ``scope`` is that of ptrace."""

    name = "refusing"
    is_this_machine = False
    lost_remedy = ""
    is_root = False

    def __init__(self, error: CoreError, scope: str | None = None) -> None:
        self._error, self._scope = error, scope

    def environment(self, path: str | None) -> Environment:
        del path
        facts: dict[str, Fact] = {
            "machine.page_bytes": 4096,
            "kernel.release": "6.1",
            "user.is_root": self.is_root,
        }
        return Environment(target=self.name, facts=facts)

    def execute(self, job: Job) -> Outcome:
        del job
        return Outcome(error=self._error)

    def read_text(self, path: str) -> str | None:
        assert path == "/proc/sys/kernel/yama/ptrace_scope"
        return self._scope


def _surveyed(local: LocalTarget, pids: Sequence[int], *algorithms: Algorithm) -> Survey:
    processes = [process_of(local, pid) for pid in pids]
    return survey(local, processes, algorithms or (LZ4,), Bounds(), None, lambda _: None)


def test_each_is_seen_by_each_algorithm(local: LocalTarget, known: int) -> None:
    told: list[str] = []
    processes = [process_of(local, known)]
    found = survey(local, processes, [LZ4, ZSTD], Bounds(), None, told.append)
    assert [look.algorithm for look in found.seen] == [LZ4, ZSTD]
    assert [len(found.by(one)) for one in (LZ4, ZSTD)] == [1, 1]
    assert told == [f"known-process ({known})"] * 2
    assert found.thresholds == (3257, 3625)


def test_one_that_is_gone_is_left_out_and_named(local: LocalTarget, known: int) -> None:
    gone = msgspec.structs.replace(process_of(local, known), pid=(1 << 22) + 1)
    found = survey(local, [process_of(local, known), gone], [LZ4], Bounds(), None, lambda _: None)
    assert [look.process.pid for look in found.seen] == [known]
    assert [(one.process.pid, one.reason) for one in found.not_seen] == [
        (gone.pid, f"there is no process {gone.pid}")
    ]


def test_what_is_the_same_in_two_looks_is_alike(local: LocalTarget, known: int) -> None:
    one, other = (seen(local, known, bounds=Bounds(most_pages=50, most_s=60)) for _ in range(2))
    assert [kind.seen for kind in one.kinds] == [kind.seen for kind in other.kinds]


@pytest.mark.parametrize(
    ("scope", "remedy"),
    [
        (None, "run as root"),
        ("0\n", "run as root"),
        ("1\n", "echo 0 > /proc/sys/kernel/yama/ptrace_scope (it is 1)"),
        ("3\n", "start the machine anew"),
    ],
)
def test_refused_memory_names_who_refuses(scope: str | None, remedy: str) -> None:
    target = RefusingTarget(_MEM, scope)
    with pytest.raises(CannotMeasureError) as caught:
        survey(target, [some_process(9)], [LZ4], Bounds(), None, lambda _: None)  # type: ignore[arg-type]  # a part of a Target
    assert "this user may not look into it: open memory /proc/9: Permission denied" in str(
        caught.value
    )
    assert remedy in str(caught.value)


def test_of_several_none_of_which_can_be_seen_the_first_is_named() -> None:
    target = RefusingTarget(CoreError(code=13, step="read smaps", path="/proc/9"))
    with pytest.raises(CannotMeasureError, match=r"some \(9\), nor 1 others"):
        survey(target, [some_process(9), some_process(10)], [LZ4], Bounds(), None, lambda _: None)  # type: ignore[arg-type]  # a part of a Target


def test_root_is_not_told_to_be_root() -> None:
    target = RefusingTarget(CoreError(code=13, step="read smaps", path="/proc/9"))
    target.is_root = True
    with pytest.raises(CannotMeasureError, match="run where root has this right"):
        survey(target, [some_process(9)], [LZ4], Bounds(), None, lambda _: None)  # type: ignore[arg-type]  # a part of a Target
