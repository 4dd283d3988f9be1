"""Classes of pages: each is compressed as such pages are, and follows from its seed."""

import struct
import zlib

import pytest

from loadstone.core import native

_BYTES = 1 << 20


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("random", 1.0, 1.01),
        ("zero", 0.0, 0.01),
        ("same-filled", 0.0, 0.01),
        ("text", 0.2, 0.6),
        ("pointer", 0.3, 0.7),
        ("fp16", 0.7, 0.97),
        ("half", 0.5, 0.52),
        ("bf16", 0.6, 0.97),
        ("int4", 0.75, 0.9),
    ],
)
def test_each_class_is_compressed_as_it_should(name: str, least: float, most: float) -> None:
    data = native.payload_of(name, 1, _BYTES)
    assert least <= len(zlib.compress(data, 1)) / _BYTES <= most


@pytest.mark.parametrize("name", ["random", "text", "pointer", "fp16", "half", "bf16", "int4"])
def test_the_same_seed_gives_the_same_bytes_and_another_one_others(name: str) -> None:
    one, again, other = (native.payload_of(name, seed, 4096) for seed in (1, 1, 2))
    assert one == again != other


def test_pages_are_what_their_class_says() -> None:
    assert set(native.payload_of("zero", 1, 4096)) == {0}
    words = struct.unpack("512Q", native.payload_of("same-filled", 1, 4096))
    assert len(set(words)) == 1
    assert words[0]
    assert native.payload_of("text", 1, 4096).decode("ascii").split()


def test_pointers_point_into_one_heap_at_multiples_of_16() -> None:
    pointers = [
        word for word in struct.unpack("8192Q", native.payload_of("pointer", 1, 65536)) if word
    ]
    assert 6500 < len(pointers) < 8192
    assert max(pointers) - min(pointers) < 128 << 20
    assert not any(pointer % 16 for pointer in pointers)


def test_half_floats_are_weights_of_a_layer() -> None:
    weights = struct.unpack("32768e", native.payload_of("fp16", 1, 65536))
    mean = sum(weights) / len(weights)
    deviation = (sum((weight - mean) ** 2 for weight in weights) / len(weights)) ** 0.5
    assert abs(mean) < 0.001
    assert 0.019 < deviation < 0.021


def test_bfloat16s_are_the_same_weights() -> None:
    data = native.payload_of("bf16", 1, 65536)
    weights = [struct.unpack("<f", b"\0\0" + data[at : at + 2])[0] for at in range(0, len(data), 2)]
    halves = struct.unpack("32768e", native.payload_of("fp16", 1, 65536))
    assert weights == pytest.approx(halves, rel=1 / 128, abs=1e-4)


def test_half_of_each_page_is_zeros_whatever_its_size() -> None:
    data = native.payload_of("half", 1, 3 * 16384)
    for page_bytes in (4096, 16384):
        for at in range(0, len(data), page_bytes):
            zeros = data[at : at + page_bytes].count(0) / page_bytes
            assert 0.5 < zeros < 0.51
    assert set(data[2048:4096]) == {0}


def test_weights_of_4_bits_are_nearly_normal() -> None:
    weights = [
        weight for byte in native.payload_of("int4", 1, 65536) for weight in (byte & 15, byte >> 4)
    ]
    mean = sum(weights) / len(weights)
    deviation = (sum((weight - mean) ** 2 for weight in weights) / len(weights)) ** 0.5
    assert (min(weights), max(weights)) == (0, 14)
    assert 6.6 < mean < 6.9
    assert 2.2 < deviation < 2.4


@pytest.mark.parametrize(("name", "size_bytes"), [("gold", 64), ("random", 7)])
def test_what_there_is_none_of_is_refused(name: str, size_bytes: int) -> None:
    with pytest.raises(ValueError, match="no payload"):
        native.payload_of(name, 1, size_bytes)
