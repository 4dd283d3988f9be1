"""Storage profiles: those that come along, and the user's own."""

from pathlib import Path

import pytest

from commands import Command
from loadstone.errors import UsageError
from loadstone.provision.simulated.profile import (
    MIB,
    Driver,
    built_in_profiles,
    device_bytes,
    find_profile,
    read_profiles,
    storage_facts,
)


@pytest.fixture
def write(tmp_path: Path) -> Path:
    """A file of the user's with two sound profiles."""
    path = tmp_path / "mine.toml"
    path.write_text('[slow]\nmbps = 100\n[fast]\ncompletion_nsec = 1_000\nsize = "1GiB"\n')
    return path


def refused(path: Path, text: str) -> str:
    path.write_text(text)
    with pytest.raises(UsageError) as error:
        read_profiles(path)
    return str(error.value)


def test_the_named_profiles_are_there_and_each_says_where_its_figures_come_from() -> None:
    profiles = built_in_profiles()
    assert set(profiles) >= {"ufs31", "ufs40", "nvme", "disk", "zoned"}
    for profile in profiles.values():
        assert profile.summary
        assert profile.source != "the user's own"


def test_a_flash_profile_has_flushes_that_the_block_layer_counts() -> None:
    for name in ("ufs21", "ufs31", "ufs40", "nvme"):
        profile = find_profile(name)
        assert profile.driver is Driver.NULL_BLK
        assert (profile.queue_mode, profile.irqmode) == (2, 2)
        assert profile.cache_size > 0
        assert profile.mbps == 0, "its budget of 20 ms lets the head of a file pass uncapped"


def test_the_limit_of_depth_and_completion_time_is_not_below_the_documented_bandwidth() -> None:
    for name, megabytes in (("ufs21", 1000), ("ufs31", 2100), ("ufs40", 4200), ("nvme", 7000)):
        profile = find_profile(name)
        in_flight_bytes = profile.hw_queue_depth * profile.max_sectors * 512
        assert in_flight_bytes / (profile.completion_nsec / 1e9) >= megabytes * 1e6


def test_the_disk_is_the_hosts_and_has_no_parameters_of_null_blk() -> None:
    facts = storage_facts(find_profile("disk"))
    assert facts["storage.driver"] == "virtio-blk"
    assert "storage.completion_nsec" not in facts


def test_facts_hold_every_parameter_that_is_set_and_none_that_is_left_alone() -> None:
    facts = storage_facts(find_profile("zoned"))
    assert facts["storage.profile"] == "zoned"
    assert facts["storage.zone_size"] == 4
    assert facts["storage.zoned"] is True
    assert facts["storage.scheduler"] == "none"
    assert "storage.zone_max_open" not in facts
    assert None not in facts.values()


def test_a_file_of_several_profiles_wants_a_name(write: Path) -> None:
    assert find_profile(f"{write}:slow").mbps == 100
    assert find_profile(f"{write}:fast").size_bytes == 1 << 30
    with pytest.raises(UsageError, match=r"mine\.toml: holds slow, fast; write .*mine\.toml:NAME"):
        find_profile(str(write))
    with pytest.raises(UsageError, match=r"no storage 'fats' \(did you mean 'fast'\?\)"):
        find_profile(f"{write}:fats")


def test_a_file_of_one_profile_needs_no_name_and_may_lie_below_spaces(tmp_path: Path) -> None:
    path = tmp_path / "my own.toml"
    path.write_text("[only]\nhw_queue_depth = 8\n")
    assert find_profile(str(path)).name == "only"
    assert find_profile(f"{path}:only").hw_queue_depth == 8


def test_an_unknown_name_is_told_with_the_nearest_known() -> None:
    with pytest.raises(UsageError, match=r"ufs4: no such storage \(did you mean 'ufs40'\?\)"):
        find_profile("ufs4")


def test_a_missing_file_is_told_with_the_systems_words(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file or directory"):
        find_profile(str(tmp_path / "none.toml"))


def test_sizes_are_written_with_their_unit_or_in_null_blks_own(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text(
        '[a]\ncache_size = "1g"\nmax_sectors = "128k"\nblocksize = "4KiB"\nzone_size = "64MiB"\n'
        "[b]\ncache_size = 1024\nmax_sectors = 256\nblocksize = 4096\nzone_size = 64\n"
    )
    one, other = (storage_facts(profile) for profile in read_profiles(path).values())
    assert {**one, "storage.profile": "b"} == other


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[a]\nmbsp = 1\n", r"p.toml: [a]: mbsp: no such key (did you mean 'mbps'?)"),
        ("[a]\nname = 'b'\n", "p.toml: [a]: name: no such key"),
        ("[a]\nmbps = -1\n", "p.toml: [a]: mbps: Expected `int` >= 0"),
        ("[a]\nqueue_mode = 9\n", "p.toml: [a]: queue_mode: Expected `int` <= 2"),
        ("[a]\nmbps = '1'\n", "p.toml: [a]: mbps: Expected `int`"),
        ("[a]\ndriver = 'brd'\n", "p.toml: [a]: driver: Invalid enum value 'brd'"),
        ("[a]\ncache_size = '1 potato'\n", "p.toml: [a]: cache_size: '1 potato' is not a size"),
        ("[a]\ncache_size = '100k'\n", "'100k' is no multiple of 1MiB"),
        ("[a]\nsize = 5\n", "p.toml: [a]: size: Expected `int` >= 1048576"),
        ("[a]\nmemory_backed = false\n", "keeps no data"),
        ("[a]\ndriver = 'virtio-blk'\nzoned = true\n", "has no zones"),
        ("[a]\nmax_sectors = 0\n", "write 1 or more"),
        ("mbps = 1\n", "p.toml: mbps: is outside of a table"),
        ("", "p.toml: holds no storage"),
        ("[a\n", "p.toml:1: is not TOML"),
        (f"[a]\nmbps = {1 << 70}\n", "p.toml: [a]: mbps"),
    ],
)
def test_what_no_device_has_is_refused_with_file_and_key(
    tmp_path: Path, text: str, words: str
) -> None:
    assert words in refused(tmp_path / "p.toml", text)


def test_a_device_takes_half_of_the_memory_in_whole_zones_unless_it_has_a_size(
    write: Path,
) -> None:
    assert device_bytes(find_profile("ufs40"), 4 << 30) == 2 << 30
    assert device_bytes(find_profile("ufs40"), (4 << 30) + 3) == 2 << 30
    assert device_bytes(find_profile("zoned-large"), 1000 * MIB) == 480 * MIB
    assert device_bytes(find_profile(f"{write}:fast"), 1 << 20) == 1 << 30


@pytest.mark.parametrize("verb", ["run", "shell"])
def test_the_help_names_every_profile(loadstone: Command, verb: str) -> None:
    words = " ".join(loadstone("lab", verb, "--help").out.split())
    named = words.partition("Simulated device: ")[2].partition(", or FILE.toml")[0]
    assert named.split(", ") == list(built_in_profiles())
