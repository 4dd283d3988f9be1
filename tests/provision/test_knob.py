"""Which files of the kernel a knob stands for, and how they are set and put back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import needs_root
from loadstone.errors import CannotMeasureError
from loadstone.provision.journal import Journal
from loadstone.provision.knob import kept_knobs
from loadstone.provision.tunable import selected
from loadstone.targets.local import LocalTarget

_THRESHOLD = Path("/proc/sys/vm/extfrag_threshold")
_THP = Path("/sys/kernel/mm/transparent_hugepage/shmem_enabled")


@pytest.fixture
def target(place: Path) -> Iterator[LocalTarget]:
    local = LocalTarget(place / "results")
    yield local
    local.close()


@pytest.fixture
def journal(place: Path) -> Iterator[Journal]:
    with Journal(place / "results") as journal:
        yield journal


def test_of_several_words_the_one_in_brackets_is_the_value() -> None:
    assert selected("mq-deadline kyber [none]\n") == "none"
    assert selected("128\n") == "128"


@needs_root
@pytest.mark.skipif(not _THRESHOLD.exists(), reason="this kernel has no vm.extfrag_threshold")
def test_a_sysctl_is_set_read_back_and_put_back(target: LocalTarget, journal: Journal) -> None:
    before = _THRESHOLD.read_text()
    with kept_knobs(target, journal, ["vm.extfrag_threshold"], None) as knobs:
        knob = knobs["vm.extfrag_threshold"]
        knob.set(target, "501")
        assert _THRESHOLD.read_text() == "501\n"
        assert knob.other_value(target, "501") is None
        assert knob.other_value(target, "500") == "501"
        with pytest.raises(
            CannotMeasureError, match=r"--knob vm.extfrag_threshold=x: .*EINVAL"
        ) as it:
            knob.set(target, "x")
        assert it.value.remedy
    assert _THRESHOLD.read_text() == before


@needs_root
@pytest.mark.skipif(not _THP.exists(), reason="this kernel has no huge pages of shared memory")
def test_one_of_several_words_is_put_back_as_it_was(target: LocalTarget, journal: Journal) -> None:
    before = _THP.read_text()
    name = "transparent_hugepage/shmem_enabled"
    with kept_knobs(target, journal, [name], None) as knobs:
        knobs[name].set(target, "advise")
        assert "[advise]" in _THP.read_text()
    assert _THP.read_text() == before


def test_attributes_of_a_queue_are_those_of_the_device_beneath(
    target: LocalTarget, journal: Journal, place: Path
) -> None:
    if not any(one.endswith("/queue/iostats") for one in target.samples(str(place))):
        pytest.skip("the place of these tests lies on no disk: name another with TMPDIR")
    with kept_knobs(target, journal, ["read_ahead_kb", "scheduler"], str(place)) as knobs:
        for name, knob in knobs.items():
            assert knob.files
            for file in knob.files:
                assert file.endswith(f"/queue/{name}")
                assert Path(file).exists()


@pytest.mark.parametrize("name", ["vm.no_such_sysctl", "read_ahead_kb", "governor"])
def test_what_is_not_there_is_named(target: LocalTarget, journal: Journal, name: str) -> None:
    if name == "governor" and list(Path("/sys/devices/system/cpu/cpufreq").glob("policy*")):
        pytest.skip("this machine has governors: run the tests on one without cpufreq")
    with (
        pytest.raises(CannotMeasureError, match=f"--knob {name}: this kernel has no ") as caught,
        kept_knobs(target, journal, [name], "/proc"),
    ):
        pass
    assert caught.value.remedy
