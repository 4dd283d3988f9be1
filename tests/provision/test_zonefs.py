"""The super block of zonefs; that a kernel takes it is in tests/workloads/zoned_gc."""

import zlib

from loadstone.provision.zonefs import super_block


def test_it_is_a_block_with_the_magic_and_a_checksum_of_the_rest() -> None:
    block = super_block()
    assert len(block) == 4096
    assert block[:4] == b"SFOZ"
    blank = block[:4] + bytes(4) + block[8:]
    assert int.from_bytes(block[4:8], "little") == ~zlib.crc32(blank) & 0xFFFFFFFF
