"""The dma-buf heaps of a machine, by names that can be part of a path."""

from loadstone.environment.dma_heaps import heap_facts, heap_names


def test_heaps_are_told_by_name_in_order() -> None:
    listed = ["system-uncached", "qcom,display", "system"]
    assert heap_names(listed) == ["qcom,display", "system", "system-uncached"]
    assert heap_facts(listed) == {"memory.dma_heaps": "qcom,display, system, system-uncached"}


def test_a_name_that_could_leave_its_directory_or_move_a_cursor_is_none() -> None:
    assert heap_names(["../x", "\x1b[2J", "ok", "a/b"]) == ["ok"]


def test_without_a_directory_of_heaps_there_is_no_fact() -> None:
    assert heap_facts([]) == {}
