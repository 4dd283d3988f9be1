"""Jobs of fio as Cases of our workloads."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from loadstone.errors import UsageError
from loadstone.fio.request import with_jobs
from loadstone.model import Value
from loadstone.plan.request import Request, Side, make_pair_plan, make_plan


def asked(directory: Path, text: str, *accepted: str, **said: object) -> Request:
    path = directory / "jobs.fio"
    path.write_text(text)
    sections = said.pop("sections", ())
    assert isinstance(sections, tuple)
    request = Request(**said)  # type: ignore[arg-type]  # whatever a test says
    return with_jobs(request, path, sections, accepted)


def parameters(directory: Path, text: str, *accepted: str) -> Mapping[str, Value]:
    (case,) = asked(directory, f"[a]\n{text}", *accepted).cases
    return case


READ = "rw=read\nfilename=model\n"
WRITE = "rw=write\nsize=1m\n"
FLUSH = "rw=randwrite\nfdatasync=1\nnumber_ios=30\n"


def test_a_job_without_options_has_the_defaults_of_fio(tmp_path: Path) -> None:
    assert parameters(tmp_path, READ) == {
        "engine": "pread",
        "io": "buffered",
        "block": 4096,
        "cache": "cold",
        "threads": 1,
        "destination": "anon",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ioengine=sync", {"engine": "pread"}),
        ("ioengine=io_uring", {"engine": "uring", "depth": 1}),
        ("ioengine=io_uring\niodepth=32", {"depth": 32}),
        ("ioengine=mmap", {"engine": "mmap-copy"}),
        ("ioengine=io_uring\nhipri\nsqthread_poll=1", {"poll": "sq+io"}),
        ("ioengine=io_uring\nfixedbufs\nregisterfiles=1", {"fixed": True}),
        ("direct=1", {"io": "direct"}),
        ("buffered=0", {"io": "direct"}),
        ("uncached=1", {"io": "dontcache"}),
        ("bs=128k", {"block": 128 << 10}),
        ("bs=64k,4k", {"block": 64 << 10}),
        ("bs=4KiB\nkb_base=1000", {"block": 4096}),
        ("invalidate=0", {"cache": "as-is"}),
        ("pre_read=1", {"cache": "warm"}),
        ("mem=mmaphuge:/mnt/huge", {"destination": "hugetlb"}),
        ("iomem=mmap\nthp=1", {"destination": "thp"}),
    ],
)
def test_an_option_of_a_read_is_a_parameter(
    tmp_path: Path, text: str, said: dict[str, Value]
) -> None:
    assert said.items() <= parameters(tmp_path, READ + text).items()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", {"size": 4096, "total": 1 << 20, "sync": "none", "prealloc": "fallocate"}),
        ("ioengine=io_uring\niodepth=4", {"engine": "uring", "depth": 4}),
        ("fsync=16", {"sync": "every:16"}),
        ("end_fsync=1", {"sync": "end"}),
        ("overwrite=1", {"pattern": "overwrite"}),
        ("file_append=1", {"pattern": "append"}),
        ("fallocate=none", {"prealloc": "none"}),
        ("sync=dsync", {"io": "dsync"}),
        ("zero_buffers", {"payload": "zero"}),
        ("bs=64k,16k", {"size": 16 << 10}),
        ("filename=/dev/shm/out", {"pattern": "fresh"}),
    ],
)
def test_an_option_of_a_write_is_a_parameter(
    tmp_path: Path, text: str, said: dict[str, Value]
) -> None:
    assert said.items() <= parameters(tmp_path, WRITE + text).items()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", {"segments": 1, "sync": "fdatasync", "threads": 1, "writes": 30, "block": 4096}),
        ("numjobs=16\ndirect=1", {"threads": 16, "io": "direct"}),
        ("time_based\nruntime=1m", {"seconds": 60}),
    ],
)
def test_random_writes_with_a_sync_each_are_dm_flush(
    tmp_path: Path, text: str, said: dict[str, Value]
) -> None:
    request = asked(tmp_path, f"[a]\n{FLUSH}{text}")
    assert request.what == "dm-flush"
    assert said.items() <= request.cases[0].items()
    assert any("--set segments=1,1024" in remark for remark in request.remarks)


@pytest.mark.parametrize(
    ("text", "option"),
    [
        (f"{READ}ioengine=libaio", "ioengine"),
        (f"{READ}numjobs=4", "numjobs"),
        (f"{READ}rate=1m", "rate"),
        (f"{READ}ioengine=io_uring\nfixedbufs", "fixedbufs"),
        (f"{READ}ioengine=mmap\ndirect=1", "direct"),
        (f"{READ}exec_prerun=true", "exec_prerun"),
        (f"{READ}mem=cudamalloc", "mem"),
        (f"{READ}thinktime=5", "thinktime"),
        (f"{WRITE}numjobs=4", "numjobs"),
        (f"{WRITE}fdatasync=1", "fdatasync"),
        (f"{WRITE}fallocate=keep", "fallocate"),
        (f"{WRITE}sync=1", "sync"),
        (f"{WRITE}buffer_compress_percentage=50", "buffer_compress_percentage"),
        (f"{FLUSH}uncached=1", "uncached"),
        (f"{FLUSH}fsync=8", "fsync"),
    ],
)
def test_what_would_change_figures_is_refused_unless_it_is_accepted(
    tmp_path: Path, text: str, option: str
) -> None:
    line = 2 + [each.partition("=")[0] for each in text.splitlines()].index(option)
    with pytest.raises(UsageError) as refused:
        parameters(tmp_path, text)
    assert refused.value.what.startswith(f"{tmp_path}/jobs.fio:{line}: [a] {option}: ")
    assert refused.value.remedy
    request = asked(tmp_path, f"[a]\n{text}", option)
    assert any(remark.startswith(f"{option}: accepted: ") for remark in request.remarks)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rw=randread\nfilename=x", "no workload does 'randread' on a file"),
        ("rw=randrw", "no workload does 'randrw'"),
        ("rw=read:8", "no workload does 'read:8'"),
        ("rw=randwrite\nsize=1m", "without fdatasync=1 or fsync=1"),
        (f"{READ}ioengine=null", "no workload has 'null'"),
        (f"{READ}bs=4.5k", "bs: '4.5k' is no size"),
        (f"{READ}iodepth=many", "iodepth: 'many' is no number"),
        (f"{READ}direct=yes", "direct: 'yes' is neither 0 nor 1"),
        ("rw=read\nfilename=a:b", "filename: names several files"),
        ("rw=read", "size: is not given, and no filename either"),
        ("rw=write\nfilename=/dev/sda\nsize=1m", "filename: /dev/sda is a device"),
        (f"{WRITE}bs=100", "as folio-write: size: '100' is too little"),
        ("rw=randwrite\nfsync=1", "neither it nor number_ios or time_based"),
    ],
)
def test_what_no_workload_does_is_refused_whatever_is_accepted(
    tmp_path: Path, text: str, words: str
) -> None:
    accepted = [each.partition("=")[0] for each in text.splitlines()]
    with pytest.raises(UsageError) as refused:
        asked(tmp_path, f"[a]\n{text}", *accepted)
    assert words in refused.value.what
    assert refused.value.what.startswith(f"{tmp_path}/jobs.fio:")
    assert refused.value.remedy


def test_all_that_deviates_is_told_at_once(tmp_path: Path) -> None:
    text = f"[global]\nnumjobs=2\n[a]\n{READ}bss=4k\n[b]\n{READ}"
    with pytest.raises(UsageError) as refused:
        asked(tmp_path, text)
    assert "jobs.fio:2: [a] numjobs: " in refused.value.what
    (other,) = refused.value.details
    assert "jobs.fio:6: [a] bss: is not known (did you mean 'bs'?)" in other


def test_what_changes_no_figure_is_named(tmp_path: Path) -> None:
    common = f"{READ}group_reporting\n"
    text = f"[a]\n{common}loops=3\nnrfiles=1\n[b]\n{common}bs=8k\nstonewall\n"
    assert {
        "group_reporting: ignored: it is about what fio prints",
        "[a] nrfiles: ignored: that is its default",
        "[a] loops: ignored: rounds take its place: --rounds N, --until 2%",
        "[b] stonewall: ignored: each Case is run alone, in rounds of a drawn order",
    } <= set(asked(tmp_path, text).remarks)


def test_a_file_read_in_part_deviates(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.write_bytes(bytes(8192))
    whole = f"[a]\nrw=read\nfilename={model}\nsize=8k"
    assert asked(tmp_path, whole).file == str(model)
    with pytest.raises(UsageError, match=r"size: a load reads the whole of .*, 8192 bytes"):
        asked(tmp_path, whole.replace("8k", "4k"))


def test_jobs_become_the_cases_of_one_plan(tmp_path: Path) -> None:
    text = f"[global]\n{READ}cpus_allowed=0-1\n[small]\n[big]\nbs=1m\ndirect=1\n"
    plan, remarks = make_plan(asked(tmp_path, text, rounds=3, axes=("cache=cold,as-is",)))
    assert (plan.name, plan.workload, plan.rounds) == ("jobs", "model-load", 3)
    assert [case.label for case in plan.cases] == [
        "pread buffered → anon 4KiB",
        "pread buffered → anon 4KiB as-is",
        "pread direct → anon 1MiB",
        "pread direct → anon 1MiB as-is",
    ]
    assert plan.input.file == str(Path("model").absolute())
    assert plan.conditions.pin == "0-1"
    assert any("POSIX_FADV_SEQUENTIAL" in remark for remark in remarks)


def test_jobs_are_the_cases_of_two_sides(tmp_path: Path) -> None:
    sides = (Side(axes=("cache=cold",)), Side(axes=("cache=as-is",)))
    plan, _ = make_pair_plan(asked(tmp_path, f"[global]\n{READ}[a]\n[b]\nbs=1m\n"), *sides)
    assert (len(plan.cases), len(plan.pairs)) == (4, 2)


def test_what_the_command_line_says_goes_before(tmp_path: Path) -> None:
    text = f"[a]\n{READ}cpus_allowed=0-1\n"
    request = asked(tmp_path, text, file="other", pin="2")
    assert (request.file, request.pin) == ("other", "2")
    made = asked(tmp_path, text, size_bytes=4096)
    assert (made.file, made.size_bytes) == (None, 4096)


def test_a_device_has_to_be_named_twice_all_the_same(tmp_path: Path) -> None:
    request = asked(tmp_path, f"[a]\n{FLUSH}filename=/dev/none")
    with pytest.raises(UsageError, match="all that is on it will be lost"):
        make_plan(request)


def test_jobs_of_two_runs_are_taken_one_by_one(tmp_path: Path) -> None:
    text = f"[r]\n{READ}[w]\n{WRITE}"
    with pytest.raises(UsageError, match=r"\[w\] is another Run than \[r\]: workload") as refused:
        asked(tmp_path, text)
    assert refused.value.remedy == "take one of them with --section w"
    assert asked(tmp_path, text, sections=("w",)).what == "folio-write"
    with pytest.raises(UsageError, match=r"has no such job \(did you mean 'w'\?\)"):
        asked(tmp_path, text, sections=("ww",))


def test_a_workload_beside_the_jobs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="model-load and --fio"):
        asked(tmp_path, f"[a]\n{READ}", what="model-load")
