"""Job files, read as fio reads them."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from loadstone.errors import UsageError
from loadstone.fio.job_file import JobFile, read_job_file
from loadstone.fio.values import ALIASES, parse_size

needs_fio = pytest.mark.skipif(
    shutil.which("fio") is None, reason="fio is not installed: apt install fio"
)


def read(directory: Path, text: str, **environment: str) -> JobFile:
    path = directory / "jobs.fio"
    path.write_text(text)
    return read_job_file(path, environment)


def options(file: JobFile) -> list[tuple[str, dict[str, str]]]:
    return [
        (one.name, {name: option.value for name, option in one.options.items()})
        for one in file.sections
    ]


GRAMMAR = """; a comment
  # another
[global]
  bs=8k ; behind a value
[first job]
rw=read
bs=4k
bs=16k
[globals]
size=${SIZE}
[second]
readwrite =randread
group_reporting
"""


def test_sections_have_what_is_global_above_them(tmp_path: Path) -> None:
    file = read(tmp_path, GRAMMAR, SIZE="1m")
    assert options(file) == [
        ("first job", {"bs": "16k", "rw": "read"}),
        ("second", {"bs": "8k", "size": "1m", "rw": "randread", "group_reporting": ""}),
    ]
    assert [section.line for section in file.sections] == [5, 11]
    assert file.sections[0].options["bs"].line == 8


@needs_fio
def test_fio_itself_takes_the_same_of_each_job(tmp_path: Path) -> None:
    # What it shows of a second [global] it would not read so itself.
    text = GRAMMAR.replace("[globals]", "[GLOBAL]")
    file = read(tmp_path, text, SIZE="1m")
    words = ("fio", "--showcmd", file.path)
    shown = subprocess.run(words, env={"SIZE": "1m"}, capture_output=True, text=True, check=True)
    common, *jobs = (part.split(" --") for part in shown.stdout.strip().split(" --name="))
    found = [(name, dict(map(pair, [*common[1:], *own]))) for name, *own in jobs]
    assert found == options(file)


def pair(word: str) -> tuple[str, str]:
    """An option and its value."""
    name, _, value = word.strip().partition("=")
    return ALIASES.get(name, name), value


@needs_fio
def test_fio_itself_reads_the_same_sizes(tmp_path: Path) -> None:
    """By the operations that a job of so many bytes took."""
    spelt = [
        *((text, 1024) for text in ("4096", "0x1000", "4k", "4K", "4kb", "4ki", "4KiB", "4096b")),
        *((text, 1000) for text in ("4k", "4ki", "4KiB")),
    ]
    jobs = "".join(
        f"[{number}]\nkb_base={kb_base}\nbs={text}\n"
        for number, (text, kb_base) in enumerate(spelt)
    )
    total = 4096 * 4000
    with (tmp_path / "data").open("wb") as stream:
        stream.truncate(total)
    (tmp_path / "sizes.fio").write_text(f"[global]\nfilename=data\nsize={total}\nrw=read\n{jobs}")
    words = ("fio", "--output-format=json", "--output=out.json", "sizes.fio")
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)
    printed = json.loads((tmp_path / "out.json").read_text())["jobs"]
    counted = [total // one["read"]["total_ios"] for one in printed]
    assert counted == [parse_size(text, kb_base) for text, kb_base in spelt]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("rw=read\n[a]\n", 1, "rw=read: stands above any section"),
        ("[global]\nrw=read\n", 1, "has no job"),
        ("", 1, "has no job"),
        ("[a]\nbs = 4k\n", 2, "bs: to fio the blank behind = belongs to the value"),
        ("[a]\nrw=read\n\ninclude b.fio\n", 4, "include b.fio: one file is read"),
        ("[a]\nsize=${NONE}\n", 2, "${NONE} is not set"),
        ("[a]\nnumjobs=$ncpus\n", 2, "$ncpus is known to fio alone"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(
    tmp_path: Path, text: str, line: int, words: str
) -> None:
    with pytest.raises(UsageError) as refused:
        read(tmp_path, text)
    assert refused.value.what.startswith(f"{tmp_path}/jobs.fio:{line}: {words}")
    assert refused.value.remedy


@needs_fio
def test_fio_itself_refuses_what_stands_above_any_section(tmp_path: Path) -> None:
    (tmp_path / "jobs.fio").write_text("rw=read\n[a]\n")
    words = ("fio", "--parse-only", "jobs.fio")
    assert subprocess.run(words, cwd=tmp_path, capture_output=True, check=False).returncode


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "jobs.fio"
    for data, words in (
        (b"[a]\0", "is no job file"),
        (b"[a]\n\xff\n", r"jobs\.fio:2: is not UTF-8"),
        (b"#" * ((1 << 20) + 1), "is no job file"),
    ):
        path.write_bytes(data)
        with pytest.raises(UsageError, match=words):
            read_job_file(path, {})
    with pytest.raises(UsageError, match="Is a directory"):
        read_job_file(tmp_path, {})
