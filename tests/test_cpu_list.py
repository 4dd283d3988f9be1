"""Lists of CPUs are read and written as the kernel does."""

import pytest

from loadstone.cpu_list import format_cpu_list, parse_cpu_list


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("0-3,6", {0, 1, 2, 3, 6}), ("5", {5}), ("0-1,1-2\n", {0, 1, 2}), ("", set()), ("\n", set())],
)
def test_a_list_of_cpus_is_read(text: str, numbers: set[int]) -> None:
    assert parse_cpu_list(text) == numbers


@pytest.mark.parametrize(
    "text", ["3-1", "a", "1-", "-1", "1,,2", ",", "0-9999999", "8192", "1 2", "0x1", "٣", "1-2-3"]
)
def test_what_is_no_list_of_cpus_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="is no list of CPUs"):
        parse_cpu_list(text)


@pytest.mark.parametrize("text", ["0", "0-3", "0-3,6", "0,2,4", "1-2,5-7,9", ""])
def test_a_list_is_written_as_the_kernel_writes_it(text: str) -> None:
    assert format_cpu_list(parse_cpu_list(text)) == text
