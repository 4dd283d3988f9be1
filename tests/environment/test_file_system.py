"""What a file system is set to, beyond the options of its mount."""

from pathlib import Path

from fake_phone import Phone
from loadstone.environment.file_system import feature_facts
from loadstone.model import Fact

F2FS = "/sys/fs/f2fs/dm-7"


def facts_of(phone: Phone, fs_type: str, options: str = "rw;rw", name: str = "dm-7") -> object:
    known: dict[str, Fact] = {"fs.type": fs_type, "fs.options": options, "block.name": name}
    return feature_facts(phone.read_texts, known)


def test_an_f2fs_tells_its_features_and_how_full_it_is(tmp_path: Path) -> None:
    texts = {
        f"{F2FS}/features": "encryption, verity, casefold, compression, pin_file\n",
        f"{F2FS}/free_segments": "40123\n",
        f"{F2FS}/dirty_segments": "many\n",
    }
    found = facts_of(
        Phone(tmp_path, texts), "f2fs", "rw,relatime;rw,inlinecrypt,fsync_mode=nobarrier"
    )
    assert found == {
        "fs.inline_encryption": True,
        "fs.features": "encryption, verity, casefold, compression, pin_file",
        "fs.f2fs_free_segments": 40123,
    }


def test_an_ext4_tells_the_options_that_are_its_defaults_too(tmp_path: Path) -> None:
    phone = Phone(tmp_path, {"/proc/fs/ext4/dm-7/options": "rw\ndelalloc\nbarrier\n"})
    assert facts_of(phone, "ext4") == {
        "fs.inline_encryption": False,
        "fs.all_options": "rw,delalloc,barrier",
    }


def test_others_and_those_that_refuse_tell_nothing_more(tmp_path: Path) -> None:
    phone = Phone(tmp_path, {})
    assert facts_of(phone, "xfs") == {}
    assert facts_of(phone, "f2fs") == {"fs.inline_encryption": False}
    assert facts_of(phone, "f2fs", name="../../../etc") == {}
    assert feature_facts(phone.read_texts, {}) == {}


def test_hostile_features_are_plain_text(tmp_path: Path) -> None:
    phone = Phone(tmp_path, {f"{F2FS}/features": "<i>\x1b[31m" + "x" * 100_000})
    found = facts_of(phone, "f2fs")
    assert isinstance(found, dict)
    assert found["fs.features"].startswith(r"<i>\x1b[31mxx")
    assert len(found["fs.features"]) < 1100
