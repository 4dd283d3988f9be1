"""Facts about a machine, read through nothing but small files."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from environment.small_files import texts_of
from loadstone.environment.machine import machine_facts


def read_text(path: str) -> str | None:
    try:
        return Path(path).read_text()
    except OSError:
        return None


def read_texts(paths: Sequence[str]) -> Mapping[str, str]:
    return {path: text for path in paths if (text := read_text(path)) is not None}


def test_this_machines_facts_are_its_own() -> None:
    facts = machine_facts(read_text, read_texts)
    assert facts["kernel.release"] == os.uname().release
    assert facts["cpu.count"] == os.sysconf("SC_NPROCESSORS_ONLN")
    available, total = facts["memory.available_bytes"], facts["memory.total_bytes"]
    assert isinstance(available, int)
    assert isinstance(total, int)
    assert 0 < available <= total


def test_a_machine_that_tells_nothing_has_facts_without_values() -> None:
    facts = machine_facts(lambda _: None, texts_of({}))
    assert facts["kernel.release"] is None
    assert facts["cpu.model"] is None


def test_of_a_list_of_choices_the_selected_one_is_told() -> None:
    files = {"/sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n"}
    assert machine_facts(lambda _: None, texts_of(files))["memory.thp"] == "madvise"


def test_the_processor_and_the_memory_are_told_in_units_of_their_own() -> None:
    files = {"/proc/meminfo": "MemTotal:  2048 kB\nHugePages_Free:  3\n"}
    cpuinfo = "processor : 0\nmodel name : Example 1\nflags : fpu hypervisor\nprocessor : 1\n"
    facts = machine_facts({"/proc/cpuinfo": cpuinfo}.get, texts_of(files))
    assert (facts["cpu.model"], facts["cpu.count"], facts["cpu.is_virtual"]) == (
        "Example 1",
        2,
        True,
    )
    assert (facts["memory.total_bytes"], facts["memory.hugetlb_free_pages"]) == (2 << 20, 3)
