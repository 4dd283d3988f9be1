"""What is read of a fio result, and what is refused."""

from pathlib import Path

import pytest

from fio.results import FIO_2, TWO_ENTRIES, WITH_BINS, changed
from loadstone.errors import UsageError
from loadstone.fio.result_file import read_result


def test_a_result_of_each_version_is_read() -> None:
    found = [read_result(path) for path in (FIO_2, TWO_ENTRIES, WITH_BINS)]
    assert [one.version for one in found] == ["fio-2.21", "fio-3.25", "fio-3.39"]
    assert [job.name for job in found[1].jobs] == ["scan", "seek", "seek"]
    assert found[2].options["group_reporting"] == ""
    assert found[2].jobs[0].start_ms == 1795807713263
    assert found[2].ended_ms == 1795807713657
    assert not any(one.hostname for one in found)


def test_warnings_around_the_json_are_passed_over(tmp_path: Path) -> None:
    noisy = tmp_path / "noisy.json"
    warning = "fio: file hash not empty on exit\n{not at the beginning} of a result\n"
    text = TWO_ENTRIES.read_text()
    noisy.write_text(f"{warning.splitlines()[0]}\n{text}\nRun status group 0 (all jobs):\n")
    assert read_result(noisy).jobs == read_result(TWO_ENTRIES).jobs


def test_a_file_cut_off_is_refused_with_its_line(tmp_path: Path) -> None:
    cut = tmp_path / "cut.json"
    whole = TWO_ENTRIES.read_text()
    for share in (0.1, 0.5, 0.99):
        cut.write_text(whole[: int(len(whole) * share)])
        with pytest.raises(UsageError, match=r"cut\.json:\d+: is cut off: ") as refused:
            read_result(cut)
        assert refused.value.remedy == "run fio with --output-format=json --output=FILE"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("hello\n", "it has no JSON"),
        ("\0\1\2", "it has no JSON"),
        ("3;fio-3.33;a;0;0;40000\n", "terse output"),
        ("a: (groupid=0, jobs=1): err= 0: pid=1\n", "prints for people"),
        ('{"jobs": []}\n', "no result of fio"),
        ('{"fio version": "fio-3.33", "timestamp": 1, "jobs": []}', "ran no job"),
        ('{"fio version": "fio-3.33", "loadstone": {}, "jobs": []}', "fio did not measure it"),
        ('{"fio version": "fio-2.1.11", "jobs": [{}]}', "does not say what its jobs did"),
        ('{"fio version": "fi\\u001bo", "jobs": [{}]}', "is no version of fio"),
        ('{"fio version": "fio-4.0", "timestamp": 1, "jobs": [{"jobname": 3}]}', "jobs"),
        ('{"fio version": "fio-3.33", "timestamp": NaN}\n', "Expected `int`, got `float`"),
        ("{" + '"a":{' * 200_000, "is damaged: maximum recursion"),
    ],
)
def test_what_is_no_result_is_refused_in_words(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "what.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=words) as refused:
        read_result(path)
    assert "what.json" in refused.value.what
    assert refused.value.remedy


def test_several_results_in_one_file_are_refused(tmp_path: Path) -> None:
    twice = tmp_path / "twice.json"
    twice.write_text(TWO_ENTRIES.read_text() * 2)
    with pytest.raises(UsageError, match="holds several results"):
        read_result(twice)


def test_a_directory_a_missing_and_a_huge_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Is a directory"):
        read_result(tmp_path)
    with pytest.raises(UsageError, match="No such file"):
        read_result(tmp_path / "none.json")
    huge = tmp_path / "huge.json"
    with huge.open("wb") as stream:
        stream.truncate((64 << 20) + 1)
    with pytest.raises(UsageError, match="larger than 64 MiB"):
        read_result(huge)


def test_a_client_tells_its_host_and_several_are_refused(tmp_path: Path) -> None:
    def as_client(document: dict[str, object], *hosts: str) -> None:
        jobs = document.pop("jobs")
        assert isinstance(jobs, list)
        for job, host in zip(jobs, hosts, strict=False):
            job["hostname"] = host
        document["client_stats"] = [*jobs, {**jobs[0], "jobname": "All clients"}]

    one = changed(TWO_ENTRIES, tmp_path / "one.json", lambda it: as_client(it, *3 * ["phone"]))
    assert read_result(one).hostname == "phone"
    assert len(read_result(one).jobs) == 3
    two = changed(TWO_ENTRIES, tmp_path / "two.json", lambda it: as_client(it, "a", "b"))
    with pytest.raises(UsageError, match="is of 2 hosts: a, b"):
        read_result(two)
